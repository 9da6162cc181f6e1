"""A stored ask reads back as it was; one that somebody bent is refused with every fault."""

import json
from typing import Any

import pytest

from responder.errors import BadInput
from responder.playbooks.asks import Ask

PAUSE: dict[str, Any] = {
    "control": "sending",
    "namespace": "mail",
    "targetKind": "campaign",
    "target": "spring",
    "limit": {"share": 0.0},
    "verb": "pause",
}
FULL = {
    "share": 0.5,
    "perMinute": 100,
    "providers": {"gmail": 0.0},
    "pool": "quarantine",
    "suppress": ["seg-17"],
    "inFlight": "drop",
}


@pytest.mark.parametrize(
    "stored",
    [
        PAUSE,
        PAUSE | {"limit": FULL},
        PAUSE | {"limit": {"share": 0}},
        PAUSE | {"control": "replicas", "targetKind": "Deployment", "limit": {"replicas": 0}},
        PAUSE
        | {
            "control": "keys",
            "targetKind": "ConfigMap",
            "limit": {"key": "k", "order": ["a", "b"], "value": "b"},
        },
    ],
    ids=["share", "everything", "share as JSON may give it", "replicas", "keys"],
)
def test_an_ask_survives_storage_unchanged(stored: dict[str, Any]) -> None:
    through_json = json.loads(json.dumps(stored))
    assert Ask.from_json(through_json).to_json() == stored


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        ({"control": "route"}, {""}),
        ({"target": ""}, {"target"}),
        ({"targetKind": "Deployment"}, {"targetKind"}),
        ({"limit": {"replicas": 0}}, {"limit.replicas"}),
        ({"limit": {"share": 1.5, "perMinute": -1}}, {"limit.share", "limit.perMinute"}),
        ({"limit": {"share": True}}, {"limit.share"}),
        ({"limit": {"providers": {"gmail": "0"}}}, {"limit.providers.gmail"}),
        ({"more": 1, "verb": 1}, {"more", "verb"}),
    ],
)
def test_a_bent_ask_is_refused_with_every_fault(change: dict[str, Any], fields: set[str]) -> None:
    with pytest.raises(BadInput) as raised:
        Ask.from_json(PAUSE | change)
    assert {problem.field for problem in raised.value.problems} == fields


@pytest.mark.parametrize("stored", [None, [], "pause", {}])
def test_what_is_no_ask_at_all_is_refused(stored: object) -> None:
    with pytest.raises(BadInput):
        Ask.from_json(stored)

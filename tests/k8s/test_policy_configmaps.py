"""The admission policy confines the responder on ConfigMaps, and nobody else.

The account of these tests has every right, so that only the policy can refuse.
"""

import itertools
from typing import Any

import pytest

from tests.k8s.account import (
    ALLOWED,
    CONFIG_MAPS,
    GIVE_BACK,
    LEDGER,
    MANAGER,
    Account,
    documents,
    managed,
)
from tests.k8s.objects import Marks, config_map

pytestmark = pytest.mark.real_control_plane("admission policies")

CAMPAIGN = {"campaign-responder.dev/campaign": "spring-sale"}
KEYS = {"campaign-responder.dev/keys": "rate, state"}
NO_CAMPAIGN = "not a campaign's ConfigMap"
TRANSACTIONAL = "transactional mail is never held"
KEY = "neither a hold document nor opted in"
METADATA = "no label, owner, finalizer or other metadata may change"
ANNOTATION = "no annotation but campaign-responder.dev/ledger may change"
OTHER_NAME = "creates no ConfigMap but sending-holds, and deletes none"
PAUSED = '{"share":0.0}'
DATA = {"subject": "Spring sale", "state": "active", "rate": "3000"}
JSON = "application/json"
_serial = itertools.count(1)


def made(account: Account, *, labels: Marks | None = None, annotations: Marks | None = None) -> str:
    """Creates a ConfigMap of a team's; returns its name."""
    name = f"campaign-{next(_serial)}"
    manifest = config_map(name, DATA, labels=labels, annotations=annotations)
    account.kube.create(*CONFIG_MAPS, manifest)
    return name


def ours(account: Account, name: str) -> list[str]:
    entries = account.kube.get(*CONFIG_MAPS, name)["metadata"]["managedFields"]
    return [entry["manager"] for entry in entries if entry["manager"].startswith(MANAGER)]


MARKS = {
    "label": {"labels": CAMPAIGN},
    "annotation": {"annotations": {"campaign-responder.dev/campaign": "50 % off: ünïcode!"}},
    "allowed": {"labels": ALLOWED},
}


@pytest.mark.parametrize("marks", MARKS.values(), ids=MARKS)
def test_a_campaign_is_held_and_given_back_without_a_trace(
    mighty: Account, marks: dict[str, Any]
) -> None:
    name = made(mighty, **marks)
    assert mighty.patch(CONFIG_MAPS, name, documents(hold_json=PAUSED)) == ""
    assert mighty.patch(CONFIG_MAPS, name, documents(hold_json='{"share":0.5}')) == ""
    given_back = documents(None, hold_json=None)
    assert mighty.patch(CONFIG_MAPS, name, given_back, manager=GIVE_BACK) == ""
    assert mighty.tidy(CONFIG_MAPS, name) == ""
    assert ours(mighty, name) == []
    assert mighty.kube.get(*CONFIG_MAPS, name)["data"] == DATA


def test_opted_in_keys_are_held_and_given_back_without_a_trace(mighty: Account) -> None:
    name = made(mighty, labels=ALLOWED, annotations=KEYS)
    assert mighty.patch(CONFIG_MAPS, name, documents(state="paused", rate="10")) == ""
    given_back = documents(None, state="active", rate="3000")
    assert mighty.patch(CONFIG_MAPS, name, given_back, manager=GIVE_BACK) == ""
    assert mighty.tidy(CONFIG_MAPS, name) == ""
    assert ours(mighty, name) == []


TAKEN_AWAY = {
    "label": {"labels": {"campaign-responder.dev/hold": None}},
    "keys": {"annotations": {"campaign-responder.dev/keys": None}},
    "all": {
        "labels": {"campaign-responder.dev/hold": None},
        "annotations": {"campaign-responder.dev/keys": None, LEDGER: None},
    },
}


@pytest.mark.parametrize("taken_away", TAKEN_AWAY.values(), ids=TAKEN_AWAY)
def test_marks_taken_away_during_a_hold_neither_end_nor_strand_it(
    mighty: Account, taken_away: dict[str, Any]
) -> None:
    name = made(mighty, labels=ALLOWED, annotations=KEYS)
    held = documents(state="paused", hold_json='{"share":0.5}')
    assert mighty.patch(CONFIG_MAPS, name, held) == ""
    mighty.kube.patch(*CONFIG_MAPS, name, {"metadata": taken_away})
    assert mighty.patch(CONFIG_MAPS, name, documents(state="off", hold_json=PAUSED)) == ""
    given_back = documents(None, state="active", hold_json=None)
    assert mighty.patch(CONFIG_MAPS, name, given_back, manager=GIVE_BACK) == ""
    assert mighty.tidy(CONFIG_MAPS, name) == ""
    assert ours(mighty, name) == []
    assert "403" in mighty.patch(CONFIG_MAPS, name, documents(state="off"))


def test_an_edit_together_with_the_label_taken_away_is_no_escape(mighty: Account) -> None:
    """The edited document is the person's now; only the ledger says that the campaign is held."""
    name = made(mighty, labels=CAMPAIGN)
    assert mighty.patch(CONFIG_MAPS, name, documents(hold_json=PAUSED)) == ""
    edit = {
        "metadata": {"labels": {"campaign-responder.dev/campaign": None}},
        "data": {"hold.json": '{"share":1.0}'},
    }
    mighty.kube.patch(*CONFIG_MAPS, name, edit)
    assert mighty.patch(CONFIG_MAPS, name, documents(hold_json='{"share":0.1}')) == ""
    given_back = documents(None, hold_json=None)
    assert mighty.patch(CONFIG_MAPS, name, given_back, manager=GIVE_BACK) == ""
    assert NO_CAMPAIGN in mighty.patch(CONFIG_MAPS, name, documents(hold_json=PAUSED))


def test_what_becomes_transactional_during_a_hold_can_only_be_given_back(mighty: Account) -> None:
    name = made(mighty, labels=CAMPAIGN)
    assert mighty.patch(CONFIG_MAPS, name, documents(hold_json='{"share":0.5}')) == ""
    mighty.kube.patch(*CONFIG_MAPS, name, {"metadata": {"labels": {"stream": "transactional"}}})
    assert TRANSACTIONAL in mighty.patch(CONFIG_MAPS, name, documents(hold_json=PAUSED))
    given_back = documents(None, hold_json=None)
    assert mighty.patch(CONFIG_MAPS, name, given_back, manager=GIVE_BACK) == ""
    assert mighty.tidy(CONFIG_MAPS, name) == ""


NOT_ALLOWED = {
    "unmarked": ({}, NO_CAMPAIGN),
    "other-value": ({"labels": {"campaign-responder.dev/hold": "no"}}, NO_CAMPAIGN),
    "only-keys": ({"annotations": KEYS}, NO_CAMPAIGN),
    "stream": ({"labels": {**CAMPAIGN, "stream": "transactional"}}, TRANSACTIONAL),
    "our-stream": (
        {"labels": {**ALLOWED, "campaign-responder.dev/stream": "transactional"}},
        TRANSACTIONAL,
    ),
    "never": ({"labels": {**CAMPAIGN, "campaign-responder.dev/hold": "never"}}, "hold: never"),
}


def test_transactional_mail_is_held_where_its_owner_agrees(mighty: Account) -> None:
    agreed = {"campaign-responder.dev/hold": "even-transactional"}
    name = made(mighty, labels={**CAMPAIGN, **agreed, "stream": "transactional"})
    assert mighty.patch(CONFIG_MAPS, name, documents(hold_json=PAUSED)) == ""


@pytest.mark.parametrize(("marks", "reason"), NOT_ALLOWED.values(), ids=NOT_ALLOWED)
def test_a_config_map_that_is_not_allowed_is_never_held(
    mighty: Account, marks: dict[str, Any], reason: str
) -> None:
    name = made(mighty, **marks)
    assert reason in mighty.patch(CONFIG_MAPS, name, documents(hold_json=PAUSED))
    assert reason in mighty.patch(CONFIG_MAPS, name, documents())
    assert mighty.kube.get(*CONFIG_MAPS, name)["data"] == DATA


FOREIGN_KEYS = {
    "not-opted-in": ({"labels": ALLOWED, "annotations": KEYS}, {"subject": "x"}),
    "no-keys-named": ({"labels": ALLOWED}, {"state": "paused"}),
    "keys-without-the-label": (
        {"labels": CAMPAIGN, "annotations": KEYS},
        {"state": "paused"},
    ),
    "part-of-a-named-key": ({"labels": ALLOWED, "annotations": KEYS}, {"stat": "x"}),
    "removed": ({"labels": CAMPAIGN}, {"subject": None}),
    "added": ({"labels": CAMPAIGN}, {"hold.yaml": "x"}),
    "of-sending-holds": ({"labels": CAMPAIGN}, {"pool.a.json": PAUSED}),
}


@pytest.mark.parametrize(("marks", "data"), FOREIGN_KEYS.values(), ids=FOREIGN_KEYS)
def test_no_key_of_the_teams_may_change_even_beside_ours(
    mighty: Account, marks: dict[str, Any], data: dict[str, str | None]
) -> None:
    name = made(mighty, **marks)
    body = documents(hold_json=PAUSED)
    body["data"] |= data
    refusal = mighty.patch(CONFIG_MAPS, name, body)
    assert KEY in refusal
    assert next(iter(data)) in refusal


OTHER_FIELDS = {
    "binary-data": ({"binaryData": {"x": "eA=="}}, "binaryData and immutable may not change"),
    "immutable": ({"immutable": True}, "binaryData and immutable may not change"),
    "label": ({"metadata": {"labels": {"x": "y"}}}, METADATA),
    "campaign-label": (
        {"metadata": {"labels": {"campaign-responder.dev/campaign": None}}},
        METADATA,
    ),
    "finalizer": ({"metadata": {"finalizers": ["example.org/x"]}}, METADATA),
    "annotation": ({"metadata": {"annotations": {"x": "y"}}}, ANNOTATION),
    "keys-annotation": (
        {"metadata": {"annotations": {"campaign-responder.dev/keys": "subject"}}},
        ANNOTATION,
    ),
}


@pytest.mark.parametrize(("body", "reason"), OTHER_FIELDS.values(), ids=OTHER_FIELDS)
def test_nothing_else_of_a_config_map_may_change(
    mighty: Account, body: dict[str, Any], reason: str
) -> None:
    name = made(mighty, labels=CAMPAIGN, annotations=KEYS)
    assert reason in mighty.patch(CONFIG_MAPS, name, body)


def test_no_config_map_is_deleted_and_none_created_but_sending_holds(mighty: Account) -> None:
    name = made(mighty, labels=ALLOWED)
    other = config_map("other", {"hold.json": PAUSED}, labels=ALLOWED)
    assert OTHER_NAME in mighty.write("POST", CONFIG_MAPS, body=other, content_type=JSON)
    assert OTHER_NAME in mighty.write("DELETE", CONFIG_MAPS, name)


def claim(key: str) -> dict[str, Any]:
    """A managedFields entry that says that we hold the key."""
    return {
        "manager": MANAGER,
        "operation": "Update",
        "apiVersion": "v1",
        "time": "2026-11-24T18:00:00Z",
        "fieldsType": "FieldsV1",
        "fieldsV1": {"f:data": {f"f:{key}": {}}},
    }


@pytest.mark.parametrize("key", ["subject", "not-there-yet"])
def test_managed_fields_cannot_claim_a_key_alone_or_beside_a_hold(
    mighty: Account, key: str
) -> None:
    """What managedFields gives to us stays ours to give back, so it must not be had by a lie."""
    name = made(mighty, labels=CAMPAIGN)
    entries = mighty.kube.get(*CONFIG_MAPS, name)["metadata"]["managedFields"]
    lie = managed([*entries, claim(key)])
    assert KEY in mighty.patch(CONFIG_MAPS, name, lie)
    both = documents(hold_json=PAUSED)
    both["metadata"]["managedFields"] = lie["metadata"]["managedFields"]
    mighty.patch(CONFIG_MAPS, name, both)
    assert KEY in mighty.patch(CONFIG_MAPS, name, {"data": {key: "x"}})


def test_managed_fields_of_others_cannot_be_taken_away(mighty: Account) -> None:
    name = made(mighty)
    assert NO_CAMPAIGN in mighty.patch(CONFIG_MAPS, name, managed([{}]))


def test_nobody_else_is_confined(mighty: Account) -> None:
    name = made(mighty)
    mighty.kube.patch(*CONFIG_MAPS, name, {"data": {"subject": "x", "hold.json": "y"}})
    mighty.kube.delete(*CONFIG_MAPS, name)


def test_a_large_config_map_stays_within_the_budget_of_the_policy(mighty: Account) -> None:
    """CEL has a budget per request, and failurePolicy Fail would turn it into a strand."""
    name = f"campaign-{next(_serial)}"
    data = {f"template-{i}.html": "x" * 180 for i in range(5000)}
    mighty.kube.create(*CONFIG_MAPS, config_map(name, data, labels=CAMPAIGN))
    assert mighty.patch(CONFIG_MAPS, name, documents(hold_json=PAUSED)) == ""
    given_back = documents(None, hold_json=None)
    assert mighty.patch(CONFIG_MAPS, name, given_back, manager=GIVE_BACK) == ""
    assert mighty.tidy(CONFIG_MAPS, name) == ""

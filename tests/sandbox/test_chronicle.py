"""The story is told from what was stored, and says whose doing a change was."""

import itertools
import json
from collections.abc import Iterator
from typing import Any

import pytest

from responder.holds.sending import SendingLimit
from responder.sandbox.audit.versions import (
    AUTOSCALER,
    CONFIG_MAP,
    DEPLOYMENT,
    HOLDER,
    INCIDENT,
    LEDGER,
    Version,
)
from responder.sandbox.chronicle import Chronicle, in_words

Json = dict[str, Any]
PAUSED = json.dumps({"share": 0.0})
NAME = {CONFIG_MAP: "spring-sale", DEPLOYMENT: "sender", AUTOSCALER: "hpa", INCIDENT: "bounces-1"}


class Story:
    """Stores versions at one second each."""

    def __init__(self) -> None:
        self.chronicle = Chronicle(began=100.0)
        self._clock: Iterator[int] = itertools.count(1)

    def store(
        self, kind: str, *, by: str = "", name: str = "", deleted: bool = False, **body: Json
    ) -> list[str]:
        at = next(self._clock)
        metadata: Json = {"annotations": {LEDGER: "{}"}} if by == HOLDER else {}
        owned: Json = {
            part: {f"f:{key}": {} for key in body[part]}
            for part in ("spec", "data")
            if part in body
        }
        fields = {f"f:{part}": keys for part, keys in owned.items()}
        metadata["managedFields"] = [{"manager": by or "kubectl", "fieldsV1": fields}]
        metadata["name"] = name or NAME[kind]
        body = {"metadata": metadata, **body}
        version = Version(kind, metadata["name"], f"{kind}-1", at, 100.0 + at, body, deleted)
        return [news.text for news in self.chronicle.see(version)]


@pytest.fixture
def story() -> Story:
    return Story()


def test_a_hold_is_told_in_words_and_its_end_too(story: Story) -> None:
    data = {"subject": "Sale"}
    assert story.store(CONFIG_MAP, data=data) == []
    told = story.store(CONFIG_MAP, data={**data, "hold.json": PAUSED}, by=HOLDER)
    assert told == ["campaign/spring-sale paused"]
    assert story.chronicle.held() == {"campaign/spring-sale": SendingLimit(share=0.0)}
    assert story.store(CONFIG_MAP, data=data) == ["campaign/spring-sale goes on"]
    assert [moment.traces for moment in story.chronicle.moments] == [False, True, False]
    assert [moment.at_seconds for moment in story.chronicle.moments] == [1, 2, 3]


def test_a_change_of_replicas_tells_whose_it_was(story: Story) -> None:
    story.store(DEPLOYMENT, spec={"replicas": 8})
    assert story.store(DEPLOYMENT, spec={"replicas": 2}, by=HOLDER) == ["replicas 8 -> 2"]
    assert story.store(DEPLOYMENT, spec={"replicas": 6}) == ["replicas 2 -> 6, by somebody else"]
    assert story.chronicle.replicas() == {"sender": 6}


def test_bounds_are_told_by_the_workload_that_they_are_of(story: Story) -> None:
    reference = {"kind": DEPLOYMENT, "name": "sender"}
    spec = {"minReplicas": 2, "maxReplicas": 20, "scaleTargetRef": reference}
    story.store(AUTOSCALER, spec=spec)
    assert story.chronicle.bounds() == {"sender": (2, 20)}
    told = story.store(AUTOSCALER, spec={**spec, "maxReplicas": 2}, by=HOLDER)
    assert told == ["maxReplicas 20 -> 2"]


def test_an_incident_is_told_from_its_opening_to_its_end(story: Story) -> None:
    spec = {"playbook": "bounces", "identity": {"campaign": "spring-sale"}}
    assert story.store(INCIDENT, spec=spec) == ["opened by bounces for campaign spring-sale"]
    holding = {"phase": "Holding", "reason": "AlertFiring", "message": "1 alert(s) firing"}
    assert story.store(INCIDENT, spec=spec, status=holding) == ["Holding: 1 alert(s) firing"]
    assert story.store(INCIDENT, spec=spec, status={**holding, "firing": 1}) == []
    assert list(story.chronicle.open_incidents()) == ["bounces-1"]
    story.store(INCIDENT, spec=spec, status={"phase": "Closed", "reason": "GivenBack"})
    assert story.chronicle.open_incidents() == {}
    assert story.store(INCIDENT, deleted=True) == ["deleted"]
    assert list(story.chronicle.incidents) == ["bounces-1"]
    assert len(story.chronicle.news) == 4


def test_the_documents_of_pools_and_providers_are_told_by_their_ids(story: Story) -> None:
    hashed = json.dumps({"share": 0.5, "about": "pool of ours"})
    told = story.store(
        CONFIG_MAP,
        name="sending-holds",
        data={"pool.0123abcd.json": hashed, "provider.gmail.json": PAUSED},
    )
    assert told == ["pool/pool of ours throttled to 50%", "provider/gmail paused"]


def test_what_is_no_hold_document_holds_nothing(story: Story) -> None:
    story.store(CONFIG_MAP, data={"hold.json": "{", "settings.json": PAUSED})
    assert story.chronicle.held() == {}


@pytest.mark.parametrize(
    ("limit", "told"),
    [
        (SendingLimit(per_minute=60, pool="quarantine"), "at most 60 a minute, routed to the pool"),
        (SendingLimit(providers=(("gmail", 0.0), ("yahoo", 0.5))), "gmail paused, yahoo throttled"),
        (SendingLimit(suppress=("old", "bought")), "without the segment old, bought"),
        (SendingLimit(), "not limited"),
    ],
)
def test_every_limit_has_its_words(limit: SendingLimit, told: str) -> None:
    assert in_words(limit).startswith(told)

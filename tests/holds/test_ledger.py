"""The ledger as text: it round-trips, stays small, and junk in its place never raises."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from responder.holds.ledger import Entry, Ghost, Ledger
from responder.holds.objects import LEDGER_ANNOTATION
from responder.holds.sending import SendingLimit
from tests.holds.api_server import ApiServer
from tests.holds.conductor import (
    AUTOSCALER,
    CAMPAIGN,
    DEPLOYMENT,
    Conductor,
    autoscaler,
    deployment,
)
from tests.holds.test_controls import JUNK, SENDING

WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
RAW = st.none() | st.integers(-(2**53) + 1, 2**53 - 1) | WORDS
ENTRIES = st.builds(
    Entry,
    baseline=RAW,
    applied=RAW,
    holder=WORDS,
    uid=WORDS,
    unknown=st.booleans(),
    ghost=st.none() | st.builds(Ghost, holder=WORDS, uid=WORDS, limit=RAW),
    order=st.lists(WORDS, max_size=3).map(tuple),
    carried=st.booleans(),
)
LEDGERS = st.builds(
    Ledger,
    epoch=WORDS,
    sequence=st.integers(0, 2**53 - 1),
    fields=st.dictionaries(WORDS, ENTRIES, max_size=3),
    remembered=st.dictionaries(WORDS, RAW, max_size=3),
)
quick = settings(max_examples=100, deadline=None, derandomize=True)


@given(ledger=LEDGERS)
@quick
def test_a_ledger_survives_its_text(ledger: Ledger) -> None:
    assert Ledger.from_text(ledger.to_text()) == ledger


@given(junk=JUNK, text=st.text())
@quick
def test_junk_is_no_ledger_and_never_raises(junk: Any, text: str) -> None:  # noqa: ANN401
    Ledger.from_text(text)
    Ledger.from_text(json.dumps(junk))
    entry = {"baseline": junk, "applied": junk, "holder": junk, "uid": junk, "ghost": junk}
    entry["order"] = junk
    for told in (junk, {"epoch": junk, "sequence": junk, "fields": junk}):
        found = Ledger.from_text(json.dumps(told))
        assert found is None or Ledger.from_text(found.to_text()) == found
    Ledger.from_text(json.dumps({"epoch": "1", "sequence": 1, "fields": {"replicas": entry}}))


def entry_text(name: str, **changed: Any) -> str:  # noqa: ANN401 -- JSON
    entry = {"baseline": 8, "applied": 2, "holder": "incident-1", "uid": "1", **changed}
    return json.dumps({"epoch": "1", "sequence": 7, "fields": {name: entry}})


JUNK_LEDGERS = {
    "not-json": "junk",
    "empty": "",
    "number": "7",
    "list": "[]",
    "no-fields": '{"epoch":"1","sequence":1}',
    "sequence-infinite": '{"epoch":"1","sequence":Infinity,"fields":{}}',
    "sequence-huge": '{"epoch":"1","sequence":1' + "0" * 30 + ',"fields":{}}',
    "unknown-field": entry_text("nodeName"),
    "path-like-field": entry_text("../../spec"),
    "order-text": entry_text("replicas", order="active"),
    "order-of-numbers": entry_text("replicas", order=[1, 2]),
    "baseline-list": entry_text("replicas", baseline=[1]),
    "baseline-text": entry_text("replicas", baseline="many"),
    "baseline-absent": entry_text("replicas", baseline=None),
    "baseline-negative": entry_text("replicas", baseline=-1),
    "baseline-bool": entry_text("replicas", baseline=True),
    "baseline-nan": entry_text("replicas", baseline=float("nan")),
    "applied-text": entry_text("replicas", applied="2"),
    "half-a-surrogate": entry_text("replicas", holder="\ud800"),
    "ghost-word": entry_text("replicas", ghost="who"),
    "ghost-limit-text": entry_text("replicas", ghost={"holder": "x", "uid": "x", "limit": "0"}),
    "number-in-a-key": entry_text("state", baseline=8),
    "remembers-words": '{"epoch":"1","sequence":3,"fields":{},"remembered":{"replicas":"many"}}',
    "remembers-a-list": '{"epoch":"1","sequence":3,"fields":{},"remembered":[]}',
    "binary": "\x00\x01",
    "deep": "[" * 3000,
}  # fmt: skip


@pytest.mark.parametrize("text", JUNK_LEDGERS.values(), ids=JUNK_LEDGERS.keys())
@pytest.mark.parametrize("key", [DEPLOYMENT, AUTOSCALER], ids=lambda key: key.kind)
def test_a_junk_annotation_neither_raises_nor_loops_nor_changes_the_give_back(
    key: Any,  # noqa: ANN401 -- ObjectKey
    text: str,
) -> None:
    server = ApiServer()
    server.create(DEPLOYMENT, deployment(replicas=8), manager="kubectl")
    server.create(AUTOSCALER, autoscaler(lowest=2, highest=9), manager="kubectl")
    conductor = Conductor(server, "workload")
    conductor.arrive("1", replicas=3)
    conductor.reconcile()
    server.patch(
        key, {"metadata": {"annotations": {LEDGER_ANNOTATION: text}}}, manager="kubectl-annotate"
    )
    conductor.reconcile()
    conductor.let_go("1")
    conductor.reconcile()
    spec = (server.get(AUTOSCALER) or {})["spec"]
    assert (spec["minReplicas"], spec["maxReplicas"]) == (2, 9)
    assert (server.get(DEPLOYMENT) or {})["spec"]["replicas"] == 8


@pytest.mark.parametrize("text", JUNK_LEDGERS.values(), ids=JUNK_LEDGERS.keys())
def test_a_junk_annotation_on_a_config_map_changes_nothing_of_its_give_back(text: str) -> None:
    server = ApiServer()
    server.create(CAMPAIGN, {"data": {"template": "spring"}}, manager="kubectl")
    conductor = Conductor(server, "document", controls={"hold.json": SENDING})
    conductor.arrive("1", **{"hold.json": SendingLimit(share=0.0)})
    conductor.reconcile()
    patch = {"metadata": {"annotations": {LEDGER_ANNOTATION: text}}}
    server.patch(CAMPAIGN, patch, manager="kubectl-annotate")
    conductor.reconcile()
    conductor.let_go("1")
    conductor.reconcile()
    left = server.get(CAMPAIGN) or {}
    assert left["data"] == {"template": "spring"}
    assert "annotations" not in left["metadata"]


@pytest.mark.parametrize("order", ["active", [1, 2], {"active": 1}, None])
def test_an_order_that_is_none_makes_a_ledger_unreadable(order: Any) -> None:  # noqa: ANN401
    assert Ledger.from_text(entry_text("state", order=order)) is None
    assert Ledger.from_text(entry_text("state", order=["active"])) is not None

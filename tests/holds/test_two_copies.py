"""Rule 2: what is remembered outlives what happens to annotations, and is believed no further."""

import pytest

from responder.holds.fields import FieldFinding
from responder.holds.ledger import LedgerFinding
from responder.holds.objects import LEDGER_ANNOTATION
from responder.holds.sending import SendingControl, SendingLimit
from tests.holds.conductor import DEPLOYMENT, deployment
from tests.holds.stage import campaign, found, workload


def test_a_ledger_that_was_removed_comes_back_from_the_copy() -> None:
    stage = workload(replicas=8)
    stage.arrive("1", replicas=2)
    stage.reconcile()
    stage.strip()
    step = stage.loop(fenced=False)
    assert step is not None
    ledger = stage.ledger()
    assert ledger is not None
    assert ledger.fields["replicas"].baseline == 8
    stage.release_all()
    assert stage.replicas == 8


def test_an_older_ledger_of_the_same_epoch_gives_way_to_the_copy() -> None:
    stage = workload(replicas=8)
    stage.arrive("1", replicas=2)
    stage.reconcile()
    older = stage.annotations()
    stage.scale(6)
    stage.reconcile()
    stage.server.replace_annotations(DEPLOYMENT, older)
    stage.reconcile()
    stage.release_all()
    assert stage.replicas == 6, "8 is what the older one would have given back"


def test_ours_without_any_memory_is_flagged_and_never_adopted() -> None:
    stage = workload(replicas=8)
    stage.arrive("1", replicas=2)
    stage.reconcile()
    stage.strip()
    stage.forget_copies()
    step = stage.reconcile()
    assert FieldFinding.BASELINE_UNKNOWN in found(step)
    stage.release_all()
    assert stage.replicas == 2, "not given back by guess"
    stage.scale(7)
    stage.reconcile()
    assert stage.replicas == 7
    assert not stage.traces()


def test_ours_without_memory_is_flagged_even_when_nobody_asks_any_more() -> None:
    stage = workload(replicas=8)
    stage.arrive("1", replicas=2)
    stage.reconcile(persist=False)
    stage.strip()
    stage.let_go("1")
    step = stage.reconcile(persist=False)
    assert FieldFinding.BASELINE_UNKNOWN in found(step)
    assert stage.replicas == 2


def test_a_ledger_of_an_epoch_that_is_over_is_dropped_and_reported() -> None:
    stage = workload(replicas=8)
    stage.arrive("1", replicas=2)
    stage.reconcile()
    old = stage.annotations()
    stage.release_all()
    stage.close()
    stage.scale(2)
    stage.server.replace_annotations(DEPLOYMENT, old)
    step = stage.plan(fenced=False)
    assert {finding.what for finding in step.findings} == {LedgerFinding.WRONG_EPOCH}
    stage.reconcile()
    assert stage.replicas == 2, "the person's number, though it is what we once wrote"
    assert LEDGER_ANNOTATION not in stage.annotations()


def test_a_ledger_of_an_epoch_that_is_over_is_not_believed_during_the_next() -> None:
    """Two rollout undos and a crash before the second copy: 8 is long gone."""
    stage = workload(replicas=8)
    stage.arrive("1", replicas=2)
    stage.reconcile()
    old = stage.annotations()
    stage.release_all()
    stage.close()
    stage.scale(6)
    stage.arrive("2", replicas=2)
    stage.reconcile(persist=False)
    stage.server.replace_annotations(DEPLOYMENT, old)
    step = stage.reconcile(persist=False)
    assert FieldFinding.BASELINE_UNKNOWN in found(step)
    stage.release_all()
    assert stage.replicas == 2


@pytest.mark.parametrize("bounds", [None, (2, 20)], ids=["replicas", "autoscaler"])
@pytest.mark.parametrize("limit", [0, 3])
@pytest.mark.parametrize("beside", [False, True], ids=["alone", "beside another"])
def test_what_a_stale_process_holds_for_a_closed_incident_is_given_back(
    bounds: tuple[int, int] | None,
    limit: int,
    beside: bool,  # noqa: FBT001 -- a table
) -> None:
    """It knew the baseline when it wrote: nobody but us wrote that ledger."""
    stage = workload(replicas=8, bounds=bounds)
    stage.arrive("1", replicas=limit)
    stage.reconcile()
    stale = stage.cached
    stage.release_all()
    stage.close()
    stage.cached = stale
    stage.loop(fenced=False)
    assert stage.traces(), "it holds anew"
    stage.refresh()
    if beside:
        stage.arrive("2", replicas=4)
    step = stage.reconcile()
    assert FieldFinding.BASELINE_UNKNOWN not in found(step)
    assert LedgerFinding.WRONG_EPOCH not in {finding.what for finding in step.findings}
    stage.release_all()
    assert stage.replicas == 8
    assert bounds is None or stage.bounds == bounds
    assert not stage.traces()


def test_a_document_of_a_stale_process_is_taken_away_too() -> None:
    stage = campaign({"subject": "Hello"})
    stage.arrive("1", **{"hold.json": SendingLimit(share=0.0)})
    stage.reconcile()
    stale = stage.cached
    stage.release_all()
    stage.close()
    stage.cached = stale
    stage.loop(fenced=False)
    assert "hold.json" in stage.data
    stage.refresh()
    stage.reconcile()
    assert stage.data == {"subject": "Hello"}
    assert not stage.traces()


def test_an_old_ledger_of_the_same_incident_is_older_than_that_of_its_next_epoch() -> None:
    """It fired again before it was closed; a rollout undo brings back what was given back."""
    stage = workload(replicas=8)
    stage.arrive("1", replicas=5)
    stage.reconcile()
    stage.incidents["1"].asks["replicas"] = 2
    stage.refresh()
    stage.reconcile()
    old = stage.annotations()
    stage.release_all()
    stage.scale(6)
    stage.arrive("1", replicas=2)
    stage.reconcile()
    stage.server.replace_annotations(DEPLOYMENT, old)
    stage.reconcile()
    stage.release_all()
    assert stage.replicas == 6
    assert not stage.traces()


def test_a_recreated_workload_starts_anew() -> None:
    stage = workload(replicas=8)
    stage.arrive("1", replicas=2)
    stage.reconcile()
    stage.server.delete(DEPLOYMENT)
    stage.server.create(DEPLOYMENT, deployment(replicas=5), manager="kubectl")
    stage.reconcile()
    assert stage.replicas == 2
    stage.release_all()
    assert stage.replicas == 5


def test_what_was_given_back_before_a_crash_is_not_taken_for_held() -> None:
    """The copy still tells of the hold; a person sets the very number that was held."""
    stage = workload(replicas=8)
    stage.arrive("1", replicas=2)
    stage.reconcile()
    stage.let_go("1")
    stage.reconcile(persist=False)
    stage.edit(2)
    stage.reconcile()
    assert stage.replicas == 2


def test_a_number_set_after_the_give_back_is_the_next_holds_baseline() -> None:
    """Killed before the copy followed; it takes 2 for its own and 8 for what was before."""
    stage = workload(replicas=8)
    stage.arrive("1", replicas=2)
    stage.reconcile()
    stage.let_go("1")
    stage.reconcile(persist=False)
    stage.edit(2)
    stage.arrive("2", replicas=5)
    stage.reconcile()
    assert stage.replicas == 2
    stage.release_all()
    assert stage.replicas == 2


def test_a_hold_that_begins_before_the_last_ones_copy_is_gone_is_given_back() -> None:
    """The first one's status still tells of what is given back already."""
    first, second = "pool.x.json", "pool.y.json"
    stage = campaign({"a": "b"}, **{key: SendingControl(key) for key in (first, second)})
    stage.arrive("1", **{first: SendingLimit(share=0.0)})
    stage.reconcile()
    stage.let_go("1")
    stage.reconcile(persist=False)
    stage.arrive("2", **{second: SendingLimit(share=0.0)})
    stage.reconcile()
    stage.let_go("2")
    stage.reconcile()
    assert stage.data == {"a": "b"}
    assert stage.traces() == []

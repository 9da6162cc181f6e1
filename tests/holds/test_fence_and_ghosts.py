"""Rule 5: loosening is fenced, and a vanished incident's hold stands until it is released."""

import json

import pytest

from responder.holds.fields import FieldFinding
from responder.holds.keys import PlainKeyControl
from responder.holds.objects import LEDGER_ANNOTATION
from responder.holds.sending import SendingLimit
from tests.holds.conductor import AUTOSCALER, CAMPAIGN, DEPLOYMENT
from tests.holds.stage import Stage, campaign, found, original_forced, workload


def test_nothing_is_loosened_without_the_fence() -> None:
    stage = workload(replicas=8)
    stage.arrive("1", replicas=2)
    stage.reconcile()
    stage.let_go("1")
    step = stage.loop(fenced=False)
    assert step is not None
    assert step.pending
    assert stage.replicas == 2
    stage.reconcile()
    assert stage.replicas == 8


def test_a_milder_hold_that_remains_is_loosened_to_behind_the_fence_only() -> None:
    stage = workload(replicas=8)
    stage.arrive("1", replicas=2)
    stage.arrive("2", replicas=5)
    stage.reconcile()
    stage.let_go("1")
    step = stage.loop(fenced=False)
    assert step is not None
    assert (stage.replicas, step.pending) == (2, True)
    stage.reconcile()
    assert stage.replicas == 5


def test_tightening_needs_no_fence() -> None:
    stage = workload(replicas=8)
    stage.arrive("1", replicas=5)
    stage.reconcile()
    stage.arrive("2", replicas=1)
    step = stage.loop(fenced=False)
    assert step is not None
    assert (stage.replicas, step.pending) == (1, False)


@pytest.mark.parametrize("bounds", [None, (2, 20)], ids=["alone", "autoscaled"])
@pytest.mark.parametrize("limit", [0, 3])
def test_the_hold_of_an_incident_that_vanished_stands_until_it_is_released(
    bounds: tuple[int, int] | None, limit: int
) -> None:
    stage = workload(replicas=8, bounds=bounds)
    stage.arrive("1", replicas=limit)
    stage.reconcile()
    stage.vanish("1")
    step = stage.reconcile()
    assert FieldFinding.GHOST in found(step)
    stage.scale(7)
    if bounds:
        stage.bound(maxReplicas=19)
    stage.reconcile()
    if bounds is None or limit == 0:
        assert stage.replicas == limit
    if bounds:
        assert stage.bounds[1] == max(1, limit)
    stage.reconcile(release_ghosts=True)
    assert not stage.traces()
    if bounds:
        assert stage.bounds == (2, 19)
    if bounds is None or limit == 0:
        assert stage.replicas == 7


@pytest.mark.parametrize("bounds", [None, (2, 20)], ids=["alone", "autoscaled"])
def test_who_lets_go_beside_a_release_of_ghosts_brings_none_of_them_back(
    bounds: tuple[int, int] | None,
) -> None:
    """`responder release --all` gave back all of it, and the copies tell of it still."""
    stage = workload(replicas=8, bounds=bounds)
    stage.arrive("1", replicas=0)
    stage.reconcile()
    stage.vanish("1")
    stage.arrive("2", replicas=3)
    stage.reconcile()
    stage.let_go("2")
    stage.loop(fenced=True, release_ghosts=True)
    assert stage.plan(fenced=False).write is None
    assert stage.plan(fenced=True).write is None
    assert not stage.traces()


def test_a_ghost_that_somebody_else_undid_is_held_again_while_another_holds_on() -> None:
    stage = workload(replicas=8)
    stage.arrive("1", replicas=0)
    stage.reconcile()
    stage.vanish("1")
    stage.arrive("2", replicas=3)
    stage.reconcile()
    stage.strip()
    stage.scale(8)
    stage.reconcile()
    assert stage.replicas == 0


def test_a_ghost_outlives_the_autoscaler_that_it_was_on() -> None:
    stage = workload(replicas=8, bounds=(2, 20))
    stage.arrive("1", replicas=3)
    stage.arrive("2", replicas=5)
    stage.reconcile()
    stage.vanish("1")
    stage.server.delete(AUTOSCALER)
    stage.let_go("2")
    stage.reconcile()
    assert stage.replicas == 3
    stage.reconcile(release_ghosts=True)
    assert stage.replicas == 8
    assert not stage.traces()


def test_a_ghost_survives_a_forced_apply() -> None:
    """The apply takes the field, not the annotation: it is ours, so it is no old ledger."""
    stage = workload(replicas=8)
    stage.arrive("1", replicas=2)
    stage.reconcile()
    stage.vanish("1")
    original_forced(stage)
    stage.reconcile()
    assert stage.replicas == 2


ORDER = ("active", "slow", "paused", "drained")


def haunted_key(*, copied: bool = False) -> Stage:
    """A plain key that is held by an incident that vanished, beside one that goes on elsewhere."""
    stage = campaign({"state": "active"}, state=PlainKeyControl("state", ORDER))
    stage.arrive("1", state=ORDER.index("paused"))
    stage.arrive("2", **{"hold.json": SendingLimit(share=0.0)})
    stage.reconcile()
    stage.vanish("1")
    stage.reconcile()
    if copied:
        stage.strip(CAMPAIGN)
        stage.reconcile()
    return stage


@pytest.mark.parametrize("copied", [False, True], ids=["ledger", "ledger from its copy"])
def test_a_stricter_value_that_a_person_sets_over_a_ghost_stays(
    copied: bool,  # noqa: FBT001 -- a table
) -> None:
    stage = haunted_key(copied=copied)
    for state, held in (("drained", "drained"), ("slow", "paused"), ("nobody knows", "paused")):
        stage.server.patch(CAMPAIGN, {"data": {"state": state}}, manager="kubectl-edit")
        step = stage.reconcile()
        assert FieldFinding.GHOST in found(step)
        assert stage.data["state"] == held
    stage.server.patch(CAMPAIGN, {"data": {"state": "drained"}}, manager="kubectl-edit")
    stage.reconcile()
    stage.let_go("2")
    stage.reconcile(release_ghosts=True)
    assert stage.data == {"state": "drained"}
    assert not stage.traces()


def test_an_order_that_changes_is_remembered_as_it_is_by_then() -> None:
    stage = campaign({"state": "active"}, state=PlainKeyControl("state", ("active", "paused")))
    stage.arrive("1", state=1)
    stage.reconcile()
    stage.controls["state"] = PlainKeyControl("state", ("active", "paused", "drained"))
    stage.reconcile()
    stage.vanish("1")
    stage.server.patch(CAMPAIGN, {"data": {"state": "drained"}}, manager="kubectl-edit")
    stage.reconcile()
    assert stage.data == {"state": "drained"}


def test_an_order_is_told_of_plain_keys_alone() -> None:
    """Each byte counts where hundreds share one object."""
    stage = haunted_key()
    (ledger,) = stage.plan(fenced=True).held.values()
    assert {key: entry.order for key, entry in ledger.fields.items()} == {
        "state": ORDER,
        "hold.json": (),
    }
    assert "order" not in ledger.fields["hold.json"].to_json()


def test_the_ghost_of_a_plain_key_holds_where_no_order_is_remembered() -> None:
    """Somebody rewrote its ledger."""
    stage = campaign({"state": "active"}, state=PlainKeyControl("state", ORDER))
    stage.arrive("1", state=ORDER.index("paused"))
    stage.reconcile()
    stage.vanish("1")
    told = json.loads(stage.annotations(CAMPAIGN)[LEDGER_ANNOTATION])
    del told["fields"]["state"]["order"]
    text = {"metadata": {"annotations": {LEDGER_ANNOTATION: json.dumps(told)}}}
    stage.server.patch(CAMPAIGN, text, manager="kubectl-edit")
    stage.reconcile()
    stage.server.patch(CAMPAIGN, {"data": {"state": "active"}}, manager="kubectl-edit")
    stage.reconcile()
    assert stage.data == {"state": "paused"}
    stage.reconcile(release_ghosts=True)
    assert stage.data == {"state": "active"}
    assert not stage.traces()


def test_an_incident_that_the_cache_merely_had_not_shown_is_no_ghost() -> None:
    stage = workload(replicas=8)
    stage.arrive("1", replicas=2)
    stage.reconcile()
    stage.cached = []
    stage.scale(6)
    stage.loop(fenced=False)
    assert stage.replicas == 2
    stage.refresh()
    step = stage.reconcile()
    assert FieldFinding.GHOST not in found(step)
    stage.release_all()
    assert stage.replicas == 6


def test_a_ghost_stands_on_an_object_without_managed_fields() -> None:
    """The API server keeps none once somebody has reset them."""
    stage = campaign({})
    stage.arrive("2", **{"hold.json": SendingLimit(share=0.0)})
    stage.reconcile()
    stage.server.patch(CAMPAIGN, {"metadata": {"managedFields": [{}]}}, manager="kubectl")
    assert "managedFields" not in stage.get(CAMPAIGN)["metadata"]
    stage.vanish("2")
    step = stage.reconcile()
    assert FieldFinding.GHOST in found(step)
    assert "hold.json" in stage.data
    stage.reconcile(release_ghosts=True)
    assert stage.data == {}
    assert not stage.traces()


@pytest.mark.parametrize("copies", [True, False], ids=["copies", "killed-before-copies"])
def test_managed_fields_that_were_reset_lose_neither_hold_nor_baseline(
    copies: bool,  # noqa: FBT001 -- a table
) -> None:
    stage = workload(replicas=8)
    stage.arrive("1", replicas=2)
    stage.reconcile(persist=copies)
    stage.server.patch(DEPLOYMENT, {"metadata": {"managedFields": [{}]}}, manager="kubectl")
    stage.reconcile(persist=copies)
    assert stage.replicas == 2
    stage.release_all()
    assert stage.replicas == 8
    assert not stage.traces()

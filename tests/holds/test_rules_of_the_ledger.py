"""The rules of the ledger, each by the counterexample that it was paid for with."""

from collections.abc import Callable

import pytest

from responder.holds.fields import FieldFinding
from responder.holds.keys import PlainKeyControl
from responder.holds.ledger import LedgerFinding
from responder.holds.objects import LEDGER_ANNOTATION, MANAGER
from responder.holds.sending import SendingLimit
from tests.holds.conductor import AUTOSCALER, CAMPAIGN, DEPLOYMENT, autoscaler, deployment
from tests.holds.stage import Stage, campaign, found, workload

MANIFEST = {"metadata": {"annotations": {"team": "mail"}}, "spec": {"replicas": 6}}

# 1. Whose edit it is


def original_applied(stage: Stage) -> None:
    stage.server.patch(DEPLOYMENT, MANIFEST, manager="kubectl-client-side-apply")


def original_replaced(stage: Stage) -> None:
    stage.server.replace(DEPLOYMENT, MANIFEST, manager="kubectl-replace")


def original_forced(stage: Stage) -> None:
    stage.server.apply(DEPLOYMENT, MANIFEST, manager="argocd-controller", force=True)


def person_scales(stage: Stage) -> None:
    stage.scale(6)


OTHERS = [original_applied, original_replaced, original_forced, person_scales]


@pytest.mark.parametrize("write", OTHERS, ids=lambda write: write.__name__)
@pytest.mark.parametrize("copies", [True, False], ids=["copies", "killed-before-copies"])
def test_what_somebody_else_writes_is_answered_and_given_back(
    write: Callable[[Stage], None],
    copies: bool,  # noqa: FBT001 -- a table
) -> None:
    stage = workload(replicas=8)
    stage.arrive("1", replicas=2)
    stage.reconcile(persist=copies)
    write(stage)
    step = stage.loop(fenced=False)
    assert step is not None
    assert stage.replicas == 2
    stage.release_all()
    assert stage.replicas == 6
    assert not stage.traces()


def test_somebody_elses_stricter_value_stays_and_is_given_back() -> None:
    stage = workload(replicas=8)
    stage.arrive("1", replicas=3)
    stage.reconcile()
    stage.scale(1)
    stage.reconcile()
    assert stage.replicas == 1
    stage.release_all()
    assert stage.replicas == 1


@pytest.mark.parametrize("copies", [True, False], ids=["copies", "killed-before-copies"])
def test_rollout_undo_makes_nothing_of_ours_a_baseline(copies: bool) -> None:  # noqa: FBT001
    """It replaces all annotations by the older ReplicaSet's: none, or an older ledger."""
    stage = workload(replicas=8)
    stage.arrive("1", replicas=5)
    stage.reconcile(persist=copies)
    older = stage.annotations()
    stage.arrive("2", replicas=2)
    stage.reconcile(persist=copies)
    stage.server.replace_annotations(DEPLOYMENT, older)
    step = stage.reconcile(persist=copies)
    assert stage.replicas == 2
    assert FieldFinding.EDITED not in found(step)
    stage.release_all()
    assert stage.replicas == 8
    assert not stage.traces()


def test_rollout_undo_to_before_the_hold_loses_nothing() -> None:
    stage = workload(replicas=8)
    stage.arrive("1", replicas=2)
    stage.reconcile()
    stage.server.replace_annotations(DEPLOYMENT, {"team": "mail"})
    stage.reconcile()
    assert stage.replicas == 2
    stage.release_all()
    assert stage.replicas == 8
    assert stage.annotations() == {"team": "mail"}


def test_admission_that_raises_our_number_is_altered_not_edited() -> None:
    stage = workload(replicas=8)
    stage.arrive("1", replicas=2)
    stage.reconcile()
    stage.server.patch(DEPLOYMENT, {"spec": {"replicas": 5}}, manager=MANAGER)
    step = stage.plan(fenced=False)
    assert FieldFinding.ALTERED in found(step)
    assert step.write is not None
    assert step.write.ledger is not None
    assert step.write.ledger.fields["replicas"].baseline == 8


# 2. Two copies


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
    stage.scale(2)
    stage.reconcile()
    assert stage.replicas == 2


# 3. A workload is one key: its autoscaler comes and goes


def test_an_autoscaler_that_appears_takes_the_hold_over() -> None:
    stage = workload(replicas=8)
    stage.arrive("1", replicas=2)
    stage.reconcile()
    body = autoscaler(lowest=3, highest=20)
    stage.server.create(AUTOSCALER, body, manager="kubectl-create")
    stage.sync(3)
    stage.loop(fenced=False)
    assert stage.bounds == (2, 2)
    assert stage.ledger(DEPLOYMENT) is not None, "let go behind the fence only"
    stage.reconcile()
    assert stage.ledger(DEPLOYMENT) is None
    stage.sync(2)
    stage.release_all()
    assert stage.bounds == (3, 20)
    assert stage.replicas == 8
    assert not stage.traces()


@pytest.mark.parametrize("lowered", [True, False], ids=["lowered", "not-yet-lowered"])
def test_an_autoscaler_deleted_during_the_hold_hands_it_to_the_workload(
    lowered: bool,  # noqa: FBT001 -- a table
) -> None:
    stage = workload(replicas=8, bounds=(2, 20))
    stage.arrive("1", replicas=3)
    stage.reconcile()
    if lowered:
        stage.sync(3)
    stage.server.delete(AUTOSCALER)
    stage.reconcile()
    assert stage.replicas == 3
    stage.release_all()
    assert stage.replicas == 8
    assert not stage.traces()


def test_an_autoscaler_edited_during_the_hold_gets_its_edit_back() -> None:
    stage = workload(replicas=8, bounds=(4, 20))
    stage.arrive("1", replicas=3)
    stage.reconcile()
    stage.bound(minReplicas=5, maxReplicas=30)
    stage.reconcile()
    assert stage.bounds == (3, 3)
    stage.release_all()
    assert stage.bounds == (5, 30)


def test_a_maximum_lowered_below_the_remembered_minimum_can_be_given_back() -> None:
    stage = workload(replicas=8, bounds=(4, 20))
    stage.arrive("1", replicas=2)
    stage.reconcile()
    stage.bound(maxReplicas=3)
    stage.reconcile()
    assert stage.bounds == (2, 2)
    stage.release_all()
    assert stage.bounds == (3, 3)


def test_a_replaced_autoscaler_with_a_lower_maximum_takes_its_minimum_back_within_it() -> None:
    """The replaced minimum is the one that we wrote, so it is still ours."""
    stage = workload(replicas=8, bounds=(3, 8))
    stage.arrive("1", replicas=1)
    stage.reconcile()
    manifest = autoscaler(lowest=1, highest=2)
    stage.server.replace(AUTOSCALER, manifest, manager="kubectl-replace")
    stage.release_all()
    assert stage.bounds == (2, 2)
    assert not stage.traces()


# 4. Autoscalers


def test_zero_is_held_on_both_and_survives_a_sync_in_flight() -> None:
    stage = workload(replicas=8, bounds=(2, 20))
    stage.arrive("1", replicas=0)
    stage.reconcile()
    assert (stage.replicas, stage.bounds) == (0, (1, 1))
    stage.sync(8)
    step = stage.reconcile()
    assert stage.replicas == 0
    assert FieldFinding.EDITED not in found(step)
    stage.release_all()
    assert (stage.replicas, stage.bounds) == (8, (2, 20))
    assert not stage.traces()


@pytest.mark.parametrize(
    ("replicas", "highest", "left"), [(8, 20, 8), (8, 5, 5), (0, 20, 0)],
    ids=["baseline", "below-the-maximum", "was-zero"],
)  # fmt: skip
def test_from_zero_the_baseline_is_given_back_within_the_maximum(
    replicas: int, highest: int, left: int
) -> None:
    stage = workload(replicas=replicas, bounds=(2, highest))
    stage.arrive("1", replicas=0)
    stage.reconcile()
    stage.release_all()
    assert stage.replicas == left


def test_from_zero_to_a_milder_hold_the_workload_wakes_within_it() -> None:
    stage = workload(replicas=8, bounds=(2, 20))
    stage.arrive("1", replicas=0)
    stage.arrive("2", replicas=3)
    stage.reconcile()
    stage.let_go("1")
    stage.reconcile()
    assert (stage.replicas, stage.bounds) == (3, (2, 3))
    assert stage.ledger(DEPLOYMENT) is None
    stage.release_all()
    assert stage.bounds == (2, 20)


@pytest.mark.parametrize(
    ("moved", "left"), [(None, 8), (5, 5)], ids=["still-at-our-bound", "moved-since"]
)
def test_replicas_that_the_autoscaler_lowered_for_us_are_restored(
    moved: int | None, left: int
) -> None:
    stage = workload(replicas=8, bounds=(2, 20))
    stage.arrive("1", replicas=3)
    stage.reconcile()
    stage.sync(3)
    if moved is not None:
        stage.bound(maxReplicas=20)
        stage.sync(moved)
    stage.release_all()
    assert (stage.replicas, stage.bounds) == (left, (2, 20))
    assert not stage.traces()


def test_what_an_autoscaler_remembers_is_not_of_a_recreated_workload() -> None:
    stage = workload(replicas=5, bounds=(2, 20))
    stage.arrive("1", replicas=3)
    stage.reconcile()
    stage.server.delete(DEPLOYMENT)
    stage.server.create(DEPLOYMENT, deployment(replicas=9), manager="kubectl")
    stage.reconcile()
    stage.sync(3)
    stage.release_all()
    assert stage.replicas == 9


def test_a_persons_number_at_zero_is_given_back_after_a_milder_hold() -> None:
    stage = workload(replicas=8, bounds=(2, 20))
    stage.arrive("1", replicas=0)
    stage.arrive("2", replicas=3)
    stage.reconcile()
    stage.scale(6)
    stage.reconcile()
    stage.let_go("1")
    stage.reconcile()
    stage.release_all()
    assert stage.replicas == 6


# 5. The fence, and ghosts


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


def test_the_ghost_of_a_plain_key_holds_though_nobody_knows_its_order_any_more() -> None:
    stage = campaign({"state": "active"}, state=PlainKeyControl("state", ("active", "paused")))
    stage.arrive("1", state=1)
    stage.reconcile()
    stage.vanish("1")
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
    """The API server keeps none of a ConfigMap that we alone wrote, once it was given back."""
    stage = campaign(None)
    for uid in ("1", "2"):
        stage.arrive(uid, **{"hold.json": SendingLimit(share=0.0)})
        stage.reconcile()
        if uid == "1":
            stage.release_all()
            stage.close()
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


# 6. Leave nothing behind


@pytest.mark.parametrize("bounds", [None, (2, 20)], ids=["alone", "autoscaled"])
@pytest.mark.parametrize("limit", [0, 1, 8, 9])
def test_after_the_give_back_the_owners_server_side_apply_has_no_conflict(
    bounds: tuple[int, int] | None, limit: int
) -> None:
    stage = workload(replicas=8, bounds=bounds)
    for replicas in (7, 8):
        own = {"spec": {"replicas": replicas}}
        stage.server.apply(DEPLOYMENT, own, manager="argocd", force=True)
    before = {key: (stage.get(key)["spec"]) for key in stage.server.objects}
    stage.arrive("1", replicas=limit)
    stage.reconcile()
    stage.release_all()
    assert {key: stage.get(key)["spec"] for key in stage.server.objects} == before
    assert not stage.traces()
    stage.server.apply(DEPLOYMENT, {"spec": {"replicas": 9}}, manager="argocd", force=False)


@pytest.mark.parametrize("writes", range(4))
def test_nothing_of_ours_is_left_where_a_takeover_was_killed(writes: int) -> None:
    """The workload keeps its number, so giving it back takes it out of nobody's name."""
    stage = workload(replicas=8)
    stage.arrive("1", replicas=2)
    stage.reconcile(persist=False)
    body = autoscaler(lowest=1, highest=20)
    stage.server.create(AUTOSCALER, body, manager="kubectl-create")
    stage.loop(fenced=True, stop_after=writes)
    stage.release_all()
    assert not stage.traces()
    assert stage.bounds == (1, 20)


def test_a_hold_document_is_deleted_and_the_teams_keys_are_untouched() -> None:
    stage = campaign({"template": "spring", "state": "active"})
    stage.arrive("1", **{"hold.json": SendingLimit(share=0.0)})
    stage.reconcile()
    assert set(stage.data) == {"template", "state", "hold.json"}
    stage.release_all()
    assert stage.data == {"template": "spring", "state": "active"}
    assert not stage.traces()


def test_a_config_map_that_does_not_exist_is_created_held_in_one_write() -> None:
    stage = campaign(None)
    stage.arrive("1", **{"hold.json": SendingLimit(pool="quarantine")})
    stage.reconcile()
    assert [(write.create, str(write.purpose)) for write in stage.writes] == [(True, "Hold")]
    assert stage.ledger(CAMPAIGN) is not None
    stage.release_all()
    assert stage.data == {}
    assert not stage.traces()


def test_a_reroute_is_given_back() -> None:
    stage = campaign({"template": "spring"})
    stage.arrive("1", **{"hold.json": SendingLimit(pool="quarantine")})
    stage.arrive("2", **{"hold.json": SendingLimit(share=0.5)})
    stage.reconcile()
    stage.let_go("1")
    stage.reconcile()
    assert '"pool": null' in stage.data["hold.json"]
    assert '"share": 0.5' in stage.data["hold.json"]
    stage.release_all()
    assert stage.data == {"template": "spring"}

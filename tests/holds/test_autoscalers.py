"""Rule 4: above zero the bounds are held, zero on both; replicas come back."""

import pytest

from responder.holds.fields import FieldFinding
from tests.holds.conductor import AUTOSCALER, DEPLOYMENT, deployment
from tests.holds.stage import found, workload


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


def test_replicas_lowered_by_a_strict_hold_are_restored_after_the_milder_one() -> None:
    stage = workload(replicas=8, bounds=(2, 20))
    stage.arrive("1", replicas=2)
    stage.arrive("2", replicas=5)
    stage.reconcile()
    stage.sync(2)
    stage.let_go("1")
    stage.reconcile()
    assert (stage.replicas, stage.bounds) == (2, (2, 5))
    stage.release_all()
    assert (stage.replicas, stage.bounds) == (8, (2, 20))
    assert not stage.traces()


@pytest.mark.parametrize("limit", [0, 3])
def test_a_sync_in_flight_that_lowers_what_was_just_given_back_is_answered(limit: int) -> None:
    """The controller read the bounds before they were given back, and the replicas after."""
    stage = workload(replicas=8, bounds=(2, 20))
    stage.arrive("1", replicas=limit)
    stage.reconcile()
    if limit:
        stage.sync(limit)
    stage.let_go("1")
    stage.loop(fenced=True, stop_after=2)
    assert (stage.replicas, stage.bounds) == (8, (2, 20))
    stage.sync(max(1, limit))
    stage.reconcile()
    assert stage.replicas == 8
    assert not stage.traces()


def test_a_sync_in_flight_that_lowers_what_was_never_lowered_before_is_answered() -> None:
    """The hold was so short that its bounds reach the replicas once they are given back."""
    stage = workload(replicas=8, bounds=(2, 20))
    stage.arrive("1", replicas=3)
    stage.reconcile()
    stage.let_go("1")
    stage.loop(fenced=True, stop_after=1)
    assert (stage.replicas, stage.bounds) == (8, (2, 20))
    stage.sync(3)
    stage.reconcile()
    assert stage.replicas == 8
    assert not stage.traces()


@pytest.mark.parametrize("limit", [0, 3])
def test_a_sync_after_all_is_forgotten_is_answered_from_the_second_copy(limit: int) -> None:
    stage = workload(replicas=8, bounds=(2, 20))
    stage.arrive("1", replicas=limit)
    stage.reconcile()
    stage.let_go("1")
    stage.loop(fenced=True)
    assert not stage.traces()
    stage.sync(max(1, limit))
    stage.reconcile()
    assert (stage.replicas, stage.bounds) == (8, (2, 20))
    assert not stage.traces()


def test_a_number_that_a_person_sets_just_before_the_give_back_stays() -> None:
    """It happens to be the bound itself, and the second copy tells of what was there before."""
    stage = workload(replicas=6, bounds=(5, 5))
    stage.arrive("1", replicas=0)
    stage.reconcile()
    stage.scale(1)
    stage.release_all()
    assert (stage.replicas, stage.bounds) == (1, (5, 5))
    stage.reconcile()
    assert stage.replicas == 1
    assert not stage.traces()


def test_a_ghost_of_an_autoscaler_that_is_gone_is_not_of_a_recreated_workload() -> None:
    stage = workload(replicas=8, bounds=(1, 9))
    stage.arrive("1", replicas=5)
    stage.arrive("2", replicas=0)
    stage.reconcile()
    stage.server.delete(AUTOSCALER)
    stage.server.delete(DEPLOYMENT)
    stage.server.create(DEPLOYMENT, deployment(replicas=7), manager="kubectl")
    stage.vanish("2")
    stage.reconcile()
    assert stage.replicas == 5
    stage.release_all()
    assert stage.replicas == 7


def test_what_an_autoscaler_of_somebody_elses_wrote_is_no_new_baseline() -> None:
    """One without the label is left alone, and its minimum is above the hold."""
    stage = workload(replicas=8)
    stage.arrive("1", replicas=2)
    stage.reconcile()
    stage.sync(3)
    step = stage.reconcile()
    assert stage.replicas == 2
    assert FieldFinding.EDITED not in found(step)
    stage.release_all()
    assert stage.replicas == 8
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


def test_a_maximum_lowered_below_the_minimums_baseline_is_given_back_in_few_writes() -> None:
    stage = workload(replicas=6, bounds=(3, 9))
    stage.arrive("1", replicas=4)
    stage.reconcile()
    stage.sync(4)
    stage.arrive("2", replicas=0)
    stage.reconcile()
    stage.bound(maxReplicas=2)
    stage.reconcile()
    stage.let_go("2")
    stage.reconcile()
    stage.let_go("1")
    before = len(stage.writes)
    stage.reconcile()
    assert stage.bounds == (2, 2)
    assert len(stage.writes) - before < 8
    assert not stage.traces()

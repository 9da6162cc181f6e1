"""Rule 3: a workload is one key; a hold moves with its autoscaler."""

import pytest

from tests.holds.conductor import AUTOSCALER, DEPLOYMENT, autoscaler
from tests.holds.stage import workload


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


def test_replicas_that_a_hold_lowered_outlive_an_autoscaler_that_came_and_went() -> None:
    stage = workload(replicas=9)
    stage.arrive("1", replicas=1)
    stage.reconcile()
    stage.server.create(AUTOSCALER, autoscaler(lowest=6, highest=10), manager="kubectl")
    stage.reconcile()
    stage.server.delete(AUTOSCALER)
    stage.release_all()
    assert stage.replicas == 9
    assert not stage.traces()


def test_a_hold_that_only_recorded_what_stood_there_is_given_back_from_its_second_copy() -> None:
    """In nobody's name, for an autoscaler had brought it there; a rollout undo took the ledger."""
    stage = workload(replicas=9)
    stage.arrive("1", replicas=1)
    stage.reconcile()
    stage.server.create(AUTOSCALER, autoscaler(lowest=2, highest=9), manager="kubectl")
    stage.reconcile()
    stage.server.delete(AUTOSCALER)
    stage.reconcile()
    stage.strip()
    stage.release_all()
    assert stage.replicas == 9
    assert not stage.traces()


def test_replicas_above_the_bound_that_an_autoscaler_took_over_are_given_back() -> None:
    """It has not synced yet: what stands there is what we had brought the workload to before."""
    stage = workload(replicas=3)
    stage.arrive("1", replicas=2)
    stage.reconcile()
    stage.server.create(AUTOSCALER, autoscaler(lowest=7, highest=9), manager="kubectl")
    stage.arrive("2", replicas=1)
    stage.reconcile()
    assert (stage.replicas, stage.bounds) == (2, (1, 1))
    stage.release_all()
    assert stage.replicas == 3
    assert not stage.traces()


def test_what_an_autoscaler_that_is_gone_wrote_last_is_not_kept() -> None:
    stage = workload(replicas=6, bounds=(7, 8))
    stage.arrive("1", replicas=2)
    stage.reconcile()
    stage.server.delete(AUTOSCALER)
    stage.server.create(AUTOSCALER, autoscaler(lowest=5, highest=6), manager="kubectl")
    stage.sync(5)
    stage.server.delete(AUTOSCALER)
    stage.release_all()
    assert stage.replicas == 6
    assert not stage.traces()


def test_a_number_that_a_person_sets_after_the_autoscaler_is_gone_is_theirs() -> None:
    """It happens to be the bound that the autoscaler had been held to."""
    stage = workload(replicas=9, bounds=(6, 11))
    stage.arrive("1", replicas=5)
    stage.reconcile()
    stage.sync(5)
    stage.server.delete(AUTOSCALER)
    stage.scale(4)
    stage.scale(5)
    stage.reconcile()
    stage.release_all()
    assert stage.replicas == 5
    assert not stage.traces()

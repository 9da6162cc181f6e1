"""Rule 1: an edit is somebody else's only if managedFields no longer gives the field to us."""

from collections.abc import Callable

import pytest

from responder.holds.fields import FieldFinding
from responder.holds.objects import MANAGER
from tests.holds.conductor import DEPLOYMENT
from tests.holds.stage import Stage, found, original_forced, workload

MANIFEST = {"metadata": {"annotations": {"team": "mail"}}, "spec": {"replicas": 6}}


def original_applied(stage: Stage) -> None:
    stage.server.patch(DEPLOYMENT, MANIFEST, manager="kubectl-client-side-apply")


def original_replaced(stage: Stage) -> None:
    stage.server.replace(DEPLOYMENT, MANIFEST, manager="kubectl-replace")


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

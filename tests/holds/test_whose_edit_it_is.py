"""Rule 1: an edit is somebody else's only if managedFields no longer gives the field to us."""

import json
from collections.abc import Callable

import pytest

from responder.holds.fields import FieldFinding
from responder.holds.ledger import Raw
from responder.holds.objects import MANAGER, ObjectKey
from responder.holds.ownership import is_unmanaged
from responder.holds.planning import Step
from responder.holds.sending import SendingLimit
from tests.holds.conductor import CAMPAIGN, DEPLOYMENT
from tests.holds.stage import Stage, campaign, found, original_forced, workload

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


# An object of which the API server keeps no managedFields

STOP = SendingLimit(share=0.0)
LOOSER = json.dumps({"share": 0.9})


def created_empty() -> Stage:
    """As by `kubectl create configmap`: without a label, there is nothing to manage."""
    stage = campaign(None)
    stage.server.create(CAMPAIGN, {}, manager="kubectl-create")
    return stage


def reset(stage: Stage, key: ObjectKey = CAMPAIGN) -> None:
    stage.server.patch(key, {"metadata": {"managedFields": [{}]}}, manager="kubectl")
    assert is_unmanaged(stage.get(key))


def reset_before_the_hold() -> Stage:
    stage = campaign({"state": "active"})
    reset(stage)
    return stage


UNMANAGED = [created_empty, reset_before_the_hold]


def baseline(step: Step, field: str) -> Raw:
    (ledger,) = step.held.values()
    return ledger.fields[field].baseline


@pytest.mark.parametrize("begin", UNMANAGED, ids=lambda begin: begin.__name__)
def test_the_first_hold_begins_managed_fields_which_tell_altered_from_edited(
    begin: Callable[[], Stage],
) -> None:
    stage = begin()
    assert is_unmanaged(stage.get(CAMPAIGN))
    stage.arrive("1", **{"hold.json": STOP})
    stage.reconcile()
    stage.server.patch(CAMPAIGN, {"data": {"hold.json": LOOSER}}, manager=MANAGER)
    step = stage.plan(fenced=False)
    assert FieldFinding.ALTERED in found(step)
    assert baseline(step, "hold.json") is None
    stage.change_document(LOOSER + " ")
    step = stage.plan(fenced=False)
    assert FieldFinding.EDITED in found(step)
    assert baseline(step, "hold.json") == LOOSER + " "


@pytest.mark.parametrize("begin", UNMANAGED, ids=lambda begin: begin.__name__)
def test_what_began_with_a_hold_ends_with_it_and_begins_anew_with_the_next(
    begin: Callable[[], Stage],
) -> None:
    stage = begin()
    before = stage.get(CAMPAIGN).get("data")
    for uid in ("1", "2"):
        stage.arrive(uid, **{"hold.json": STOP})
        stage.reconcile()
        assert not is_unmanaged(stage.get(CAMPAIGN))
        stage.release_all()
        stage.close()
        assert stage.get(CAMPAIGN).get("data") == before
        assert is_unmanaged(stage.get(CAMPAIGN))
        assert not stage.traces()


def test_a_reset_during_a_hold_is_made_good_by_the_next_write() -> None:
    stage = workload(replicas=8)
    stage.arrive("1", replicas=4)
    stage.reconcile()
    reset(stage, DEPLOYMENT)
    stage.arrive("2", replicas=2)
    stage.reconcile()
    stage.server.patch(DEPLOYMENT, {"spec": {"replicas": 5}}, manager=MANAGER)
    step = stage.plan(fenced=False)
    assert FieldFinding.ALTERED in found(step)
    stage.release_all()
    assert stage.replicas == 8
    assert not stage.traces()


def test_a_give_back_begins_nothing() -> None:
    stage = workload(replicas=8)
    stage.arrive("1", replicas=2)
    stage.reconcile()
    reset(stage, DEPLOYMENT)
    stage.release_all()
    assert stage.replicas == 8
    assert is_unmanaged(stage.get(DEPLOYMENT))


def test_a_document_that_may_be_ours_is_not_adopted_where_nothing_tells_any_more() -> None:
    """Its ledger lost, its incident gone, and managedFields reset: what is left is what it says."""
    stage = campaign({"state": "active"})
    stage.arrive("1", **{"hold.json": STOP})
    stage.reconcile()
    stage.vanish("1")
    stage.strip(CAMPAIGN)
    reset(stage)
    stage.arrive("2", **{"hold.json": STOP})
    step = stage.reconcile()
    assert FieldFinding.BASELINE_UNKNOWN in found(step)
    stage.let_go("2")
    stage.reconcile()
    assert "hold.json" in stage.data
    stage.change_document(None)
    stage.reconcile()
    assert stage.data == {"state": "active"}
    assert not stage.traces()


@pytest.mark.parametrize("document", ["junk", "[]", "{}", LOOSER, '{"incident": ""}'])
def test_a_document_of_somebody_elses_is_a_baseline_as_anywhere(document: str) -> None:
    stage = campaign({"hold.json": document})
    reset(stage)
    stage.arrive("1", **{"hold.json": STOP})
    stage.reconcile()
    stage.release_all()
    assert stage.data == {"hold.json": document}
    assert not stage.traces()


def reverts(step: Step | None) -> list[tuple[str, Raw, str]]:
    assert step is not None
    return [(revert.field, revert.wanted, revert.by) for revert in step.reverts]


@pytest.mark.parametrize("fenced", [False, True])
def test_what_was_held_and_is_looser_again_by_somebody_else_is_a_revert(
    fenced: bool,  # noqa: FBT001 -- a parameter
) -> None:
    stage = workload(replicas=8)
    stage.arrive("1", replicas=2)
    assert reverts(stage.plan(fenced=fenced)) == [], "nothing was held yet"
    stage.reconcile()
    stage.scale(6, by="argocd-controller")
    assert reverts(stage.plan(fenced=fenced)) == [("replicas", 2, "argocd-controller")]
    assert reverts(stage.loop(fenced=fenced)) == [], "it was answered"
    stage.scale(1)
    assert reverts(stage.plan(fenced=fenced)) == [], "it is strict enough"
    stage.scale(6)
    stage.let_go("1")
    assert reverts(stage.plan(fenced=fenced)) == [], "nothing is asked any more"


def test_a_revert_of_what_a_vanished_incident_held_is_one_too() -> None:
    stage = workload(replicas=8)
    stage.arrive("1", replicas=2)
    stage.reconcile()
    stage.vanish("1")
    stage.scale(6)
    assert reverts(stage.plan(fenced=True)) == [("replicas", 2, "kubectl")]


def test_an_autoscalers_doing_and_what_admission_alters_are_no_reverts() -> None:
    stage = workload(replicas=8, bounds=(2, 9))
    stage.arrive("1", replicas=0)
    stage.reconcile()
    stage.sync(1)
    assert reverts(stage.plan(fenced=False)) == []
    stage = workload(replicas=8)
    stage.arrive("1", replicas=2)
    stage.reconcile()
    stage.scale(5, by=MANAGER)
    step = stage.plan(fenced=False)
    assert found(step) == {FieldFinding.ALTERED}
    assert reverts(step) == []


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        (None, True),
        ('{"share": 1.0}', True),
        ('{"share": 0.0}', False),
    ],
    ids=["removed", "looser", "as strict, in other words"],
)
def test_of_a_document_only_what_lets_more_through_is_a_revert(
    text: str | None,
    is_one: bool,  # noqa: FBT001 -- a table
) -> None:
    stage = campaign({"subject": "Spring sale"})
    stage.arrive("1", **{"hold.json": SendingLimit(share=0.0)})
    stage.reconcile()
    stage.change_document(text)
    assert bool(reverts(stage.plan(fenced=False))) == is_one

"""Who asks what of a workload, as its objects come and go."""

from dataclasses import replace

import pytest

from responder.holds.fields import Facts
from responder.holds.objects import LEDGER_ANNOTATION, STREAM_LABELS, ObjectKey
from responder.holds.workload import AUTOSCALER, DEPLOYMENT
from responder.incidents.status import Phase
from responder.playbooks.asks import Ask
from responder.reconcile.situation import Situation, gather
from responder.reconcile.view import View
from tests.incidents.given import incident
from tests.reconcile.objects import ALLOWED, Json, autoscaler, deployment

WORKLOAD = ObjectKey(DEPLOYMENT, "mail", "email-sender")
TRANSACTIONAL = {**ALLOWED, STREAM_LABELS[0]: "transactional"}
FENCED = Facts(present={"one"}, open_incidents={"one"}, fenced=True)


def held(limit: int) -> tuple[View, Json]:
    """A workload whose autoscaler is held, and that autoscaler."""
    ask = Ask(
        control="replicas",
        namespace="mail",
        target_kind=DEPLOYMENT,
        target="email-sender",
        limit={"replicas": limit},
        verb="scale",
    )
    view = View(home="mail")
    view.put_incident(replace(incident(phase=Phase.HOLDING, uid="one"), plan=(ask,)))
    view.put_object(DEPLOYMENT, deployment())
    view.put_object(AUTOSCALER, autoscaler())
    write = gather(view, WORKLOAD, pools=()).plan(FENCED).write
    assert write is not None
    ledger = write.patch["metadata"]["annotations"][LEDGER_ANNOTATION]
    live = autoscaler(version=2)
    live["spec"] |= write.patch["spec"]
    live["metadata"]["annotations"] = {LEDGER_ANNOTATION: ledger}
    live["metadata"]["managedFields"] = [
        {"manager": write.manager, "operation": "Update", "fieldsV1": {
            "f:metadata": {"f:annotations": {f"f:{LEDGER_ANNOTATION}": {}}},
            "f:spec": {"f:minReplicas": {}, "f:maxReplicas": {}},
        }}
    ]  # fmt: skip
    view.put_object(AUTOSCALER, live)
    return view, live


def looked_at(view: View) -> Situation:
    return gather(view, WORKLOAD, pools=())


@pytest.mark.parametrize("limit", [0, 3])
def test_while_its_deployment_is_away_an_autoscaler_stays_held(limit: int) -> None:
    view, _ = held(limit)
    view.drop_object(WORKLOAD)
    step = looked_at(view).plan(FENCED)
    assert step.write is None
    assert not step.pending
    assert len(step.held) == 1


def test_without_anything_held_there_is_nothing_to_hold_either() -> None:
    view, _ = held(3)
    view.drop_object(WORKLOAD)
    view.put_object(AUTOSCALER, autoscaler(version=3))
    found = looked_at(view)
    assert found.missing
    assert not found.holds
    assert found.plan(FENCED).write is None


def test_a_deployment_that_is_created_anew_is_held_with_its_autoscaler() -> None:
    view, _ = held(3)
    view.drop_object(WORKLOAD)
    view.put_object(DEPLOYMENT, deployment(uid="another", version=3))
    found = looked_at(view)
    assert not found.refused
    assert [hold.limit for hold in found.holds] == [3]


@pytest.mark.parametrize("labels", [{}, TRANSACTIONAL], ids=["not allowed", "transactional"])
@pytest.mark.parametrize("limit", [0, 3])
def test_one_that_may_not_be_held_gets_its_autoscaler_back(
    labels: dict[str, str], limit: int
) -> None:
    view, _ = held(limit)
    view.drop_object(WORKLOAD)
    view.put_object(DEPLOYMENT, deployment(uid="another", version=3, labels=labels))
    found = looked_at(view)
    assert found.refused
    assert not found.holds
    write = found.plan(FENCED).write
    assert write is not None
    assert write.patch["spec"].items() <= {"minReplicas": 2, "maxReplicas": 20}.items()
    assert write.patch["spec"]["maxReplicas"] == 20


def test_the_same_deployment_relabelled_stays_held() -> None:
    view, _ = held(3)
    view.put_object(DEPLOYMENT, deployment(version=3, labels={}))
    found = looked_at(view)
    assert not found.refused
    assert [hold.limit for hold in found.holds] == [3]

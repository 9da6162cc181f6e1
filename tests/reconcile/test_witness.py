"""What would have been held, and what others did to it meanwhile, comes into the status."""

import dataclasses
import json
from typing import Any

import pytest

from responder.holds.fields import FieldFinding
from responder.holds.ledger import Entry, Ledger
from responder.holds.objects import KEYS_ANNOTATION, LEDGER_ANNOTATION, ObjectKey
from responder.holds.planning import Finding
from responder.holds.workload import AUTOSCALER, DEPLOYMENT
from responder.incidents.decision import FIRST_WITNESSED, MOST_WITNESSED
from responder.incidents.incident import Incident
from responder.incidents.policy import Resume, Step
from responder.incidents.requests import Request
from responder.incidents.status import Phase, Reason, Status, Target, TargetState
from responder.reconcile.preview import merged
from responder.reconcile.view import View
from responder.reconcile.witness import Witness
from tests.incidents.given import PAUSE, SCALE, at, incident, told_at
from tests.incidents.resource_schema import fault
from tests.incidents.test_stored import live as stored
from tests.reconcile.objects import Json, autoscaler, config_map, deployment

SENDER = ObjectKey(DEPLOYMENT, "mail", "email-sender")


def managed(live: Json, by: str, *path: str, when: str = told_at(14), scale: bool = False) -> Json:
    """The object with one field in a manager's name."""
    fields: Json = {}
    for step in reversed(path):
        fields = {f"f:{step}": fields}
    entry = {"manager": by, "operation": "Update", "time": when, "fieldsV1": fields}
    live["metadata"]["managedFields"] = [entry | ({"subresource": "scale"} if scale else {})]
    return live


def held(live: Json, *, baseline: int, applied: int) -> Json:
    entry = Entry(baseline, applied, holder="other-1", uid="uid-other")
    text = Ledger("uid-other", 1, {"replicas": entry}).to_text()
    live["metadata"]["annotations"] = {LEDGER_ANNOTATION: text}
    return live


class Watched:
    """One incident that observes, and a cluster that changes under it."""

    def __init__(self, *objects: tuple[str, Json], **changes: Any) -> None:  # noqa: ANN401
        self.view = View()
        self._version = 1
        for kind, live in objects:
            self.view.put_object(kind, live)
        given = {"mode": "observe", "phase": Phase.NEW, **changes}
        self.incident: Incident = incident(**given)
        self.view.put_incident(self.incident)
        self.witness = Witness(self.view, pools=())

    def put(self, kind: str, live: Json) -> None:
        self._version += 1
        live["metadata"]["resourceVersion"] = str(self._version)
        self.view.put_object(kind, live)

    def look(self, minutes: float = 0, **status: Any) -> Status:  # noqa: ANN401
        before = dataclasses.replace(self.incident.status, **status)
        after = self.witness.look(self.incident, before, now=at(minutes))
        self.incident = dataclasses.replace(self.incident, status=after)
        return after

    def told(self) -> list[tuple[str, str, str, str]]:
        changes = self.incident.status.witnessed.changes
        return [(one.place.field, one.before, one.after, one.by) for one in changes]


def scaled(number: int, by: str = "kubectl-scale", **how: Any) -> Json:  # noqa: ANN401
    return managed(deployment(replicas=number), by, "spec", "replicas", **how)


def test_what_would_be_held_is_decided_once_with_both_values() -> None:
    there = Watched(
        (DEPLOYMENT, deployment()), (AUTOSCALER, autoscaler()), ("ConfigMap", config_map())
    )
    decision = there.look().decision
    assert decision is not None
    assert decision.at == told_at(0)
    found = {change.place.field: (change.before, change.after) for change in decision.changes}
    assert found["maxReplicas"] == ("20", "2")
    assert found["hold.json"] == ("absent", '{"share": 0.0}')
    there.put(DEPLOYMENT, deployment(replicas=1))
    assert there.look(5).decision == decision


def test_what_would_be_refused_is_told_with_the_reason() -> None:
    there = Watched((DEPLOYMENT, deployment(labels={})))
    decision = there.look().decision
    assert decision is not None
    assert decision.changes == ()
    assert any("not labelled" in text for text in decision.refused)
    assert any("no ConfigMap is marked" in text for text in decision.refused)


def test_a_refusal_without_a_message_stops_nothing() -> None:
    """Hand-made: the resource asks for a reason alone."""
    assert Watched(refusals=({"reason": "Odd"},)).look().decision is not None


@pytest.mark.parametrize(
    ("resume", "ends", "person"),
    [
        pytest.param(Resume(), told_at(20), (), id="after the cool-down"),
        pytest.param(
            Resume(steps=(Step(0.1, for_seconds=600, sends=9), Step(0.5, 300, 9))),
            told_at(35),
            (),
            id="after its steps",
        ),
        pytest.param(Resume(manual=True), told_at(20), ("to release it",), id="by hand"),
        pytest.param(
            Resume(acknowledged=True), told_at(20), ("to acknowledge the cause",), id="acknowledged"
        ),
    ],
)
def test_when_it_would_have_been_given_back(
    resume: Resume, ends: str, person: tuple[str, ...]
) -> None:
    there = Watched((DEPLOYMENT, deployment()), resume=resume)
    begun = there.look().decision
    assert begun is not None
    assert begun.ends == ""
    let_go = Request(told_at(20), "campaign-responder", str(Reason.COOL_DOWN_OVER))
    over = there.look(20, letting_go=let_go).decision
    assert over is not None
    assert over.ends == ends
    assert tuple(text.partition(":")[0] for text in over.person) == person
    again = there.look(21, letting_go=None).decision
    assert again is not None
    assert again.ends == ""


def test_a_person_who_scales_down_is_noted_with_manager_and_time() -> None:
    there = Watched((DEPLOYMENT, deployment()))
    there.look()
    there.put(DEPLOYMENT, scaled(2))
    status = there.look(15)
    assert there.told() == [("replicas", "8", "2", "kubectl-scale")]
    assert status.witnessed.changes[0].time == told_at(14)
    assert status.timeline[-1].what == "Changed"
    assert "Deployment/email-sender replicas: 8 -> 2" in status.timeline[-1].why
    assert status.timeline[-1].by == "kubectl-scale"
    assert there.look(16) == status


def test_what_changed_while_the_responder_was_down_is_noted_too() -> None:
    there = Watched((DEPLOYMENT, deployment()))
    there.look()
    again = Watched((DEPLOYMENT, scaled(2)))
    again.incident = there.incident
    again.look(15)
    assert again.told() == [("replicas", "8", "2", "kubectl-scale")]


@pytest.mark.parametrize(
    "live",
    [
        pytest.param(scaled(12, "kube-controller-manager", scale=True), id="an autoscaler"),
        pytest.param(scaled(2, "campaign-responder"), id="our own value"),
        pytest.param(deployment(replicas=2), id="what is tidied after a give-back"),
        pytest.param(held(scaled(2, "campaign-responder"), baseline=8, applied=2), id="our hold"),
    ],
)
def test_what_no_person_did_is_no_change(live: Json) -> None:
    there = Watched((DEPLOYMENT, deployment()))
    there.look()
    there.put(DEPLOYMENT, live)
    there.look(1)
    assert there.told() == []


def test_an_edit_of_what_another_incident_holds_is_what_would_be_without_us() -> None:
    there = Watched((DEPLOYMENT, deployment()))
    there.look()
    there.put(DEPLOYMENT, held(scaled(2, "campaign-responder"), baseline=5, applied=2))
    there.witness.hear(Finding(SENDER, "replicas", FieldFinding.EDITED, by="kubectl-edit"))
    there.look(1)
    assert there.told() == [("replicas", "8", "5", "kubectl-edit")]


def test_a_key_that_the_owner_offers_is_how_people_pause() -> None:
    def campaign(**data: str) -> Json:
        live = config_map(data=data)
        live["metadata"]["annotations"] = {KEYS_ANNOTATION: "state, rate"}
        return live

    there = Watched(("ConfigMap", campaign(state="active", rate="5")), plan=(PAUSE,))
    there.look()
    there.put("ConfigMap", managed(campaign(state="paused"), "kubectl-edit", "data", "state"))
    there.look(1)
    assert there.told() == [
        ("rate", "5", "absent", ""),
        ("state", "active", "paused", "kubectl-edit"),
    ]


def test_an_object_that_is_not_seen_is_not_taken_for_changed() -> None:
    """The hand tools look at fewer namespaces."""
    there = Watched((DEPLOYMENT, deployment()))
    there.look()
    there.view.drop_object(SENDER)
    there.look(1)
    assert there.told() == []


def test_a_thousand_changes_take_a_bounded_room() -> None:
    there = Watched((DEPLOYMENT, deployment()))
    there.look()
    for number in range(1000):
        there.put(DEPLOYMENT, scaled(number + 10, by="x" * 128))
        there.look(number)
    witnessed = there.incident.status.witnessed
    assert len(witnessed.changes) == MOST_WITNESSED
    assert witnessed.number == 1000
    assert [one.after for one in witnessed.changes[:FIRST_WITNESSED]] == [
        str(number + 10) for number in range(FIRST_WITNESSED)
    ]
    assert witnessed.changes[-1].after == "1009"
    assert len(there.incident.status.timeline) == FIRST_WITNESSED
    whole = merged({}, stored(there.incident))
    assert fault(whole) == ""
    assert len(json.dumps(whole)) < 30_000


def test_many_targets_with_long_values_take_a_bounded_room() -> None:
    plan = tuple(
        dataclasses.replace(PAUSE, target=f"{number}-{'n' * 200}") for number in range(100)
    )
    objects = [
        ("ConfigMap", config_map(f"c-{number}", campaign=ask.target))
        for number, ask in enumerate(plan)
    ]
    there = Watched(*objects, plan=plan)
    decision = there.look().decision
    assert decision is not None
    assert len(decision.changes) == 64
    assert decision.omitted == 36
    assert fault(merged({}, stored(there.incident)) | {"spec": stored(incident())["spec"]}) == ""


def test_an_edit_under_a_hold_is_noted_by_the_copy_of_its_ledger() -> None:
    def copy(baseline: int, sequence: int, **changes: Any) -> Target:  # noqa: ANN401
        entry = Entry(baseline, 2, holder="x-1", uid="uid-1")
        target = Target(
            SENDER,
            TargetState.APPLIED,
            subject=str(SENDER),
            uid="d-1",
            ledger=Ledger("uid-1", sequence, {"replicas": entry}),
        )
        return dataclasses.replace(target, **changes)

    there = Watched(
        mode="auto", phase=Phase.HOLDING, plan=(SCALE,), status={"targets": (copy(8, 1),)}
    )
    assert there.look(1).witnessed.changes == ()
    there.witness.hear(Finding(SENDER, "replicas", FieldFinding.EDITED, by="kubectl-edit"))
    there.look(3, targets=(copy(5, 2, uid="another object"),))
    assert there.told() == []
    there.incident = dataclasses.replace(
        there.incident, status=dataclasses.replace(there.incident.status, targets=(copy(8, 1),))
    )
    there.look(4, targets=(copy(5, 2),))
    assert there.told() == [("replicas", "8", "5", "kubectl-edit")]
    assert there.incident.status.decision is None

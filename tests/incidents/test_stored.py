"""What is written is read back the same, and what is read never raises, whoever made it."""

import copy
import dataclasses
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from responder.holds.ledger import Entry as LedgerEntry
from responder.holds.ledger import Ledger
from responder.holds.objects import ObjectKey
from responder.incidents.decision import Change, Decision, Place, Witnessed
from responder.incidents.evidence import questions_of
from responder.incidents.incident import FINALIZER, Incident
from responder.incidents.lifecycle import advance, asks_of
from responder.incidents.policy import Approval, Resume, Stage, Step
from responder.incidents.requests import Request, Wishes
from responder.incidents.status import (
    Answer,
    Condition,
    Entry,
    Outcome,
    Phase,
    Ramp,
    Reason,
    Status,
    Target,
    TargetState,
    Truth,
)
from responder.incidents.stored import body_of, read_incident
from responder.incidents.transitions import Facts
from tests.incidents.given import (
    AM,
    PAUSE,
    SCALE,
    at,
    closed,
    fingerprint,
    incident,
    recorded,
    released,
    told_at,
)

Json = dict[str, Any]

LEDGER = Ledger("uid-1", 3, {"replicas": LedgerEntry(8, 2, holder="x-1", uid="uid-1")})
REPLICAS = Place(ObjectKey("Deployment", "mail", "email-sender"), "replicas")
FULL = Status(
    phase=Phase.COOLING,
    outcome=Outcome.RELEASED,
    reason=str(Reason.ALERTS_RESOLVED),
    message="all alerts resolved",
    since=told_at(1),
    cooling_until=told_at(2),
    closed_at=told_at(3),
    letting_go=Request(told_at(2), "ada", "CoolDownOver"),
    firing=4,
    approve_by=told_at(4),
    stages=(0,),
    ramp=Ramp(
        step=1, step_since=told_at(2), resumed_at=told_at(2), relapses=1, relapsed_at=told_at(1)
    ),
    answers=(
        Answer(
            "check", Truth.UNKNOWN, told_at(2), told_at(1), "NoData", "no series", true_seconds=7
        ),
    ),
    conditions=(Condition("Applied", "True", "Committed", "2 object(s) held", told_at(1)),),
    targets=(
        Target(
            ObjectKey("Deployment", "mail", "email-sender"),
            TargetState.APPLIED,
            subject="Deployment/email-sender",
            message="as asked",
            uid="d-1",
            ledger=LEDGER,
        ),
    ),
    timeline=(Entry(told_at(1), "Holding", "AlertFiring: 1", "alertmanager"),),
    brake_milliseconds=12,
    decision=Decision(
        at=told_at(0),
        changes=(Change(REPLICAS, "8", "2"),),
        refused=("campaign/x: no ConfigMap is marked",),
        omitted=1,
        person=("to release it",),
        ends=told_at(30),
    ),
    witnessed=Witnessed(
        seen={REPLICAS: "2"},
        changes=(Change(REPLICAS, "8", "2", time=told_at(14), by="kubectl-scale"),),
        omitted=3,
    ),
)


RICH = incident(
    mode="approve",
    resume=Resume(
        after_seconds=600,
        acknowledged=True,
        steps=(Step(0.1, for_seconds=900, sends=1_000), Step(0.5, for_seconds=60, sends=0)),
        check={"name": "bounce-rate"},
        volume={"unknown": "NoData", "message": "none"},
    ),
    stages=(Stage({"name": "bounce-rate"}, 300, (SCALE,)),),
    approval=Approval("the playbook asks for approval", 600, "act"),
    review_after_seconds=86_400,
    wishes=Wishes(
        approve=Request(told_at(1), "ada", "go"),
        reject=Request(told_at(1), "bob", "no"),
        acknowledge=Request(told_at(2), "ada", "cleaned"),
        release=released(),
        extend=Request(told_at(2), "ada", "later"),
        review_at=told_at(60),
    ),
)


def live(found: Incident) -> Json:
    """The object as the API server has it once both door and leader wrote: null removes a key."""
    body = body_of(found)
    body["metadata"] |= {
        "uid": found.uid,
        "resourceVersion": found.resource_version,
        "creationTimestamp": found.created_at,
    }
    if found.deleting:
        body["metadata"]["deletionTimestamp"] = told_at(9)
    body["status"] = {k: v for k, v in found.status.to_json().items() if v is not None}
    stored: Json = json.loads(json.dumps(body))
    return stored


@pytest.mark.parametrize(
    "found",
    [
        pytest.param(incident(), id="holding"),
        pytest.param(incident(phase=Phase.NEW), id="new"),
        pytest.param(incident(kind="manual"), id="by hand"),
        pytest.param(incident(mode="observe"), id="observing"),
        pytest.param(incident(release=released(), deleting=True), id="released and deleted"),
        pytest.param(closed(reason=Reason.COOL_DOWN_OVER), id="closed"),
        pytest.param(incident(alerts_omitted=7), id="too many alerts"),
        pytest.param(
            incident(resume=Resume(manual=True, needs_person=("a check",))), id="waits for a person"
        ),
        pytest.param(
            incident(refusals=({"verb": "pause", "reason": "MissingLabel", "message": "none"},)),
            id="a refusal",
        ),
        pytest.param(
            incident(
                alerts={fingerprint(1): recorded((AM, "firing", 0), ("http://b", "resolved", 1))}
            ),
            id="two senders",
        ),
        pytest.param(dataclasses.replace(incident(), status=FULL), id="a full status"),
        pytest.param(dataclasses.replace(RICH, status=FULL), id="all that may stand in it"),
    ],
)
def test_it_is_read_as_it_was_written(found: Incident) -> None:
    assert read_incident(live(found)) == found


def test_one_that_only_observes_needs_no_finalizer() -> None:
    """It would keep the object from being deleted while no responder runs."""
    assert body_of(incident())["metadata"]["finalizers"] == [FINALIZER]
    assert body_of(incident(mode="observe"))["metadata"]["finalizers"] == []


def test_a_status_that_was_set_can_be_unset() -> None:
    """A merge patch removes only what is null."""
    unset = Status().to_json()
    assert {key for key, value in unset.items() if value is None} >= {
        "coolingUntil",
        "lettingGo",
        "closedAt",
        "outcome",
    }


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=4,
)


def places(found: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:  # noqa: ANN401
    """Every place in a JSON document that something could be put at."""
    below = (
        found.items()
        if isinstance(found, dict)
        else enumerate(found)
        if isinstance(found, list)
        else ()
    )
    return [path, *(place for key, value in below for place in places(value, (*path, key)))]


WHOLE = live(dataclasses.replace(RICH, status=FULL))
PLACES = [place for place in places(WHOLE) if place[:1] in (("spec",), ("status",))]


@settings(max_examples=400)
@given(st.sampled_from(PLACES), JUNK)
def test_whatever_stands_in_it_is_read_and_decided_upon(place: tuple[Any, ...], junk: Any) -> None:  # noqa: ANN401
    """A hand-made incident, or one of a later version, never stops the watch or the loop."""
    odd = copy.deepcopy(WHOLE)
    parent: Any = odd
    for step in place[:-1]:
        parent = parent[step]
    parent[place[-1]] = junk
    found = read_incident(odd)
    json.dumps(found.status.to_json())
    known = [*found.plan, *(ask for stage in found.stages for ask in stage.plan)]
    assert all(ask in known for ask in asks_of(found))
    questions_of(found)
    advance(found, Facts(given_back=True, deletion_meant=True), now=at(6))


@settings(max_examples=100)
@given(st.fixed_dictionaries({}, optional={"spec": JUNK, "status": JUNK, "metadata": JUNK}))
def test_whatever_it_is_altogether(odd: Json) -> None:
    read_incident(odd)


def test_an_ask_that_is_none_is_refused_alone() -> None:
    odd = live(incident())
    odd["spec"]["plan"][1]["limit"] = {"replicas": -1}
    found = read_incident(odd)
    assert found.plan == (PAUSE,)
    assert [refusal["reason"] for refusal in found.refusals] == ["InvalidPlan"]
    assert found.refusals[0]["verb"] == "scale"


@pytest.mark.parametrize("phase", ["SomethingNew", "proposed"])
def test_a_phase_of_a_later_version_is_one_that_holds(phase: str) -> None:
    odd = live(incident())
    odd["status"]["phase"] = phase
    assert read_incident(odd).status.phase is Phase.HOLDING


@pytest.mark.parametrize("outcome", ["undone", "Released"])
def test_an_outcome_of_a_later_version_is_read(outcome: str) -> None:
    odd = live(closed(reason=Reason.COOL_DOWN_OVER))
    odd["status"]["outcome"] = outcome
    found = read_incident(odd)
    assert found.closed
    assert found.status.outcome is None

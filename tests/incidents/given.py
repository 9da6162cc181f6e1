"""Incidents and alerts to begin a test with, and what a stored decision makes of them."""

import dataclasses
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from responder.alerts.notification import Alert
from responder.incidents.absorption import Absorbed, Absorption
from responder.incidents.evidence import questions_of
from responder.incidents.identity import Identity
from responder.incidents.incident import AlertRecord, Incident, Statement
from responder.incidents.lifecycle import advance
from responder.incidents.policy import Approval, Resume, Stage, Step
from responder.incidents.requests import Request, Trigger, Wish, Wishes
from responder.incidents.status import Answer, Outcome, Phase, Ramp, Reason, Status, Truth
from responder.incidents.transitions import Facts, moment
from responder.playbooks.asks import Ask

NOW = datetime(2026, 11, 24, 18, 0, tzinfo=UTC)
IDENTITY = Identity.of("alertmanager", "high-bounce-rate", {"campaign": "spring-sale"})
PAUSE = Ask(
    control="sending",
    namespace="mail",
    target_kind="campaign",
    target="spring-sale",
    limit={"share": 0.0},
    verb="pause",
)
SCALE = Ask(
    control="replicas",
    namespace="mail",
    target_kind="Deployment",
    target="email-sender",
    limit={"replicas": 2},
    verb="scale",
)
AM = "http://alertmanager-0:9093"


def at(minutes: float) -> datetime:
    return NOW + timedelta(minutes=minutes)


def told_at(minutes: float) -> str:
    return moment(at(minutes))


def fingerprint(number: int) -> str:
    return f"{number:016x}"


def firing(number: int = 1, *, minutes: float = 0, starts_at: str = "", **labels: str) -> Alert:
    """An alert that fires since so many minutes after NOW."""
    return Alert(
        status="firing",
        labels={"alertname": "HighBounceRate", "campaign": "spring-sale", **labels},
        annotations={"summary": "bounces are too high"},
        starts_at=starts_at or told_at(minutes),
        fingerprint=fingerprint(number),
    )


def resolved(number: int = 1, *, minutes: float = 0, starts_at: str = "") -> Alert:
    """The end of the occurrence that began so many minutes after NOW."""
    return firing(number, minutes=minutes, starts_at=starts_at).model_copy(
        update={"status": "resolved", "ends_at": told_at(minutes + 1)}
    )


def recorded(*statements: tuple[str, str, float]) -> AlertRecord:
    """An alert of which senders said: (sender, status, minutes)."""
    return AlertRecord(
        senders={
            sender: Statement(
                "firing" if status == "firing" else "resolved", told_at(minutes), told_at(minutes)
            )
            for sender, status, minutes in statements
        }
    )


def alerts(*, fire: int = 0, resolve: int = 0) -> dict[str, AlertRecord]:
    """So many alerts, by fingerprint: the firing ones first."""
    return {
        fingerprint(number): recorded((AM, "firing" if number <= fire else "resolved", 0))
        for number in range(1, fire + resolve + 1)
    }


def incident(
    *,
    phase: Phase = Phase.HOLDING,
    alerts: Mapping[str, AlertRecord] | None = None,
    mode: str = "auto",
    kind: str = "alertmanager",
    resume: Resume | None = None,
    release: Request | None = None,
    deleting: bool = False,
    status: Mapping[str, Any] | None = None,
    **changes: Any,  # noqa: ANN401 -- fields of an incident
) -> Incident:
    """One incident; by default it holds, for one alert that fires."""
    manual = kind == "manual"
    if alerts is None:
        alerts = {} if manual else {fingerprint(1): recorded((AM, "firing", 0))}
    whole = Incident(
        namespace="mail",
        name=IDENTITY.name(1),
        uid="uid-1",
        resource_version="7",
        created_at=told_at(0),
        deleting=deleting,
        finalized=mode != "observe",
        identity=dataclasses.replace(IDENTITY, kind="manual" if manual else "alertmanager"),
        mode=mode,
        trigger=Trigger("manual", by="ada", reason="a bad list")
        if manual
        else Trigger("alertmanager"),
        alerts=alerts,
        plan=(PAUSE, SCALE),
        refusals=(),
        resume=resume if resume is not None else Resume(after_seconds=600),
        received_at=told_at(0),
        token="5f1c9a0e",
        wishes=Wishes(release=release),
        status=Status(phase=phase, since=told_at(0), **(status or {})),
        approval=Approval("its mode is approve") if mode == "approve" else None,
    )
    return dataclasses.replace(whole, **changes)


def wished(at_minutes: float = 5, *, by: str = "ada") -> Request:
    return Request(at=told_at(at_minutes), by=by, reason="the list is clean")


released = wished

CHECKED = Resume(
    after_seconds=600,
    steps=(Step(0.1, 900, 1000), Step(0.5, 600, 5000)),
    check={"name": "bounces", "measure": "ratio"},
    volume={"name": "attempts", "measure": "count"},
)
"""Cool-down of 10 minutes; a step of 15 minutes and one of 10; each checked and counted."""
STAGE = Stage(when={"name": "deferrals"}, for_seconds=1200, plan=(SCALE,))


def proposed(*, until: float | None = None, otherwise: str = "expire", **given: Any) -> Incident:  # noqa: ANN401
    """It waits for approval; `until` so many minutes after NOW."""
    approval = Approval(
        "it asks", 0 if until is None else 600, "act" if otherwise == "act" else "expire"
    )
    status = {
        "reason": str(Reason.WAITS_FOR_APPROVAL),
        "approve_by": "" if until is None else told_at(until),
        **given.pop("status", {}),
    }
    return incident(phase=Phase.PROPOSED, status=status, **{"approval": approval, **given})


ONGOING: Final = alerts(fire=1)


def cooling(*, until: str | None = None, **given: Any) -> Incident:  # noqa: ANN401 -- as above
    """It cools down until 10 minutes after NOW, or until whatever is told."""
    given = {"alerts": alerts(resolve=1), **given}
    status = {"cooling_until": told_at(10) if until is None else until, **given.pop("status", {})}
    return incident(phase=Phase.COOLING, status=status, **given)


def ramping(*, step: int = 1, since: float = 10, relapses: int = 0, **given: Any) -> Incident:  # noqa: ANN401
    """It resumed 10 minutes after NOW; the step is open since so many minutes after it."""
    ramp = Ramp(
        step=step,
        step_since=told_at(since),
        resumed_at=told_at(10),
        relapses=relapses,
        relapsed_at=told_at(0) if relapses else "",
    )
    given = {"alerts": alerts(resolve=1), "resume": CHECKED, **given}
    status = {"ramp": ramp, "reason": str(Reason.STEP_OPENED), **given.pop("status", {})}
    return incident(phase=Phase.RAMPING, status=status, **given)


def leaving(reason: Reason, **given: Any) -> Incident:  # noqa: ANN401 -- as above
    """Somebody or something decided to let go, and not all is given back."""
    request = Request(at=told_at(5), by="ada", reason=str(reason))
    status = {"letting_go": request, "reason": str(reason), **given.pop("status", {})}
    return incident(status=status, **given)


def answers(
    of: Incident,
    truth: Truth,
    *,
    since: str | None = None,
    at_minutes: float | None = None,
    **told: Any,  # noqa: ANN401
) -> dict[str, Answer]:
    """The same answer to all that an incident wants to know, about the right window or another.

    It comes when the incident is looked at, unless something else is said.
    """
    return {
        asked.name: Answer(
            question=asked.name,
            truth=truth,
            at="" if at_minutes is None else told_at(at_minutes),
            since=asked.since if since is None else since,
            true_seconds=3600 if truth is Truth.YES else 0,
            **told,
        )
        for asked in questions_of(of)
    }


def advanced(of: Incident, facts: Facts | None = None, *, minutes: float = 6) -> Incident:
    """The incident once its next status is stored; there must be one."""
    transition = advance(of, _answered(facts, minutes), now=at(minutes))
    assert transition is not None
    return dataclasses.replace(of, status=transition.status)


def stays(of: Incident, facts: Facts | None = None, *, minutes: float = 6) -> bool:
    return advance(of, _answered(facts, minutes), now=at(minutes)) is None


def _answered(facts: Facts | None, minutes: float) -> Facts:
    facts = facts or Facts()
    told = {
        name: one if one.at else dataclasses.replace(one, at=told_at(minutes))
        for name, one in facts.answers.items()
    }
    return dataclasses.replace(facts, answers=told)


def wishing(of: Incident, **wishes: Request) -> Incident:
    """The incident once somebody wished something of it."""
    known = {str(wish): request for wish in Wish if (request := of.wishes.of(wish)) is not None}
    wished = Wishes(**{**known, **wishes}, review_at=of.wishes.review_at)
    return dataclasses.replace(of, wishes=wished)


def closed(*, reason: Reason, at_minutes: float = 5, **given: Any) -> Incident:  # noqa: ANN401
    """An incident that was let go for this reason, so many minutes after NOW, and closed."""
    by_hand = reason is Reason.RELEASED_BY_HAND
    alerts = given.pop("alerts", {fingerprint(1): recorded((AM, "firing", 0))})
    return incident(
        alerts=alerts,
        phase=Phase.CLOSED,
        release=released(at_minutes) if by_hand else None,
        status={
            "outcome": Outcome.RELEASED,
            "closed_at": told_at(at_minutes + 0.1),
            "firing": sum(alert.firing for alert in alerts.values()),
            "letting_go": Request(at=told_at(at_minutes), by="ada", reason=str(reason)),
        },
        **given,
    )


def written(current: Incident | None, absorption: Absorption) -> Incident | None:
    """What is stored as the newest incident once a decision is written."""
    if absorption.what is Absorbed.OPEN:
        number = 1 if current is None else int(current.name.rpartition("-")[2]) + 1
        return incident(
            phase=Phase.NEW,
            alerts=absorption.alerts,
            name=IDENTITY.name(number),
            uid=f"uid-{number}",
            alerts_omitted=absorption.omitted,
        )
    if absorption.what is Absorbed.CHANGE and current is not None:
        after = {**current.alerts, **absorption.alerts}
        for key in absorption.evicted:
            del after[key]
        return dataclasses.replace(current, alerts=after, alerts_omitted=absorption.omitted)
    return current


def fires(found: Incident | None) -> set[str]:
    """The fingerprints of the alerts that fire in it."""
    return set() if found is None else {key for key, each in found.alerts.items() if each.firing}


def fingerprints(numbers: Iterable[int]) -> set[str]:
    return {fingerprint(number) for number in numbers}

"""Incidents and alerts for tables: everything has a default that a test may change."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from responder.alerts.notification import Alert
from responder.incidents.identity import Identity
from responder.incidents.incident import (
    AlertRecord,
    AlertStatus,
    Incident,
    Outcome,
    Phase,
    Request,
    Resume,
    Statement,
    Status,
    Trigger,
)
from responder.playbooks.asks import Ask

NOW = datetime(2026, 11, 24, 18, 0, 0, tzinfo=UTC)
AT = "2026-11-24T18:00:00.000000Z"
FIRST = "2026-11-24T10:00:00.123456789Z"
LATER = "2026-11-24T12:00:00Z"
FINGERPRINT = "00000000000000aa"
OTHER = "00000000000000bb"
SENDER = "http://alertmanager"
PAUSE = Ask(
    control="sending",
    namespace="mail",
    target_kind="campaign",
    target="spring-sale",
    limit={"share": 0.0},
    verb="pause",
)


def after(**delta: float) -> datetime:
    return NOW + timedelta(**delta)


def alert(
    status: AlertStatus = "firing", *, fingerprint: str = FINGERPRINT, starts_at: str = FIRST
) -> Alert:
    ends_at = "0001-01-01T00:00:00Z" if status == "firing" else LATER
    return Alert.model_validate(
        {
            "status": status,
            "labels": {"alertname": "HighBounceRate", "campaign": "spring-sale"},
            "annotations": {},
            "startsAt": starts_at,
            "endsAt": ends_at,
            "generatorURL": "",
            "fingerprint": fingerprint,
        }
    )


def record(status: AlertStatus = "firing", *, starts_at: str = FIRST) -> AlertRecord:
    return AlertRecord(senders={SENDER: Statement(status, starts_at, AT)})


def incident(
    *,
    firing: bool = True,
    phase: Phase = Phase.HOLDING,
    letting_go: str = "",
    **changes: Any,  # noqa: ANN401 -- any field
) -> Incident:
    status = Status(
        phase=phase,
        since=AT,
        firing=int(firing),
        letting_go=Request(at=AT, by="x", reason=letting_go) if letting_go else None,
        outcome=Outcome.RELEASED if phase is Phase.CLOSED else None,
        closed_at=AT if phase is Phase.CLOSED else "",
        cooling_until=AT if phase is Phase.COOLING else "",
    )
    made = Incident(
        namespace="mail",
        name="high-bounce-rate-0123456789abcdef-1",
        uid="uid-1",
        resource_version="7",
        created_at="2026-11-24T17:00:00Z",
        deleting=False,
        finalized=True,
        identity=Identity.of("alertmanager", "high-bounce-rate", {"campaign": "spring-sale"}),
        mode="auto",
        trigger=Trigger(kind="alertmanager", by=SENDER),
        alerts={FINGERPRINT: record("firing" if firing else "resolved")},
        plan=(PAUSE,),
        refusals=(),
        resume=Resume(after_seconds=600),
        received_at=AT,
        token="t",
        release=None,
        status=status,
    )
    return replace(made, **changes)

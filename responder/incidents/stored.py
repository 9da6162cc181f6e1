"""Reading an incident from the cluster, and writing the body of a new one.

The schema of the resource has checked what we read; what an older or hand-written object lacks is
read as absent and never raises.
"""

from collections.abc import Mapping
from typing import Any, Final

from responder.errors import BadInput
from responder.holds.ledger import Ledger
from responder.holds.objects import JsonObject, ObjectKey, metadata
from responder.incidents.confirmation import Confirmation
from responder.incidents.decision import Decision, Witnessed
from responder.incidents.identity import Identity, TriggerKind
from responder.incidents.incident import (
    API_VERSION,
    FINALIZER,
    KIND,
    PLAYBOOK_LABEL,
    AlertRecord,
    Incident,
    Statement,
)
from responder.incidents.policy import Approval, Resume, Stage
from responder.incidents.requests import Request, Trigger, Wishes
from responder.incidents.sharing import shared
from responder.incidents.status import (
    Answer,
    Condition,
    Entry,
    Outcome,
    Phase,
    Ramp,
    Status,
    Target,
    TargetState,
)
from responder.playbooks.asks import Ask

_PHASES: Final = {str(phase): phase for phase in Phase}
_STATES: Final = {str(state): state for state in TargetState}
_OUTCOMES: Final = {str(outcome): outcome for outcome in Outcome}


def _mapping(told: Any) -> Mapping[str, Any]:  # noqa: ANN401 -- JSON
    return told if isinstance(told, Mapping) else {}


def _mappings(told: Any) -> list[Mapping[str, Any]]:  # noqa: ANN401 -- JSON
    return [found for found in told if isinstance(found, Mapping)] if isinstance(told, list) else []


def _text(told: Mapping[str, Any], key: str) -> str:
    found = told.get(key)
    return found if isinstance(found, str) else ""


def _texts(told: Any) -> dict[str, str]:  # noqa: ANN401 -- JSON
    return {key: value for key, value in _mapping(told).items() if isinstance(value, str)}


def _whole(told: Mapping[str, Any], key: str) -> int:
    found = told.get(key)
    return found if isinstance(found, int) and not isinstance(found, bool) and found > 0 else 0


def _alert(told: Mapping[str, Any]) -> AlertRecord:
    return AlertRecord(
        senders={
            name: Statement(
                status="firing" if _text(said, "status") == "firing" else "resolved",
                starts_at=_text(said, "startsAt"),
                at=_text(said, "at"),
            )
            for name, found in _mapping(told.get("senders")).items()
            if (said := _mapping(found))
        },
        labels=_texts(told.get("labels")),
        summary=_text(told, "summary"),
        ends_at=_text(told, "endsAt"),
    )


def _target(told: Mapping[str, Any]) -> Target:
    state = _text(told, "state")
    return Target(
        key=ObjectKey(_text(told, "kind"), _text(told, "namespace"), _text(told, "name")),
        state=_STATES.get(state, TargetState.PENDING),
        subject=_text(told, "subject"),
        message=_text(told, "message"),
        uid=_text(told, "uid"),
        ledger=Ledger.from_json(told["ledger"]) if told.get("ledger") else None,
    )


def _phase(told: str) -> Phase:
    # A phase of a later version is one in which things are held.
    return _PHASES.get(told, Phase.HOLDING)


def _condition(told: Mapping[str, Any]) -> Condition:
    status = _text(told, "status")
    return Condition(
        type=_text(told, "type"),
        status="True" if status == "True" else "False" if status == "False" else "Unknown",
        reason=_text(told, "reason"),
        message=_text(told, "message"),
        last_transition_time=_text(told, "lastTransitionTime"),
    )


def _entry(told: Mapping[str, Any]) -> Entry:
    return Entry(
        time=_text(told, "time"),
        what=_text(told, "what"),
        why=_text(told, "why"),
        by=_text(told, "by"),
    )


def _numbers(told: Any) -> tuple[int, ...]:  # noqa: ANN401 -- JSON
    found = told if isinstance(told, list) else []
    return tuple(one for one in found if isinstance(one, int) and one >= 0)


def _ramp(told: Mapping[str, Any]) -> Ramp:
    return Ramp(
        step=_whole(told, "step"),
        step_since=_text(told, "stepSince"),
        resumed_at=_text(told, "resumedAt"),
        relapses=_whole(told, "relapses"),
        relapsed_at=_text(told, "relapsedAt"),
    )


def read_status(told: Mapping[str, Any]) -> Status:
    """Read the status; an outcome of a later version is kept as none."""
    return Status(
        phase=_phase(_text(told, "phase")),
        outcome=_OUTCOMES.get(_text(told, "outcome")),
        reason=_text(told, "reason"),
        message=_text(told, "message"),
        since=_text(told, "since"),
        approve_by=_text(told, "approveBy"),
        cooling_until=_text(told, "coolingUntil"),
        closed_at=_text(told, "closedAt"),
        letting_go=Request.from_json(_mapping(told.get("lettingGo"))),
        firing=_whole(told, "firing"),
        stages=_numbers(told.get("stages")),
        ramp=_ramp(_mapping(told.get("ramp"))),
        answers=tuple(map(Answer.from_json, _mappings(told.get("evidence")))),
        conditions=tuple(map(_condition, _mappings(told.get("conditions")))),
        targets=tuple(map(_target, _mappings(told.get("targets")))),
        timeline=tuple(map(_entry, _mappings(told.get("timeline")))),
        brake_milliseconds=_whole(told, "brakeMilliseconds")
        if "brakeMilliseconds" in told
        else None,
        confirmation=Confirmation.from_json(_mapping(told.get("confirmation"))),
        decision=Decision.from_json(_mapping(told.get("decision"))),
        witnessed=Witnessed.from_json(_mapping(told.get("witnessed"))),
    )


def _plan(told: Any) -> tuple[tuple[Ask, ...], tuple[Mapping[str, str], ...]]:  # noqa: ANN401
    """Read the plan; an ask that is none, e.g. of a hand-made incident, is refused by itself."""
    asks: list[Ask] = []
    refusals: list[Mapping[str, str]] = []
    for found in told if isinstance(told, list) else ():
        try:
            asks.append(Ask.from_json(found))
        except BadInput as bad:
            verb = _text(_mapping(found), "verb")
            refusals.append({"verb": verb, "reason": "InvalidPlan", "message": str(bad)})
    return tuple(asks), tuple(refusals)


def _approval(spec: Mapping[str, Any]) -> Approval | None:
    told = _mapping(spec.get("approval"))
    if told:
        return Approval.from_json(told)
    # A hand-made one: the mode alone asks for it.
    return Approval("its mode is approve") if _text(spec, "mode") == "approve" else None


def read_incident(live: JsonObject) -> Incident:
    """Read an incident as the API server sent it."""
    kept = {name: told for name, told in metadata(live).items() if name != "managedFields"}
    told = shared({"metadata": kept, "spec": live.get("spec"), "status": live.get("status")})
    meta, spec = _mapping(told["metadata"]), _mapping(told["spec"])
    trigger = _mapping(spec.get("trigger"))
    kind: TriggerKind = "manual" if trigger.get("kind") == "manual" else "alertmanager"
    plan, unreadable = _plan(spec.get("plan"))
    return Incident(
        namespace=_text(meta, "namespace"),
        name=_text(meta, "name"),
        uid=_text(meta, "uid"),
        resource_version=_text(meta, "resourceVersion") or "0",
        created_at=_text(meta, "creationTimestamp"),
        deleting=bool(meta.get("deletionTimestamp")),
        finalized=FINALIZER in (meta.get("finalizers") or ()),
        identity=Identity.of(kind, _text(spec, "playbook"), _texts(spec.get("identity"))),
        mode=_text(spec, "mode"),
        trigger=Trigger(
            kind=kind,
            by=_text(trigger, "by"),
            reason=_text(trigger, "reason"),
            receiver=_text(trigger, "receiver"),
        ),
        alerts={key: _alert(_mapping(told)) for key, told in _mapping(spec.get("alerts")).items()},
        plan=plan,
        refusals=(*map(_texts, _mappings(spec.get("refusals"))), *unreadable),
        resume=Resume.from_json(_mapping(spec.get("resume"))),
        received_at=_text(spec, "receivedAt"),
        token=_text(spec, "token"),
        wishes=Wishes.from_json(spec),
        status=read_status(_mapping(told["status"])),
        alerts_omitted=_whole(spec, "alertsOmitted"),
        stages=tuple(map(Stage.from_json, _mappings(spec.get("stages")))),
        approval=_approval(spec),
        review_after_seconds=_whole(spec, "reviewAfterSeconds"),
        include_transactional=spec.get("includeTransactional") is True,
    )


def body_of(incident: Incident) -> JsonObject:
    """Write the body that creates an incident: what is accepted travels in this one write."""
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {
            "namespace": incident.namespace,
            "name": incident.name,
            "labels": {PLAYBOOK_LABEL: incident.playbook},
            # An incident that only observes holds nothing that a finalizer would have to give back.
            "finalizers": [FINALIZER] if incident.acts else [],
        },
        "spec": {
            "playbook": incident.playbook,
            "identity": dict(incident.identity.labels),
            "mode": incident.mode,
            "trigger": incident.trigger.to_json(),
            "alerts": {key: alert.to_json() for key, alert in incident.alerts.items()},
            **({"alertsOmitted": incident.alerts_omitted} if incident.alerts_omitted else {}),
            "plan": [ask.to_json() for ask in incident.plan],
            "refusals": [dict(told) for told in incident.refusals],
            "resume": incident.resume.to_json(),
            **(
                {"stages": [stage.to_json() for stage in incident.stages]}
                if incident.stages
                else {}
            ),
            **({} if incident.approval is None else {"approval": incident.approval.to_json()}),
            **({"reviewAfterSeconds": review} if (review := incident.review_after_seconds) else {}),
            **({"includeTransactional": True} if incident.include_transactional else {}),
            "receivedAt": incident.received_at,
            "token": incident.token,
            **incident.wishes.to_json(),
        },
    }

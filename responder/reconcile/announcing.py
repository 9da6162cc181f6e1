"""Telling people, by Kubernetes Events, what was done to an object and what was found on it."""

import json
from typing import Any, Final, Literal

from responder.cluster.events import EventRecorder
from responder.holds.fields import FieldFinding
from responder.holds.ledger import LedgerFinding
from responder.holds.objects import API_VERSIONS, JsonObject, ObjectKey, metadata
from responder.holds.planning import Finding, Purpose, Write
from responder.incidents.incident import API_VERSION, KIND, Incident
from responder.reconcile.other_writers import exception_for

_REASONS: Final = {
    Purpose.HOLD: "Held",
    Purpose.GIVE_BACK: "GivenBack",
}
_FINDINGS: Final[dict[FieldFinding | LedgerFinding, str]] = {
    FieldFinding.EDITED: "{field} was changed by {by}: that is its new baseline, the hold stands",
    FieldFinding.CONTESTED: "{by} keeps setting {field} back: it is tried again every few minutes."
    " {exception}",
    FieldFinding.ALTERED: "{field} is not what was written: something alters our writes",
    FieldFinding.AUTOSCALED: "an autoscaler's sync in flight raised {field}: the hold is renewed",
    FieldFinding.BASELINE_UNKNOWN: "nothing remembers {field} from before the hold: set it by hand",
    FieldFinding.REFUSED: "{field} is not written: the API server refuses it",
    FieldFinding.NO_ROOM: "{field} is not held: this object has no room left for it",
    FieldFinding.GHOST: "its incident vanished: `responder release --all` gives it back",
    LedgerFinding.MISSING: "the ledger annotation was removed: written again from its copy",
    LedgerFinding.OUTDATED: "an older ledger annotation came back: the newer copy counts",
    LedgerFinding.WRONG_EPOCH: "a ledger of an earlier hold came back: it is not one",
    LedgerFinding.UNREADABLE: "the ledger annotation can't be read: written again from its copy",
}


def reference(key: ObjectKey, live: JsonObject) -> JsonObject:
    """Name an object for an Event; without the uid, `kubectl describe` would not show it."""
    return {
        "apiVersion": API_VERSIONS[key.kind],
        "kind": key.kind,
        "namespace": key.namespace,
        "name": key.name,
        "uid": str(metadata(live).get("uid", "")),
    }


def incident_reference(incident: Incident) -> JsonObject:
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "namespace": incident.namespace,
        "name": incident.name,
        "uid": incident.uid,
    }


def shown(value: Any) -> str:  # noqa: ANN401 -- JSON
    """Show a field's value in one line: of a hold document what it asks for."""
    if value is None:
        return "absent"
    if isinstance(value, str) and value.startswith("{"):
        try:
            document = json.loads(value)
        except (ValueError, RecursionError):
            return value[:120]
        asked = {
            key: document[key]
            for key in ("share", "perMinute", "providers", "pool", "suppress")
            if document.get(key) not in (None, {}, [])
        }
        return json.dumps(asked, ensure_ascii=False)[:200]
    return str(value)[:120]


def announce_write(events: EventRecorder, write: Write, live: JsonObject) -> None:
    reason = _REASONS.get(write.purpose)
    if reason is None or not write.changes:
        return
    told = ", ".join(
        f"{change.field} {shown(change.before)} -> {shown(change.after)}"
        for change in write.changes
    )
    holders = {entry.holder for entry in write.ledger.fields.values()} if write.ledger else set()
    by = f" for {', '.join(sorted(holders))}" if write.purpose is Purpose.HOLD and holders else ""
    events.record(
        regarding=reference(write.key, live),
        type="Normal",
        reason=reason,
        action=str(write.purpose),
        note=f"{told}{by}",
    )


def announce_finding(events: EventRecorder, finding: Finding, live: JsonObject) -> None:
    note = _FINDINGS[finding.what].format(
        field=finding.field,
        by=finding.by or "somebody",
        exception=exception_for(finding.by, finding.key, finding.field),
    )
    normal = finding.what in (FieldFinding.EDITED, FieldFinding.AUTOSCALED)
    events.record(
        regarding=reference(finding.key, live),
        type="Normal" if normal else "Warning",
        reason=str(finding.what),
        action="Reconcile",
        note=note,
    )


def announce_incident(
    events: EventRecorder,
    incident: Incident,
    *,
    reason: str,
    note: str,
    type_: Literal["Normal", "Warning"] = "Normal",
) -> None:
    events.record(
        regarding=incident_reference(incident),
        type=type_,
        reason=reason,
        action="Advance",
        note=note,
    )

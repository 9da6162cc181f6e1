"""The shapes of the door's answers, as JSON Schemas; tests hold them to real answers."""

from typing import Any, Final

from responder.incidents.requests import Wish
from responder.incidents.status import Phase

Json = dict[str, Any]
SCHEMAS: Final = "#/components/schemas/"
TEXT: Final[Json] = {"type": "string"}
TEXTS: Final[Json] = {"type": "object", "additionalProperties": TEXT}


def ref(name: str) -> Json:
    return {"$ref": f"{SCHEMAS}{name}"}


def listed(items: Json) -> Json:
    return {"type": "array", "items": items}


def shaped(required: Json, **optional: Json) -> Json:
    return {
        "type": "object",
        "properties": {**required, **optional},
        "required": sorted(required),
    }


_DIFFERENCE = shaped(
    {
        "kind": TEXT,
        "namespace": TEXT,
        "name": TEXT,
        "field": TEXT,
        "before": {"description": "The value now; null where there is none."},
        "after": {"description": "The value that it would get; null where it would be removed."},
    }
)
_STORED = shaped(
    {
        "name": {**TEXT, "description": "The incident; unless it can't be stored, it exists."},
        "playbook": TEXT,
        "outcome": {
            "type": "string",
            "enum": ["Open", "Change", "Known", "StaysClosed"],
            "description": "Open: a new incident. Change: its alerts changed. Known: nothing was "
            "news. StaysClosed: a person released it while these alerts were firing.",
        },
    },
    error={**TEXT, "description": "Why it can't be stored, however often it is sent."},
)
_REJECTED = shaped({"index": {"type": "integer"}, "fingerprint": TEXT, "errors": listed(TEXT)})
_REASON: Final[Json] = {"description": "As in the Incident resource.", "type": "object"}

ANSWERS: Final[dict[str, Json]] = {
    "Problem": {
        "description": "RFC 9457.",
        **shaped(
            {"type": TEXT, "title": TEXT, "status": {"type": "integer"}},
            detail=TEXT,
            errors=listed(shaped({"field": TEXT, "message": TEXT, "fix": TEXT})),
        ),
    },
    "Accepted": {
        "description": "Everything that can be stored is stored.",
        **shaped({"incidents": listed(_STORED), "rejected": listed(_REJECTED)}),
    },
    "Playbook": shaped({"name": TEXT, "mode": TEXT, "incidentPer": listed(TEXT)}),
    "Incident": {
        "description": "One incident, in the words of the resource of that kind.",
        **shaped(
            {
                "namespace": TEXT,
                "name": TEXT,
                "playbook": TEXT,
                "identity": {**TEXTS, "description": "The labels that matter."},
                "mode": {"type": "string", "enum": ["observe", "approve", "auto"]},
                "trigger": _REASON,
                "firing": {"type": "integer", "minimum": 0},
                "alerts": {"type": "object", "description": "By fingerprint."},
                "plan": listed({"type": "object", "description": "One limit on one target."}),
                "refusals": listed(TEXTS),
                **{str(wish): {"anyOf": [_REASON, {"type": "null"}]} for wish in Wish},
                "status": shaped(
                    {
                        "phase": {"type": "string", "enum": list(map(str, Phase))},
                        "reason": TEXT,
                        "message": TEXT,
                        "conditions": listed(_REASON),
                        "targets": listed(_REASON),
                        "timeline": listed(_REASON),
                    }
                ),
            }
        ),
    },
    "Triggered": shaped(
        {"name": TEXT, "outcome": {"type": "string", "enum": ["Open", "Known"]}},
        incident=ref("Incident"),
    ),
    "Plan": shaped(
        {
            "incident": TEXT,
            "playbook": TEXT,
            "mode": TEXT,
            "identity": TEXTS,
            "resume": shaped(
                {
                    "manual": {"type": "boolean"},
                    "afterSeconds": {"type": "integer"},
                    "needsPerson": listed(TEXT),
                }
            ),
            "changes": listed(_DIFFERENCE),
            "problems": {**listed(TEXT), "description": "Why something would not be held."},
        }
    ),
}

"""A stored incident as the responder writes it, for tests of what the schema takes."""

from typing import Any

INCIDENTS = ("campaign-responder.dev/v1alpha1", "incidents")
FINGERPRINT = "0123456789abcdef"
MOMENT = "2026-11-24T18:00:00.123456Z"


def alert(status: str = "firing") -> dict[str, Any]:
    """One alert of an incident, times in nanoseconds as Alertmanager sends them."""
    starts_at = "2026-11-24T17:58:00.123456789Z"
    return {
        "status": status,
        "startsAt": starts_at,
        "endsAt": "",
        "senders": {
            "http://alertmanager:9093": {"status": status, "startsAt": starts_at, "at": MOMENT}
        },
        "labels": {"alertname": "HighBounceRate", "pod": "email-sender-1", "ünïcode.name": "yes"},
        "summary": "12 % of spring-sale bounces",
    }


def incident(name: str, **spec: object) -> dict[str, Any]:
    """The body of a create; a field of spec given as None is left out."""
    whole: dict[str, Any] = {
        "playbook": "high-bounce-rate",
        "identity": {"campaign": "spring-sale"},
        "mode": "auto",
        "trigger": {"kind": "alertmanager", "by": "", "reason": "", "receiver": "responder"},
        "alerts": {FINGERPRINT: alert()},
        "plan": [
            {
                "control": "sending",
                "verb": "pause",
                "namespace": "mail",
                "targetKind": "campaign",
                "target": "spring-sale",
                "limit": {"share": 0.0, "inFlight": "finish", "providers": {"gmail": 0.5}},
            },
            {
                "control": "replicas",
                "verb": "scale",
                "namespace": "mail",
                "targetKind": "Deployment",
                "target": "email-sender",
                "limit": {"replicas": 2},
            },
        ],
        "refusals": [{"verb": "pause", "reason": "MissingLabel", "message": "no label segment"}],
        "resume": {"manual": False, "afterSeconds": 0, "needsPerson": []},
        "reviewAfterSeconds": 86400,
        "receivedAt": MOMENT,
        "token": "5f1c9a0e",
        **spec,
    }
    return {
        "apiVersion": INCIDENTS[0],
        "kind": "Incident",
        "metadata": {
            "name": name,
            "labels": {"campaign-responder.dev/playbook": "high-bounce-rate"},
            "finalizers": ["campaign-responder.dev/give-back"],
        },
        "spec": {key: value for key, value in whole.items() if value is not None},
    }


REPLICAS = {"kind": "Deployment", "namespace": "mail", "name": "sender", "field": "replicas"}


def status() -> dict[str, Any]:
    """A status in which every field is written."""
    return {
        "observedGeneration": 1,
        "phase": "Holding",
        "outcome": None,
        "reason": "AlertFiring",
        "message": "1 alert(s) firing",
        "since": MOMENT,
        "coolingUntil": MOMENT,
        "closedAt": None,
        "lettingGo": {"at": MOMENT, "by": "ada", "reason": "ReleasedByHand"},
        "firing": 1,
        "conditions": [
            {
                "type": "Applied",
                "status": "True",
                "reason": "AllHeld",
                "message": "2 of 2 targets are held",
                "lastTransitionTime": MOMENT,
            }
        ],
        "targets": [
            {
                "kind": "Deployment",
                "namespace": "mail",
                "name": "email-sender",
                "uid": "0c3b1b52-7a50-4a0b-8a39-0c7c2c1b7d0e",
                "subject": "Deployment/email-sender",
                "state": "Applied",
                "message": "",
                "ledger": {
                    "epoch": "e1",
                    "sequence": 1,
                    "fields": {"replicas": {"baseline": 8, "applied": 2, "holder": "x"}},
                },
            }
        ],
        "timeline": [{"time": MOMENT, "what": "Holding", "why": "AlertFiring: 1", "by": "am"}],
        "brakeMilliseconds": 12,
        "confirmation": {
            "turn": "0-0",
            "begunAt": MOMENT,
            "appliedAt": MOMENT,
            "confirmedAt": MOMENT,
            "milliseconds": 1200,
        },
        "decision": {
            "at": MOMENT,
            "changes": [{**REPLICAS, "before": "8", "after": "2"}],
            "refused": ["campaign/x: no ConfigMap is marked"],
            "omitted": 1,
            "person": ["to release it"],
            "ends": MOMENT,
        },
        "witnessed": {
            "seen": [{**REPLICAS, "value": "2"}],
            "changes": [{**REPLICAS, "before": "8", "after": "2", "time": MOMENT, "by": "kubectl"}],
            "omitted": 1,
        },
    }

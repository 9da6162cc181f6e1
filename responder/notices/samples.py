"""Facts to try templates out with: a notice with everything in it, one with nothing, a digest."""

from typing import Any

from responder.notices.moments import Moment

_COMMAND = {"command_does": "Look at it", "link": "https://grafana.example/d/incident?name=sample"}


def sample_notice() -> tuple[dict[str, Any], ...]:
    """Give the fullest notice first, then the emptiest."""
    nothing = {"first": [], "count": 0, "total": 0}
    full = {
        **_COMMAND,
        "name": "high-bounce-rate-91558e5857b13bfa-1",
        "namespace": "mail",
        "moment": str(Moment.PARTLY_HELD),
        "moments": [str(Moment.PARTLY_HELD)],
        "headline": "only partly held",
        "playbook": "high-bounce-rate",
        "labels": [{"label": "campaign", "value": "a test"}],
        "phase": "Holding",
        "reason": "AlertFiring",
        "message": "1 alert(s) firing",
        "asks": {
            "first": [{"verb": "pause", "what": "campaign/a test", "how": ""}],
            "count": 0,
            "total": 1,
        },
        "held": {
            "first": [{"verb": "pause", "what": "campaign/a test", "how": ""}],
            "count": 0,
            "total": 1,
        },
        "eased": "",
        "not_held": {
            "first": [{"what": "Deployment/a-test", "why": "this is a test, nothing is held"}],
            "count": 2,
            "total": 3,
        },
        "why": [{"what": "HighBounceRate (critical, firing)", "why": "this is a test"}],
        "waits_for": ["nothing, this is a test"],
        "until": "2026-11-24 18:30 UTC (in 30 min)",
        "command": "responder incidents show high-bounce-rate-91558e5857b13bfa-1 --namespace mail",
        "told": "2026-11-24 18:00 UTC",
    }
    empty = full | {
        "labels": [],
        "asks": nothing,
        "held": nothing,
        "not_held": nothing,
        "why": [],
        "waits_for": [],
        "until": "",
        "link": "",
    }
    return full, empty


def sample_digest() -> dict[str, Any]:
    (full, _) = sample_notice()
    one = {"name": full["name"], "labels": full["labels"]}
    return {
        **_COMMAND,
        "count": 37,
        "seconds": "10",
        "groups": [
            {
                "playbook": "high-bounce-rate",
                "moment": str(Moment.HELD),
                "headline": "held",
                "total": 37,
                "first": [one, one, one],
            }
        ],
        "more_groups": 0,
        "command": "responder incidents list --namespace mail",
    }

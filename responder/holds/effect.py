"""Whether a workload is down to what is asked: its pods gone, and no autoscaler about to raise it.

Zero is seen only after a full sync of the autoscaler at zero, for one that was in flight raises it
again. What proves that is the autoscaler's own word that it is disabled, said since the workload is
at zero; else enough time at zero. (Its controller syncs one autoscaler at one time, and observes no
generation.)
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from responder.holds.objects import JsonObject, metadata, name, value_at

FULL_SYNC: Final = timedelta(seconds=30)
"""Of Kubernetes' 15 s by default; one that begins and ends at zero lies within two of them."""
GRACE_SECONDS: Final = 30
"""Kubernetes' default: how long a pod that is deleted may go on."""
_WHOLE_SECOND: Final = timedelta(seconds=1)
"""Kubernetes cuts the time of a condition to it."""
_GRACE: Final = ("spec", "template", "spec", "terminationGracePeriodSeconds")


@dataclass(frozen=True, slots=True)
class Quiet:
    """Since when a workload has asked for no more than a limit, without a break."""

    since: datetime
    disabled: frozenset[str] = frozenset()
    """The autoscalers that said so before: from then on their word proves nothing."""
    left_at: datetime | None = None
    """Since when its controller has counted no more pods than that."""


@dataclass(frozen=True, slots=True)
class WorkloadEffect:
    """Whether the limit is kept; None where nobody can tell."""

    kept: bool | None
    message: str


def asked_replicas(deployment: JsonObject) -> int:
    """Give the pods that a workload asks for; an absent number is 1."""
    found = value_at(deployment, ("spec", "replicas"))
    return found if isinstance(found, int) else 1


def watched(
    known: Quiet | None,
    deployment: JsonObject | None,
    autoscalers: Sequence[JsonObject],
    *,
    limit: int,
    now: datetime,
) -> Quiet | None:
    """Carry on what is known of a workload at its limit, at each of its changes."""
    if deployment is None or asked_replicas(deployment) > limit:
        return None
    if known is None:
        said = frozenset(name(item) for item in autoscalers if _disabled_at(item) is not None)
        known = Quiet(now, said)
    counted = _pods(deployment)
    left_at = None
    if counted is not None and counted <= limit:
        left_at = known.left_at or now
    return Quiet(known.since, known.disabled, left_at)


def workload_effect(
    deployment: JsonObject | None,
    autoscalers: Sequence[JsonObject],
    *,
    limit: int,
    quiet: Quiet | None,
    now: datetime,
) -> WorkloadEffect:
    """Tell whether a workload keeps to its limit, by what its controllers report."""
    if deployment is None:
        return WorkloadEffect(None, "it does not exist")
    asked, counted = asked_replicas(deployment), _pods(deployment)
    if asked > limit:
        return WorkloadEffect(False, f"it asks for {asked} pod(s), and {limit} may be")
    if counted is None or quiet is None:
        return WorkloadEffect(None, "no controller has reported its pods yet")
    if counted > limit:
        return WorkloadEffect(False, f"{counted} pod(s) are left, and {limit} may be")
    why_not_yet = _may_change(deployment, autoscalers, limit=limit, quiet=quiet, now=now)
    if why_not_yet:
        return WorkloadEffect(None, why_not_yet)
    return WorkloadEffect(True, "no pod is left" if limit == 0 else f"no more than {limit} pod(s)")


def _may_change(
    deployment: JsonObject,
    autoscalers: Sequence[JsonObject],
    *,
    limit: int,
    quiet: Quiet,
    now: datetime,
) -> str:
    """Tell what may still send, or raise it again; empty where nothing may."""
    if _may_still_end(deployment, quiet, now):
        return "its last pods may still be ending"
    if limit == 0 and now < quiet.since + FULL_SYNC:
        raising = [name(item) for item in autoscalers if not _has_synced(item, quiet)]
        if raising:
            return f"{', '.join(raising)} has not synced at zero yet"
    return ""


def _pods(deployment: JsonObject) -> int | None:
    """Count the pods, with those that are ending; None where that is about an older spec."""
    status = deployment.get("status") or {}
    seen = status.get("observedGeneration")
    if not isinstance(seen, int) or seen < (metadata(deployment).get("generation") or 0):
        return None
    return int(status.get("replicas") or 0) + int(status.get("terminatingReplicas") or 0)


def _may_still_end(deployment: JsonObject, quiet: Quiet, now: datetime) -> bool:
    """Before Kubernetes 1.35 nobody counts the pods that are ending: they have their time."""
    if (deployment.get("status") or {}).get("terminatingReplicas") is not None:
        return False
    grace = value_at(deployment, _GRACE)
    seconds = grace if isinstance(grace, int) else GRACE_SECONDS
    return quiet.left_at is None or now < quiet.left_at + timedelta(seconds=seconds)


def _disabled_at(autoscaler: JsonObject) -> str | None:
    """Give since when an autoscaler says that it is disabled by zero; None where it doesn't."""
    for condition in (autoscaler.get("status") or {}).get("conditions") or ():
        if condition.get("type") == "ScalingActive" and condition.get("reason") == (
            "ScalingDisabled"
        ):
            return str(condition.get("lastTransitionTime", ""))
    return None


def _has_synced(autoscaler: JsonObject, quiet: Quiet) -> bool:
    said_at = _disabled_at(autoscaler)
    if said_at is None:
        return False
    if name(autoscaler) not in quiet.disabled:
        return True
    # It said so already: only a time of its own tells that it says so again, and not still.
    try:
        return datetime.fromisoformat(said_at) >= quiet.since - _WHOLE_SECOND
    except (ValueError, TypeError):
        return False

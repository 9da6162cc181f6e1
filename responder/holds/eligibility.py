"""What may be held at all: only what its owner allows, and never transactional mail.

What is held already stays held: relabelling during a hold is no escape.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from responder.holds.objects import (
    CAMPAIGN_MARK,
    HOLD_ALLOWED,
    HOLD_LABEL,
    KEYS_ANNOTATION,
    PREFIX,
    SENDING_HOLDS,
    WORKLOADS_ANNOTATION,
    JsonObject,
    annotation,
    is_transactional,
    label,
    name,
)


class Barrier(StrEnum):
    """Why something is not held."""

    NOT_ALLOWED = "NotAllowed"
    TRANSACTIONAL = "Transactional"
    IMMUTABLE = "Immutable"


@dataclass(frozen=True, slots=True)
class Refused:
    """A refusal with what would have to change."""

    barrier: Barrier
    message: str


def _allowed(live: JsonObject) -> bool:
    return label(live, HOLD_LABEL) == HOLD_ALLOWED


def workload_barrier(live: JsonObject, *, transactional: Iterable[JsonObject]) -> Refused | None:
    """Tell why a workload may not be held; `transactional` are its namespace's ConfigMaps of
    transactional campaigns, which name the workloads that send for them.
    """
    if is_transactional(live):
        return Refused(Barrier.TRANSACTIONAL, f"{name(live)} sends transactional mail")
    for campaign in transactional:
        named = (annotation(campaign, WORKLOADS_ANNOTATION) or "").split(",")
        if name(live) in {part.strip() for part in named}:
            return Refused(
                Barrier.TRANSACTIONAL,
                f"the transactional campaign {name(campaign)} names {name(live)} as its workload",
            )
    if not _allowed(live):
        return Refused(
            Barrier.NOT_ALLOWED,
            f"{name(live)} is not labelled {HOLD_LABEL}={HOLD_ALLOWED}",
        )
    return None


def autoscaler_may_be_held(live: JsonObject) -> bool:
    return _allowed(live) and not is_transactional(live)


def config_map_barrier(live: JsonObject, *, key: str, plain: bool) -> Refused | None:
    """Tell why a key of a ConfigMap may not be held; plain keys need to be offered by name."""
    if is_transactional(live):
        return Refused(Barrier.TRANSACTIONAL, f"{name(live)} is of a transactional campaign")
    if live.get("immutable") is True:
        return Refused(Barrier.IMMUTABLE, f"the ConfigMap {name(live)} is immutable")
    if plain:
        offered = {part.strip() for part in (annotation(live, KEYS_ANNOTATION) or "").split(",")}
        if not _allowed(live) or key not in offered:
            return Refused(
                Barrier.NOT_ALLOWED,
                f"{name(live)} does not offer its key {key}: label it {HOLD_LABEL}={HOLD_ALLOWED}"
                f" and name the key in the annotation {KEYS_ANNOTATION}",
            )
    elif not (
        name(live) == SENDING_HOLDS
        or _allowed(live)
        or label(live, CAMPAIGN_MARK)
        or annotation(live, CAMPAIGN_MARK)
    ):
        return Refused(
            Barrier.NOT_ALLOWED,
            f"{name(live)} has the campaign's name alone: label or annotate it {CAMPAIGN_MARK},"
            f" or label it {HOLD_LABEL}={HOLD_ALLOWED}",
        )
    return None


def is_marked(live: JsonObject) -> bool:
    """Tell whether the object bears any mark of ours, so that it is worth keeping in full."""
    meta = live.get("metadata") or {}
    marks = [*(meta.get("labels") or {}), *(meta.get("annotations") or {})]
    return any(mark.startswith(PREFIX) for mark in marks)

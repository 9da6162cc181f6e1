"""What may be held at all: only what its owner allows, and transactional mail only if forced.

What is held already stays held: relabelling during a hold is no escape.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from responder.holds.objects import (
    CAMPAIGN_MARK,
    HOLD_ALLOWED,
    HOLD_EVEN_TRANSACTIONAL,
    HOLD_LABEL,
    HOLD_NEVER,
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
    return label(live, HOLD_LABEL) in {HOLD_ALLOWED, HOLD_EVEN_TRANSACTIONAL}


def _transactional(live: JsonObject, why: str, *, forced: bool) -> Refused | None:
    """Refuse what carries transactional mail, unless the playbook and its owner both say so."""
    agreed = label(live, HOLD_LABEL) == HOLD_EVEN_TRANSACTIONAL
    if agreed and forced:
        return None
    if forced:
        why += f"; the playbook forces it, and its owner must too: {_AGREEMENT}"
    elif agreed:
        why += "; its owner agrees, and the playbook must say guards.includeTransactional"
    return Refused(Barrier.TRANSACTIONAL, why)


_AGREEMENT: Final = f"label it {HOLD_LABEL}={HOLD_EVEN_TRANSACTIONAL}"


def workload_barrier(
    live: JsonObject, *, transactional: Iterable[JsonObject], forced: bool = False
) -> Refused | None:
    """Tell why a workload may not be held; `transactional` are its namespace's ConfigMaps of
    transactional campaigns, which name the workloads that send for them. `forced` is what the
    playbook says about those.
    """
    refused = None
    if is_transactional(live):
        refused = _transactional(live, f"{name(live)} sends transactional mail", forced=forced)
    for campaign in transactional:
        named = (annotation(campaign, WORKLOADS_ANNOTATION) or "").split(",")
        if name(live) in {part.strip() for part in named}:
            why = f"the transactional campaign {name(campaign)} names {name(live)} as its workload"
            refused = refused or _transactional(live, why, forced=forced)
    if refused is not None:
        return refused
    if not _allowed(live):
        return Refused(
            Barrier.NOT_ALLOWED,
            f"{name(live)} is not labelled {HOLD_LABEL}={HOLD_ALLOWED}",
        )
    return None


def autoscaler_may_be_held(live: JsonObject) -> bool:
    """Tell whether an autoscaler may be held for a workload that may be."""
    agreed = label(live, HOLD_LABEL) == HOLD_EVEN_TRANSACTIONAL
    return _allowed(live) and (agreed or not is_transactional(live))


def config_map_barrier(
    live: JsonObject, *, key: str, plain: bool, forced: bool = False
) -> Refused | None:
    """Tell why a key of a ConfigMap may not be held; plain keys need to be offered by name."""
    if label(live, HOLD_LABEL) == HOLD_NEVER:
        told = f"{name(live)} is labelled {HOLD_LABEL}={HOLD_NEVER}"
        return Refused(Barrier.NOT_ALLOWED, told)
    if is_transactional(live):
        why = f"{name(live)} is of a transactional campaign"
        refused = _transactional(live, why, forced=forced)
        if refused is not None:
            return refused
    if live.get("immutable") is True:
        return Refused(Barrier.IMMUTABLE, f"the ConfigMap {name(live)} is immutable")
    return _not_offered(live, key) if plain else _not_marked(live)


def _not_offered(live: JsonObject, key: str) -> Refused | None:
    offered = {part.strip() for part in (annotation(live, KEYS_ANNOTATION) or "").split(",")}
    if _allowed(live) and key in offered:
        return None
    return Refused(
        Barrier.NOT_ALLOWED,
        f"{name(live)} does not offer its key {key}: label it {HOLD_LABEL}={HOLD_ALLOWED}"
        f" and name the key in the annotation {KEYS_ANNOTATION}",
    )


def _not_marked(live: JsonObject) -> Refused | None:
    if (
        name(live) == SENDING_HOLDS
        or _allowed(live)
        or label(live, CAMPAIGN_MARK)
        or annotation(live, CAMPAIGN_MARK)
    ):
        return None
    return Refused(
        Barrier.NOT_ALLOWED,
        f"{name(live)} has the campaign's name alone: label or annotate it {CAMPAIGN_MARK},"
        f" or label it {HOLD_LABEL}={HOLD_ALLOWED}",
    )


def is_marked(live: JsonObject) -> bool:
    """Tell whether the object bears any mark of ours, so that it is worth keeping in full."""
    meta = live.get("metadata") or {}
    marks = [*(meta.get("labels") or {}), *(meta.get("annotations") or {})]
    return any(mark.startswith(PREFIX) for mark in marks)

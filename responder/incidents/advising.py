"""From observing to acting: what a playbook's incidents say about its next step. Pure.

A sentence for a person, who decides. It is never acted upon.
"""

from typing import Final

from responder.incidents.figures import PlaybookReport

ENOUGH_INCIDENTS: Final = 3
MOST_FALSE_SHARE: Final = 0.2
_MOST_UNITS: Final = 2


def lasted(seconds: float) -> str:
    """Tell a length of time in its two largest units, e.g. `1h 5m`."""
    left = round(seconds)
    parts: list[str] = []
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)):
        amount, left = divmod(left, size)
        if amount or parts:
            parts.append(f"{amount}{unit}")
        if len(parts) == _MOST_UNITS:
            break
    return " ".join(part for part in parts if not part.startswith("0")) or "0s"


def advice(one: PlaybookReport) -> str:
    """Give the sentence for one playbook."""
    if one.observed:
        return _observed(one)
    return _held(one) if one.held else _proposed(one)


def _false(one: PlaybookReport) -> str:
    return f"{len(one.false_alarms)} of {one.incidents} look like false alarms"


def _has_too_many_false(one: PlaybookReport) -> bool:
    return len(one.false_alarms) > MOST_FALSE_SHARE * one.incidents


def _observed(one: PlaybookReport) -> str:
    against = []
    if one.observed < ENOUGH_INCIDENTS:
        against.append(f"only {one.observed} observed, and {ENOUGH_INCIDENTS} are the least")
    if _has_too_many_false(one):
        against.append(_false(one))
    if one.refused_incidents:
        against.append(
            f"in {one.refused_incidents} of {one.observed} something would not have been held"
        )
    if against:
        return f"Keep observing: {'; '.join(against)}."
    told = f"It could act (mode: auto): everything would have been held in all {one.observed}"
    if one.braked_after_seconds is None:
        told += (
            ", and nobody braked by hand: if you are not sure that holding would have been right,"
            " begin with mode: approve"
        )
    else:
        told += (
            f", and people braked by hand in {one.braked_by_hand},"
            f" {lasted(one.braked_after_seconds)} after the alert (median)"
        )
    if one.person_needed:
        told += "; a person would have been necessary to give back"
    return f"{told}."


def _held(one: PlaybookReport) -> str:
    told = f"It acts: {one.held} of {one.incidents} held, and {_false(one)}"
    if _has_too_many_false(one):
        told += "; look at its alert, or set mode: approve"
    if one.relapses:
        told += f"; it relapsed {one.relapses} time(s): the cause was not dealt with by then"
    return f"{told}."


def _proposed(one: PlaybookReport) -> str:
    proposals = one.proposals
    if not proposals.total:
        return "Nothing was held or proposed."
    told = f"Nothing was held: {proposals.total} proposed, {proposals.rejected} rejected"
    unanswered = proposals.expired + proposals.waiting
    if unanswered:
        told += f", and nobody decided about {unanswered}: see who is told, or set otherwise: act"
    return f"{told}."

"""The report, told to people on a terminal and as JSON."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Final

from responder.holds.objects import JsonObject, ObjectKey
from responder.incidents.advising import advice, lasted
from responder.incidents.figures import Deed, HeldTarget, PlaybookReport
from responder.incidents.requests import Wish
from responder.incidents.transitions import moment, read_moment
from responder.telling import plain

_MOST_LINES: Final = 20
"""Of one kind; JSON has them all."""
_PEOPLES_TOOLS: Final = ("kubectl", "k9s", "lens")
_DID: Final = {
    Wish.APPROVE: "approved it",
    Wish.REJECT: "rejected it",
    Wish.ACKNOWLEDGE: "acknowledged the cause",
    Wish.RELEASE: "released it",
    Wish.EXTEND: "put its review off",
}


def told_as_json(found: Sequence[PlaybookReport], *, since: datetime, now: datetime) -> JsonObject:
    """Give the report as JSON; its keys and their order are fixed."""
    return {
        "since": moment(since),
        "until": moment(now),
        "playbooks": [{**one.to_json(), "advice": advice(one)} for one in found],
    }


def told_in_words(
    found: Sequence[PlaybookReport], *, since: datetime, now: datetime, kept_seconds: float
) -> str:
    """Tell the report; times are UTC."""
    lines = [f"from {_utc(since)} to {_utc(now)}"]
    if (now - since).total_seconds() > kept_seconds:
        lines.append(f"(closed incidents are kept for {lasted(kept_seconds)}: older ones are gone)")
    if not found:
        lines.append("no incidents")
    for one in found:
        lines += ["", one.playbook, *(f"  {line}" for line in _lines(one))]
    return "\n".join(plain(line).replace("\n", "\\n") for line in lines)


def _lines(one: PlaybookReport) -> Iterator[str]:
    total = one.proposals.total
    still = f", {one.open} still open" if one.open else ""
    yield (
        f"incidents     {one.incidents}: {one.observed} observed, {one.held} held,"
        f" {total} proposed{still}"
    )
    if total:
        yield f"proposed      {_proposals(one)}"
    yield f"false alarms  {len(one.false_alarms)}, as far as can be told"
    yield from _bounded(f"  {name}: {why}" for name, why in one.false_alarms.items())
    if one.brake_median_milliseconds is not None:
        yield (
            f"time to brake {one.brake_median_milliseconds:.0f} ms (median),"
            f" {one.brake_worst_milliseconds} ms (worst)"
        )
    for title, targets in (
        ("held", [each for each in one.targets if each.held_seconds]),
        ("would hold", [each for each in one.targets if each.changes]),
    ):
        if targets:
            yield title
            yield from _bounded(f"  {_target(each, title)}" for each in targets)
    if one.refused:
        yield "would not hold"
        yield from _bounded(
            f"  {why} (in {number} incident(s))" for why, number in one.refused.items()
        )
    if one.person_needed:
        yield "a person would have been necessary"
        yield from _bounded(
            f"  {why} (in {number} incident(s))" for why, number in one.person_needed.items()
        )
    yield "what people did" if one.deeds else "what people did: nothing that was seen"
    yield from _bounded((f"  {_deed(each)}" for each in one.deeds), left=one.deeds_omitted)
    if one.relapses or one.escalations:
        yield f"relapses {one.relapses}, escalations {one.escalations}"
    yield f"=> {advice(one)}"


def _bounded(lines: Iterable[str], *, left: int = 0) -> Iterator[str]:
    every = list(lines)
    yield from every[:_MOST_LINES]
    left += len(every[_MOST_LINES:])
    if left:
        yield f"  and {left} more"


def _proposals(one: PlaybookReport) -> str:
    found = one.proposals
    return (
        f"{found.approved} approved, {found.rejected} rejected, {found.expired} expired,"
        f" {found.nobody_decided} held because nobody decided, {found.resolved} resolved before,"
        f" {found.waiting} waiting"
    )


def _named(key: ObjectKey) -> str:
    return f"{key} in {key.namespace}"


def _target(one: HeldTarget, title: str) -> str:
    seconds = one.held_seconds if title == "held" else one.would_seconds
    still = ", and still" if one.ongoing else ""
    told = f"{_named(one.key)}: {lasted(seconds)} in {one.incidents} incident(s){still}"
    if title == "held" or not one.changes:
        return told
    more = f", and {len(one.changes) - 1} other change(s)" if len(one.changes) > 1 else ""
    return f"{told}; {one.changes[0]}{more}"


def _deed(one: Deed) -> str:
    after = lasted(one.after_seconds)
    when = read_moment(one.time)
    at = one.time if when is None else _utc(when)
    if one.change is None:
        why = f": {one.why}" if one.why else ""
        did = _DID[one.wish] if one.wish is not None else ""
        return f"{at} {one.by or 'somebody'} {did} after {after}{why} ({one.incident})"
    change = one.change
    who = "a person" if one.by.lower().startswith(_PEOPLES_TOOLS) else "somebody"
    by = f"by {one.by}, " if one.by else ""
    return (
        f"{at} {who} {_verb(one)} {change.place.field} {change.before} -> {change.after}"
        f" after {after} on {_named(change.place.key)} ({by}{one.incident})"
    )


def _verb(one: Deed) -> str:
    change = one.change
    numbers = change is not None and change.before.isdigit() and change.after.isdigit()
    if not numbers:
        return "changed"
    return "lowered" if one.brakes else "raised"


def _utc(moment_: datetime) -> str:
    return moment_.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

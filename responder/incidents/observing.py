"""How one that only observes would have ended, and what others changed under a hold. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from responder.holds.ledger import Raw
from responder.incidents.decision import Change, Decision, Place
from responder.incidents.incident import Incident
from responder.incidents.status import Entry, Reason, Status, Target
from responder.incidents.transitions import moment, noted, read_moment

_MOST_ENTRIES = 8
"""In the timeline, which has to tell of the incident's own steps as well."""


def needed_persons(incident: Incident) -> tuple[str, ...]:
    """Tell why a person would have been necessary before anything was given back."""
    resume = incident.resume
    why = list(resume.needs_person)
    if incident.approval is not None:
        why.append(f"to approve it: {incident.approval.why}")
    if resume.manual and not resume.needs_person:
        why.append("to release it: the playbook resumes by hand")
    if resume.acknowledged:
        why.append("to acknowledge the cause: the playbook asks for it")
    return tuple(why)


def ended(incident: Incident, decision: Decision, status: Status) -> Decision:
    """Tell when it would have been given back, once that is known: when what it observes is over.

    Steps take the time of each, at least: what would have been sent in them nobody knows.
    """
    let_go = status.letting_go
    at = None if let_go is None else read_moment(let_go.at)
    if let_go is None or at is None:
        return replace(decision, ends="")
    by_hand = let_go.reason in (Reason.RELEASED_BY_HAND, Reason.REJECTED, Reason.DELETED)
    steps = 0 if by_hand else sum(step.for_seconds for step in incident.resume.steps)
    return replace(decision, ends=moment(at + timedelta(seconds=steps)))


def changed_under_a_hold(
    before: Sequence[Target], after: Sequence[Target]
) -> Iterator[tuple[Place, Raw, Raw]]:
    """Give the fields of which the second copy of a ledger has another baseline than before.

    The field as it would be without us was changed by somebody else, then; where many incidents
    hold it, the copy of only one is renewed, so that it is told once.
    """
    known = {(target.key, target.subject): target for target in before}
    for target in after:
        was = known.get((target.key, target.subject))
        old, new = None if was is None else was.ledger, target.ledger
        if was is None or old is None or new is None or was.uid != target.uid:
            continue
        if old.epoch != new.epoch:
            continue
        for name, entry in new.fields.items():
            remembered = old.fields.get(name)
            if remembered is None or remembered.unknown or entry.unknown:
                continue
            if remembered.baseline != entry.baseline:
                yield Place(target.key, name), remembered.baseline, entry.baseline


def with_changes(status: Status, changes: Sequence[Change], seen: Mapping[Place, str]) -> Status:
    """Note what others changed: the first ones in the timeline too."""
    witnessed = status.witnessed
    for change in changes:
        if witnessed.number < _MOST_ENTRIES:
            entry = Entry(change.time, "Changed", f"by others: {change}", change.by)
            status = replace(status, timeline=noted(status.timeline, entry))
        witnessed = witnessed.and_then(change)
    if seen:
        witnessed = replace(witnessed, seen=seen)
    return replace(status, witnessed=witnessed)

"""An incident explained to a person: what it waits for, until when, and what they can do. Pure."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final

from responder.incidents.confirmation import CONFIRMED
from responder.incidents.confirming import is_awaited
from responder.incidents.evidence import CHECK, VOLUME, enough_seconds, questions_of, truth_of
from responder.incidents.incident import Incident
from responder.incidents.lifecycle import review_at
from responder.incidents.requests import Wish
from responder.incidents.resuming import needs_acknowledgement, waits_for_person
from responder.incidents.status import Answer, Phase, Reason, TargetState, Truth
from responder.incidents.transitions import moment, read_moment
from responder.incidents.wishing import possible

_DONE: Final = frozenset({TargetState.GIVEN_BACK})
_ARMED: Final = "the responder to be armed again: responder arm --reason '...'"
_DOES: Final = {
    Wish.APPROVE: "hold it",
    Wish.REJECT: "never hold it",
    Wish.ACKNOWLEDGE: "say that the cause is dealt with",
    Wish.RELEASE: "give everything back now",
    Wish.EXTEND: "look at it again later",
}


def waits_for(incident: Incident, *, now: datetime) -> tuple[str, ...]:
    """Tell what must happen for it to go on, one thing each; nothing once it is closed."""
    if incident.closed:
        return ()
    return tuple(_waits_for(incident, now))


def confirmation(incident: Incident) -> tuple[tuple[str, str], ...]:
    """Tell whether the brake has taken hold: a word, and what is known; nothing before it is on."""
    told, record = incident.condition(CONFIRMED), incident.status.confirmation
    if told is None or not record.applied_at or not record.turn:
        return ()
    if told.status == "True":
        took = "" if record.milliseconds is None else f"in {record.milliseconds} ms; "
        return (("took hold", f"{took}{told.message}"),)
    word = "NOT HELD" if told.status == "False" else "took hold"
    seen = "" if told.status == "False" else "not known yet; "
    return ((word, f"{seen}{told.message}"),)


def can_do(incident: Incident) -> tuple[tuple[str, str], ...]:
    """Give commands that a person may run now, and what each does."""
    return tuple(
        (f"responder {wish} {incident.name} --reason '...'", _DOES[wish])
        for wish in possible(incident)
        if (wish is not Wish.EXTEND or review_at(incident) is not None)
        and (wish is not Wish.RELEASE or incident.status.phase is not Phase.PROPOSED)
    )


def _waits_for(incident: Incident, now: datetime) -> Iterator[str]:
    status = incident.status
    if status.letting_go is not None:
        yield from _give_backs(incident)
    elif status.phase is Phase.PROPOSED:
        yield _approval(incident)
    elif status.phase is Phase.COOLING:
        yield from _cool_down(incident, now)
    elif status.phase is Phase.RAMPING:
        yield from _step(incident, now)
    else:
        yield from _hold(incident)
    resumes = status.phase in (Phase.COOLING, Phase.RAMPING) and status.letting_go is None
    if resumes and status.reason == Reason.DISARMED:
        yield _ARMED
    if status.phase in (Phase.HOLDING, Phase.COOLING):
        yield from _stages(incident)
        yield from _unconfirmed_stages(incident)
    review = review_at(incident)
    if review is not None and now >= review and incident.acts:
        yield f"somebody who looks at it: its review was due at {moment(review)}"


def _give_backs(incident: Incident) -> Iterator[str]:
    left = [target for target in incident.status.targets if target.state not in _DONE]
    yield f"{len(left)} object(s) to be given back" if left else "the end of the give-back"
    yield from (f"{target.key}: {target.message}" for target in left if target.message)


def _approval(incident: Incident) -> str:
    if incident.status.reason == Reason.DISARMED or incident.wishes.approve is not None:
        return _ARMED
    until, approval = incident.status.approve_by, incident.approval
    if not until or approval is None:
        return "a person who approves or rejects it, for as long as its alerts fire"
    then = "it is held" if approval.otherwise == "act" else "it expires"
    return f"a person who approves or rejects it, until {until}; after that {then}"


def _hold(incident: Incident) -> Iterator[str]:
    why = waits_for_person(incident)
    if incident.firing:
        yield f"{incident.firing} alert(s) to resolve"
    elif incident.trigger.kind == "manual" and not why:
        yield "a person who acknowledges that the cause is dealt with, or releases it"
    if why:
        yield f"a person who releases it: {'; '.join(why)}"


def _cool_down(incident: Incident, now: datetime) -> Iterator[str]:
    until = read_moment(incident.status.cooling_until)
    if until is not None and now < until:
        yield f"the end of the cool-down, {incident.status.cooling_until}"
    missing = needs_acknowledgement(incident)
    if missing:
        yield f"a person who acknowledges that the cause is dealt with: {missing}"
    yield from _answers(incident, {CHECK: "the check to pass"})


def _step(incident: Incident, now: datetime) -> Iterator[str]:
    ramp, steps = incident.status.ramp, incident.resume.steps
    due = enough_seconds(incident)
    step = f"step {ramp.step} of {len(steps)}"
    if due is not None and now < due:
        yield f"the end of {step}, not before {moment(due)}"
    sends = steps[ramp.step - 1].sends if 0 < ramp.step <= len(steps) else 0
    names = {CHECK: "the check to pass", VOLUME: f"{sends} messages to be sent in {step}"}
    known = {answer.question: answer for answer in incident.status.answers}
    open_ = {name: what for name, what in names.items() if _is_open(incident, name, known, now)}
    yield from _answers(incident, open_)
    if sends and incident.resume.volume is None:
        yield f"a person who releases it: nothing counts the {sends} messages of {step}"


def _stages(incident: Incident) -> Iterator[str]:
    names = {
        asked.name: f"{asked.name.replace('-', ' ')} of {len(incident.stages)}, which is held "
        "only if its evidence says so"
        for asked in questions_of(incident)
        if asked.name not in (CHECK, VOLUME)
    }
    for told in _answers(incident, names):
        yield f"nothing, but looks at {told}"


def _unconfirmed_stages(incident: Incident) -> Iterator[str]:
    for index, stage in enumerate(incident.stages):
        if stage.is_unconfirmed and index not in incident.status.stages and is_awaited(incident):
            told = f"stage {index + 1} of {len(incident.stages)}"
            yield (
                f"nothing, but looks whether the brake takes hold: {told} is held if it is seen "
                f"not to for {stage.for_seconds} s"
            )


def _answers(incident: Incident, names: dict[str, str]) -> Iterator[str]:
    """Tell what a question waits for, with its last answer."""
    known = {answer.question: answer for answer in incident.status.answers}
    for asked in questions_of(incident):
        if asked.name in names:
            yield f"{names[asked.name]} ({_told(known.get(asked.name))})"


def _is_open(incident: Incident, name: str, known: Mapping[str, Answer], now: datetime) -> bool:
    return truth_of(incident, name, known, now=now) is not Truth.YES


def _told(answer: Answer | None) -> str:
    if answer is None:
        return "not asked yet"
    return f"{answer.message}, at {answer.at}"

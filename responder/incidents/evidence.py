"""What an incident wants to know, and what the answers come to. Pure: others ask."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from responder.incidents.incident import Incident
from responder.incidents.policy import Question
from responder.incidents.status import Answer, Phase, Truth
from responder.incidents.transitions import read_moment

CHECK: Final = "check"
VOLUME: Final = "volume"

_LONGEST_GAP: Final = timedelta(minutes=2)
"""Between two answers that are yes no more than this counts as yes: nobody looked in between. And
for so long an answer stands for now."""
_TOLD_AGAIN_AFTER: Final = timedelta(minutes=5)
"""How old the numbers may get that an incident tells, while what they come to stays."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One question to be asked now; nothing from before `since` may count, where it is given."""

    name: str
    question: Question
    since: str = ""


def stage_name(index: int) -> str:
    """Name the question that makes a stage of the escalation necessary."""
    return f"stage-{index + 1}"


def questions_of(incident: Incident) -> tuple[Asked, ...]:
    """Give what an incident wants to know in its phase; nothing that could not change it."""
    status = incident.status
    if not incident.acts or incident.closed or status.letting_go is not None:
        return ()
    asked: list[Asked] = []
    ramp, resume = status.ramp, incident.resume
    if status.phase is Phase.RAMPING and ramp.step:
        if resume.check is not None:
            asked.append(Asked(CHECK, resume.check, ramp.resumed_at))
        if resume.volume is not None and ramp.step <= len(resume.steps):
            sends = resume.steps[ramp.step - 1].sends
            volume = {**resume.volume, "threshold": float(sends)}
            asked.append(Asked(VOLUME, volume, ramp.step_since))
    elif status.phase is Phase.COOLING and not resume.steps and resume.check is not None:
        asked.append(Asked(CHECK, resume.check, ramp.resumed_at))
    if status.phase in (Phase.HOLDING, Phase.COOLING):
        asked += [
            Asked(stage_name(index), stage.when, ramp.resumed_at)
            for index, stage in enumerate(incident.stages)
            if index not in status.stages and not stage.is_unconfirmed
        ]
    return tuple(asked)


def answer_to(asked: Asked, answers: Mapping[str, Answer]) -> Answer | None:
    """Give the answer to this very question; one about another window is none."""
    found = answers.get(asked.name)
    return found if found is not None and found.since == asked.since else None


def truth_of(
    incident: Incident, name: str, answers: Mapping[str, Answer], *, now: datetime
) -> Truth:
    """Give what is known by now of a question that the incident has."""
    for asked in questions_of(incident):
        if asked.name == name:
            answer = answer_to(asked, answers)
            return Truth.UNKNOWN if answer is None or is_old(answer, now=now) else answer.truth
    return Truth.UNKNOWN


def is_old(answer: Answer, *, now: datetime) -> bool:
    """Tell whether what was so then need not be so now: nobody was answered since.

    Where Prometheus lets thousands of questions wait, each one's turn comes late.
    """
    at = read_moment(answer.at)
    return at is None or abs(now - at) > _LONGEST_GAP


def followed(before: Answer | None, found: Answer) -> Answer:
    """Tell of an answer for how long it has been yes, given the one before it."""
    if found.truth is Truth.NO or before is None or before.since != found.since:
        return replace(found, true_seconds=0)
    seconds = before.true_seconds
    if found.truth is Truth.YES and before.truth is Truth.YES:
        gap = _between(before.at, found.at)
        seconds += min(gap, _LONGEST_GAP).total_seconds()
    return replace(found, true_seconds=seconds)


def answers_for(incident: Incident, answers: Mapping[str, Answer]) -> tuple[Answer, ...]:
    """Give the answers for an incident's status: renewed where they come to something else."""
    known = {answer.question: answer for answer in incident.status.answers}
    found: list[Answer] = []
    for asked in questions_of(incident):
        new, old = answer_to(asked, answers), answer_to(asked, known)
        if new is not None and (old is None or _is_news(old, new)):
            found.append(new)
        elif old is not None:
            found.append(old)
    return tuple(found)


def _is_news(old: Answer, new: Answer) -> bool:
    if (old.truth, old.reason) != (new.truth, new.reason):
        return True
    return _between(old.at, new.at) >= _TOLD_AGAIN_AFTER


def _between(earlier: str, later: str) -> timedelta:
    first, second = read_moment(earlier), read_moment(later)
    if first is None or second is None:
        return timedelta()
    return max(timedelta(), second - first)


def enough_seconds(incident: Incident) -> datetime | None:
    """Give when the open step's time is over; None where no step is open that can be read."""
    ramp, steps = incident.status.ramp, incident.resume.steps
    since = read_moment(ramp.step_since)
    if since is None or not 0 < ramp.step <= len(steps):
        return None
    return since + timedelta(seconds=steps[ramp.step - 1].for_seconds)

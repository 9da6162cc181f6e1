"""Escalation: further holds, once their evidence has been true for long enough."""

from dataclasses import replace
from datetime import datetime, timedelta

from responder.incidents.confirmation import CONFIRMED
from responder.incidents.evidence import answer_to, is_old, questions_of, stage_name
from responder.incidents.incident import Incident
from responder.incidents.status import Phase, Reason, Truth
from responder.incidents.transitions import Arming, Facts, Transition, read_moment, to


def escalate(incident: Incident, facts: Facts, *, now: datetime) -> Transition | None:
    """Reach a stage; what was held before stays held, whatever becomes of it."""
    if facts.arming is not Arming.ARMED:
        return None
    asked = {each.name: each for each in questions_of(incident)}
    for index, stage in enumerate(incident.stages):
        if stage.is_unconfirmed:
            why = _why_unconfirmed(incident, stage.for_seconds, now=now)
            if why and index not in incident.status.stages:
                return _reach(incident, index, why, now=now)
            continue
        question = asked.get(stage_name(index))
        answer = answer_to(question, facts.answers) if question is not None else None
        if answer is None or answer.truth is not Truth.YES or is_old(answer, now=now):
            continue
        if answer.true_seconds < stage.for_seconds:
            continue
        return _reach(incident, index, answer.message, now=now)
    return None


def _reach(incident: Incident, index: int, why: str, *, now: datetime) -> Transition:
    message = f"stage {index + 1} of {len(incident.stages)}: {why}"
    there = to(incident, Phase.HOLDING, Reason.ESCALATED, message, by="campaign-responder", now=now)
    stages = tuple(sorted({*incident.status.stages, index}))
    return replace(there, status=replace(there.status, stages=stages, cooling_until=""))


def _why_unconfirmed(incident: Incident, for_seconds: int, *, now: datetime) -> str:
    """Tell what denies the brake's effect, for so long by now; empty where nothing does.

    Not what is unknown: that never escalates.
    """
    told = incident.condition(CONFIRMED)
    since = None if told is None else read_moment(told.last_transition_time)
    if told is None or told.status != "False" or since is None:
        return ""
    if now < since + timedelta(seconds=for_seconds):
        return ""
    return f"the brake has not taken hold: {told.message}"

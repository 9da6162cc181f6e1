"""Escalation: further holds, once their evidence has been true for long enough."""

from dataclasses import replace
from datetime import datetime

from responder.incidents.evidence import answer_to, questions_of, stage_name
from responder.incidents.incident import Incident
from responder.incidents.status import Phase, Reason, Truth
from responder.incidents.transitions import Arming, Facts, Transition, to


def escalate(incident: Incident, facts: Facts, *, now: datetime) -> Transition | None:
    """Reach a stage; what was held before stays held, whatever becomes of it."""
    if facts.arming is not Arming.ARMED:
        return None
    asked = {each.name: each for each in questions_of(incident)}
    for index, stage in enumerate(incident.stages):
        question = asked.get(stage_name(index))
        answer = answer_to(question, facts.answers) if question is not None else None
        if answer is None or answer.truth is not Truth.YES:
            continue
        if answer.true_seconds < stage.for_seconds:
            continue
        message = f"stage {index + 1} of {len(incident.stages)}: {answer.message}"
        there = to(
            incident, Phase.HOLDING, Reason.ESCALATED, message, by="campaign-responder", now=now
        )
        stages = tuple(sorted({*incident.status.stages, index}))
        return replace(there, status=replace(there.status, stages=stages, cooling_until=""))
    return None

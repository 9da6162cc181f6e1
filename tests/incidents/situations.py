"""Every situation that an incident can be in, and every fact that it can meet there.

Of what is asked of Prometheus a fact gives all answers alike: to each question that is asked now.
"""

import dataclasses
from collections.abc import Callable
from typing import Final

from responder.incidents.incident import Incident
from responder.incidents.policy import Approval, Resume
from responder.incidents.status import Phase, Ramp, Reason, Truth
from responder.incidents.transitions import Arming, Facts
from tests.incidents.given import (
    AM,
    CHECKED,
    STAGE,
    alerts,
    answers,
    cooling,
    fingerprint,
    incident,
    leaving,
    proposed,
    ramping,
    recorded,
    told_at,
    wished,
    wishing,
)

OVER: Final = alerts(resolve=1)
ANEW: Final = {fingerprint(1): recorded((AM, "firing", 11))}
"""It fires since after the resume."""
RAMPED: Final = Ramp(step=2, step_since=told_at(20), resumed_at=told_at(10))

SITUATIONS: Final[dict[str, Incident]] = {
    "new": incident(phase=Phase.NEW),
    "new by hand": incident(phase=Phase.NEW, kind="manual"),
    "new to approve": incident(phase=Phase.NEW, approval=Approval("it asks", 600, "act")),
    "new to observe": incident(phase=Phase.NEW, mode="observe"),
    "proposed": proposed(),
    "proposed, resolved": proposed(alerts=OVER),
    "proposed, nobody decided: act": proposed(until=10, otherwise="act"),
    "proposed, nobody decided: expire": proposed(until=10),
    "proposed because disarmed": proposed(approval=None, status={"reason": "Disarmed"}),
    "holding, firing": incident(stages=(STAGE,)),
    "holding, resolved": incident(alerts=OVER),
    "holding, resolved, resumed by hand": incident(alerts=OVER, resume=Resume(manual=True)),
    "holding, triggered": incident(kind="manual"),
    "holding, triggered, resumed by hand": incident(kind="manual", resume=Resume(manual=True)),
    "cooling": cooling(until=told_at(40), resume=Resume(after_seconds=2400), stages=(STAGE,)),
    "cooled": cooling(),
    "cooled, a person asked for": cooling(resume=dataclasses.replace(CHECKED, acknowledged=True)),
    "cooled, with steps": cooling(resume=CHECKED),
    "cooled, with a check": cooling(resume=dataclasses.replace(CHECKED, steps=(), volume=None)),
    "cooled after two relapses": cooling(
        resume=dataclasses.replace(CHECKED, after_seconds=150),
        status={"ramp": Ramp(relapses=2, relapsed_at=told_at(6))},
    ),
    "step 1, too early": ramping(since=20),
    "step 1, in time": ramping(),
    "step 2, in time": ramping(step=2, since=20),
    "step 2, observed alerts fire on": ramping(step=2, since=20, alerts=alerts(fire=1)),
    "ramping, firing anew": ramping(alerts=ANEW),
    "leaving after the cool-down": leaving(Reason.COOL_DOWN_OVER, phase=Phase.COOLING, alerts=OVER),
    "leaving after the cool-down, firing": leaving(Reason.COOL_DOWN_OVER, phase=Phase.COOLING),
    "leaving after the ramp, firing on": leaving(
        Reason.RAMP_OVER, phase=Phase.RAMPING, resume=CHECKED, status={"ramp": RAMPED}
    ),
    "leaving after the ramp, firing anew": leaving(
        Reason.RAMP_OVER, phase=Phase.RAMPING, resume=CHECKED, status={"ramp": RAMPED}, alerts=ANEW
    ),
    "leaving after the ramp, to observe": leaving(
        Reason.RAMP_OVER, phase=Phase.RAMPING, mode="observe", alerts=OVER
    ),
    "leaving by a person, firing": leaving(Reason.RELEASED_BY_HAND),
    "leaving by the switch, firing": leaving(Reason.DISARMED),
    "leaving unapproved, firing": leaving(
        Reason.ALERTS_RESOLVED, phase=Phase.PROPOSED, approval=Approval("it asks")
    ),
    "leaving while disarmed and unheld, firing": leaving(
        Reason.ALERTS_RESOLVED, phase=Phase.PROPOSED
    ),
    "closed": incident(phase=Phase.CLOSED),
}
Met = tuple[Incident, Facts]

FACTS: Final[dict[str, Callable[[Incident], Met]]] = {
    "nothing": lambda one: (one, Facts()),
    "given back": lambda one: (one, Facts(given_back=True)),
    "deleted": lambda one: (dataclasses.replace(one, deleting=True), Facts(deletion_meant=True)),
    "definition deleted": lambda one: (dataclasses.replace(one, deleting=True), Facts()),
    "disarmed: leave": lambda one: (one, Facts(arming=Arming.LEAVE)),
    "disarmed: give back": lambda one: (one, Facts(arming=Arming.GIVE_BACK)),
    "disarmed, answers yes": lambda one: (
        one,
        Facts(arming=Arming.LEAVE, answers=answers(one, at_minutes=30, truth=Truth.YES)),
    ),
    "disarmed, answers no": lambda one: (
        one,
        Facts(arming=Arming.LEAVE, answers=answers(one, at_minutes=30, truth=Truth.NO)),
    ),
    "disarmed, approved": lambda one: (
        wishing(one, approve=wished(29)),
        Facts(arming=Arming.LEAVE),
    ),
    "answers yes": lambda one: (one, Facts(answers=answers(one, at_minutes=30, truth=Truth.YES))),
    "answers no": lambda one: (one, Facts(answers=answers(one, at_minutes=30, truth=Truth.NO))),
    "answers unknown": lambda one: (
        one,
        Facts(answers=answers(one, at_minutes=30, truth=Truth.UNKNOWN)),
    ),
    "yes of another window": lambda one: (
        one,
        Facts(answers=answers(one, at_minutes=30, truth=Truth.YES, since=told_at(1))),
    ),
    "no of another window": lambda one: (
        one,
        Facts(answers=answers(one, at_minutes=30, truth=Truth.NO, since=told_at(1))),
    ),
    "approved": lambda one: (wishing(one, approve=wished(29)), Facts()),
    "rejected": lambda one: (wishing(one, reject=wished(29)), Facts()),
    "approved and rejected": lambda one: (
        wishing(one, approve=wished(28), reject=wished(29)),
        Facts(),
    ),
    "acknowledged": lambda one: (wishing(one, acknowledge=wished(29)), Facts()),
    "acknowledged long ago": lambda one: (wishing(one, acknowledge=wished(5)), Facts()),
    "released": lambda one: (wishing(one, release=wished(29)), Facts()),
    "extended": lambda one: (wishing(one, extend=wished(29)), Facts()),
    "over budget": lambda one: (one, Facts(over_budget="2 of 2 targets")),
    "held already": lambda one: (one, Facts(holds=True, arming=Arming.LEAVE)),
}

"""Judges each transition of each incident by evidence: what fires, is answered, asked and thrown.

The gates are those of the state machine's own test, which read no status.
"""

import copy
import itertools
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from responder.evidence.questions import NotAskable, Question, read_kept
from responder.evidence.verdict import Truth as Verdict
from responder.incidents.evidence import questions_of
from responder.incidents.incident import Incident
from responder.incidents.status import Phase, Reason, TargetState, Truth
from responder.incidents.stored import read_incident
from responder.incidents.transitions import Arming, read_moment
from responder.sandbox.api.store import Change
from tests.histories.virtual_time import Clocks
from tests.incidents.gates import Gates, Told, World

Json = dict[str, Any]
_CLOCKS_DIFFER_SECONDS: Final = 3.0
_LATE_SECONDS: Final = 75.0
"""So late a responder may hear of a switch, or write what it decided by an answer."""
_WISHES: Final = ("approve", "reject", "acknowledge", "release", "extend")
_TIMES: Final = ("cooling_since", "resumed_at", "step_since", "proposed_since")


@dataclass(slots=True)
class Life:
    """One incident as it is stored, with all that is known about it from elsewhere."""

    incident: Incident
    gates: Gates
    world: World
    first_spec: Json
    noted: dict[str, datetime] = field(default_factory=dict)
    """The times of its gates as they were noted, before `_loosen`."""
    told_before: dict[str, list[tuple[float, Told | None]]] = field(default_factory=dict)


@dataclass(slots=True)
class Referee:
    """Hears of every write to an incident, of every answer, and of the switch."""

    clocks: Clocks
    faults: list[str] = field(default_factory=list)
    lives: dict[str, Life] = field(default_factory=dict)
    reached: Counter[str] = field(default_factory=Counter)
    conditions: Counter[str] = field(default_factory=Counter)
    armings: list[tuple[float, Arming]] = field(default_factory=lambda: [(-1e9, Arming.ARMED)])
    contested: set[tuple[str, str]] = field(default_factory=set)
    """Kind and name of what was reported as contested at some time."""
    answered_at: float = 0.0

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.clocks.server(), UTC)

    # What is heard

    def thrown(self, arming: Arming) -> None:
        self.armings.append((self.clocks.loop.time(), arming))

    def heard(self, question: Question, since: datetime | None, truth: Verdict) -> None:
        for life in self.lives.values():
            if life.incident.closed:
                continue
            for asked in questions_of(life.incident):
                if read_moment(asked.since) == since and _kept(asked.question) == question:
                    self._tell(life, asked.name, since, Truth(str(truth)))

    def _tell(self, life: Life, name: str, since: datetime | None, truth: Truth) -> None:
        of = "step_since" if name == "volume" else "resumed_at"
        own, noted = getattr(life.gates, of), life.noted.get(of)
        about = since
        if own is not None and noted is not None and since is not None:
            near = timedelta(seconds=30) + (noted - own) / 2
            about = own if abs(since - noted) < near else since
        world = life.world
        world.now = self.now()
        before = life.told_before.setdefault(name, [])
        before.append((self.clocks.loop.time(), world.told.get(name)))
        world.tell(name, truth, about)

    def see(self, change: Change, writer: str) -> None:
        """Take a write to an incident."""
        del writer
        if change.key[1] != "incidents" or change.new is None:
            return
        body = change.new
        uid = body["metadata"]["uid"]
        incident = read_incident(body)
        life = self.lives.get(uid)
        if life is None:
            gates = Gates(incident.resume, by_hand=incident.trigger.kind == "manual",
                          acts=incident.acts)  # fmt: skip
            life = self.lives[uid] = Life(incident, gates, World(self.now()), _asked(body))
            self.reached["incidents"] += 1
        before, life.incident = life.incident, incident
        if _asked(body) != life.first_spec:
            self.faults.append(f"{incident.name}: what it was asked for has changed")
            life.first_spec = _asked(body)
        self._note(life, body)
        self._count(before, incident)
        reason = _transition(before, incident)
        if reason is not None:
            self.reached[f"{incident.status.phase} {reason}"] += 1
            self._judge(life, before, incident, reason)

    def _note(self, life: Life, body: Json) -> None:
        world, spec = life.world, body["spec"]
        fired = world.fires_since
        world.fires_since = {}
        for fingerprint, record in (spec.get("alerts") or {}).items():
            told = [
                (status["status"] == "firing", since)
                for status in record["senders"].values()
                if (since := read_moment(status["startsAt"])) is not None
            ]
            if firing := [since for fires, since in told if fires]:
                world.fires_since[fingerprint] = max(firing)
            if told:
                world.began[fingerprint] = max(since for _, since in told)
        if world.fires_since != fired:
            world.heard_at = self.now() - timedelta(seconds=2 * self._slack())  # as `_loosen` does
        for wish in _WISHES:
            at = (spec.get(wish) or {}).get("at")
            known = life.told_before.setdefault(f"wish {wish} {at}", [])
            if at and not known:
                known.append((0.0, None))
                world.wished_at[wish] = self.now()
        world.deletion_meant = "deletionTimestamp" in body["metadata"]

    def _count(self, before: Incident, after: Incident) -> None:
        self.contested |= {
            target.key[::2]
            for target in after.status.targets
            if target.state is TargetState.CONTESTED
        }
        known = {one.type: one.status for one in before.status.conditions}
        for one in after.status.conditions:
            if one.status == "True" and known.get(one.type) != "True":
                self.conditions[one.type] += 1

    # What is judged

    def _judge(self, life: Life, before: Incident, after: Incident, reason: Reason) -> None:
        slack = self._slack()
        world = life.world
        times = (self.now(), self.now() + timedelta(seconds=slack))
        last: AssertionError | None = None
        now, *earlier = self._tellings(life)
        longer = [_longer(told, slack) for told in (now, *earlier)]
        known = itertools.product(self._armings(), (now, *earlier, *longer), times)
        for arming, told, moment in known:
            gates = copy.copy(life.gates)
            world.arming, world.told, world.now = arming, told, moment
            try:
                gates.judge(before, after, reason, world)
            except AssertionError as error:
                last = error
                continue
            finally:
                world.told = now
            if gates.cooling_since is not life.gates.cooling_since:
                world.heard_at = None  # that was before it
            self._loosen(life, gates, slack)
            life.gates = gates
            return
        told_of = f"{after.name}: {before.status.phase or 'New'} -> {after.status.phase} {reason}"
        where = _line_of(last)
        self.faults.append(f"a gate was skipped: {told_of}: {last or ''} {where}")

    def _loosen(self, life: Life, gates: Gates, slack: float) -> None:
        """What was noted just now may have been decided a little earlier."""
        for name in _TIMES:
            if getattr(gates, name) is not getattr(life.gates, name):
                noted = getattr(gates, name)
                if noted is not None:
                    life.noted[name] = noted
                    setattr(gates, name, noted - timedelta(seconds=2 * slack))

    def _slack(self) -> float:
        seconds = _CLOCKS_DIFFER_SECONDS
        since_set = self.clocks.loop.time() - self.clocks.server_set_at
        if since_set < _LATE_SECONDS or self.clocks.server_set_at >= self.answered_at - 1:
            seconds += abs(self.clocks.last_jump_seconds)
        return seconds

    def _armings(self) -> list[Arming]:
        """Give the positions of the switch that the responder may know of, the last one first."""
        since = self.clocks.loop.time() - _LATE_SECONDS
        found = [arming for _, arming in self.armings]
        times = [at for at, _ in self.armings]
        return [
            arming
            for index, arming in reversed(list(enumerate(found)))
            if index + 1 == len(found) or times[index + 1] >= since
        ]

    def _tellings(self, life: Life) -> list[dict[str, Told]]:
        """Give what was known of the answers, now and a moment ago."""
        now = dict(life.world.told)
        since = self.clocks.loop.time() - 20
        earlier = dict(now)
        for name, told in life.told_before.items():
            recent = [before for at, before in told if at >= since and before is not None]
            if recent and name in now:
                earlier[name] = recent[-1]
        return [now, earlier]


def _longer(told: dict[str, Told], seconds: float) -> dict[str, Told]:
    """Give answers as who heard of a new time in between counts them."""
    return {
        name: replace(answer, yes_seconds=answer.yes_seconds + seconds)
        for name, answer in told.items()
    }


def _kept(question: Any) -> Question | None:  # noqa: ANN401 -- as it is kept
    found = read_kept(question)
    return None if isinstance(found, NotAskable) else found


def _asked(body: Json) -> Json:
    spec = body["spec"]
    return {name: spec.get(name) for name in ("plan", "stages", "resume", "mode", "playbook")}


def _transition(before: Incident, after: Incident) -> Reason | None:
    """Give the reason of a transition; None where none was made."""
    known = set(before.status.timeline)
    for entry in after.status.timeline:
        reason = entry.why.partition(":")[0]
        if entry not in known and entry.what in set(Phase) and reason in set(Reason):
            return Reason(reason)
    return None


def _line_of(error: BaseException | None) -> str:
    trace = error.__traceback__ if error is not None else None
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return "" if trace is None else f"({trace.tb_frame.f_code.co_name}:{trace.tb_lineno})"

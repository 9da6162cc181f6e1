"""What must have been so before an incident may go on, told by someone who saw all of it.

It reads no status: times, answers and wishes are noted as they happen, and each transition is
judged by them alone.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from responder.incidents.incident import Incident
from responder.incidents.policy import Resume
from responder.incidents.status import Phase, Reason, Truth
from responder.incidents.transitions import Arming

_MOST_GAP_SECONDS = 120
_CLOCKS_DIFFER_BY = timedelta(minutes=1)
_TOLD_LATE = timedelta(seconds=5)


@dataclass(slots=True)
class Told:
    """The last answer to one question, and for how long it has been yes."""

    truth: Truth
    about: datetime | None
    at: datetime
    yes_seconds: float = 0


@dataclass(slots=True)
class World:
    """What is so right now, beside the incident."""

    now: datetime
    fires_since: dict[str, datetime] = field(default_factory=dict)
    """The start of each occurrence that fires."""
    began: dict[str, datetime] = field(default_factory=dict)
    """The start of the last occurrence of each alert, resolved by now or not."""
    heard_at: datetime | None = None
    """When an alert last began or resolved."""
    wished_at: dict[str, datetime] = field(default_factory=dict)
    """The last wish of each kind."""
    told: dict[str, Told] = field(default_factory=dict)
    """The last answer to each question."""
    history: dict[tuple[str, datetime | None], Told] = field(default_factory=dict)
    """The last answer to each question about each window."""
    arming: Arming = Arming.ARMED
    deletion_meant: bool = False
    over_budget: bool = False
    held: bool = False
    """Something of it is still on some object."""
    times_lost: bool = False
    """Somebody took times out of the stored status."""

    def tell(self, name: str, truth: Truth, about: datetime | None) -> None:
        before = self.history.get((name, about))
        seconds = 0.0
        if before is not None and truth is not Truth.NO:
            seconds = before.yes_seconds
            if before.truth is truth is Truth.YES:
                gap = (self.now - before.at).total_seconds()
                seconds += min(max(0.0, gap), _MOST_GAP_SECONDS)
        self.told[name] = self.history[name, about] = Told(truth, about, self.now, seconds)


@dataclass(slots=True)
class Gates:
    """The configured gates of one incident, and how far it has come."""

    resume: Resume
    by_hand: bool
    acts: bool
    cooling_since: datetime | None = None
    resumed_at: datetime | None = None
    step_since: datetime | None = None
    step: int = 0
    relapses: int = 0
    relapsed_at: datetime | None = None
    proposed_since: datetime | None = None

    def judge(self, before: Incident, after: Incident, reason: Reason, world: World) -> None:
        """Fail where one transition skips a gate; note what it changes."""
        let_go = before.status.letting_go is None and after.status.letting_go is not None
        if let_go:
            self._let_go(before, reason, world)
        elif reason is Reason.STEP_OPENED:
            self._opens_a_step(world)
        elif reason is Reason.RELAPSED:
            self._relapses(after, world)
        elif before.status.letting_go is not None and reason is Reason.ARMED_AGAIN:
            assert world.arming is Arming.ARMED
            assert world.fires_since
        elif reason is Reason.ESCALATED:
            self._escalates(before, after, world)
        elif after.status.phase is Phase.HOLDING and before.status.phase is Phase.PROPOSED:
            self._begins_to_hold(before, reason, world)
        if after.status.phase is Phase.COOLING and reason in (
            Reason.ALERTS_RESOLVED,
            Reason.ACKNOWLEDGED,
        ):
            assert not world.fires_since
            assert not self._needs_person(before)
            self.cooling_since = world.now
        ramps = after.status.phase is Phase.RAMPING
        if reason in (Reason.ARMED_AGAIN, Reason.DISARMED) and not ramps:
            self.step, self.step_since = 0, None
        if after.status.phase is Phase.PROPOSED and reason is Reason.WAITS_FOR_APPROVAL:
            self.proposed_since = world.now

    def _needs_person(self, incident: Incident) -> bool:
        asked = self.resume.manual or bool(self.resume.needs_person) or incident.alerts_omitted > 0
        return self.acts and asked

    def _is_yes(self, name: str, about: datetime | None, world: World) -> bool:
        told = world.told.get(name)
        return told is not None and told.truth is Truth.YES and told.about == about

    def _is_no(self, name: str, about: datetime | None, world: World) -> bool:
        told = world.told.get(name)
        return told is not None and told.truth is Truth.NO and told.about == about

    def _cooled(self, world: World) -> None:
        assert not world.fires_since
        assert self.cooling_since is not None
        seconds = self.resume.after_seconds
        if self.relapses:
            seconds = max(1, seconds) * 2**self.relapses
        assert world.now >= self.cooling_since + timedelta(seconds=seconds), "too early"
        heard, since = world.heard_at, self.cooling_since + _TOLD_LATE
        assert heard is None or not since < heard <= world.now, "an alert fired meanwhile"
        if self.acts and (self.resume.acknowledged or self.relapses >= 2):
            acknowledged = world.wished_at.get("acknowledge")
            assert acknowledged is not None, "nobody acknowledged"
            assert self.relapsed_at is None or acknowledged > self.relapsed_at

    def _step_is_over(self, world: World) -> None:
        step = self.resume.steps[self.step - 1]
        assert self.step_since is not None
        assert world.now >= self.step_since + timedelta(seconds=step.for_seconds)
        assert self._is_yes("volume", self.step_since, world), "too little was sent"
        if self.resume.check is not None:
            assert self._is_yes("check", self.resumed_at, world), "unchecked"

    def _let_go(self, before: Incident, reason: Reason, world: World) -> None:
        proposed = before.status.phase is Phase.PROPOSED
        match reason:
            case Reason.RELEASED_BY_HAND:
                assert "release" in world.wished_at
            case Reason.REJECTED:
                assert proposed
                assert "reject" in world.wished_at
            case Reason.DELETED:
                assert world.deletion_meant
            case Reason.DISARMED:
                assert world.arming is Arming.GIVE_BACK
            case Reason.ALERTS_RESOLVED:
                assert proposed
                assert not world.fires_since
            case Reason.EXPIRED:
                assert proposed
                assert "approve" not in world.wished_at
            case Reason.COOL_DOWN_OVER:
                assert not self.acts or (world.arming is Arming.ARMED and not self.resume.steps)
                self._cooled(world)
                if self.acts and self.resume.check is not None:
                    assert self._is_yes("check", self.resumed_at, world)
            case Reason.RAMP_OVER:
                assert world.arming is Arming.ARMED
                assert self.step == len(self.resume.steps)
                self._step_is_over(world)
            case _:
                raise AssertionError(reason)

    def _opens_a_step(self, world: World) -> None:
        assert world.arming is Arming.ARMED
        assert self.acts
        if self.step:
            self._step_is_over(world)
        else:
            self._cooled(world)
            self.resumed_at = world.now
        self.step += 1
        self.step_since = world.now

    def _relapses(self, after: Incident, world: World) -> None:
        assert world.arming is Arming.ARMED
        assert after.status.phase is Phase.HOLDING
        assert self.resumed_at is not None
        anew = self.began_since_it_resumed(world)
        set_back = self.resumed_at > world.now + _CLOCKS_DIFFER_BY
        failed = self._is_no("check", self.resumed_at, world)
        assert anew or failed or set_back or world.times_lost, "what simply still fires is none"
        acknowledged = world.wished_at.get("acknowledge", world.now)
        self.step, self.step_since = 0, None
        self.relapses += 1
        self.relapsed_at = max(world.now, acknowledged)

    def began_since_it_resumed(self, world: World) -> bool:
        """Tell whether an alert has fired since, whoever was there to see it."""
        resumed_at = self.resumed_at
        return resumed_at is not None and any(each > resumed_at for each in world.began.values())

    def _escalates(self, before: Incident, after: Incident, world: World) -> None:
        assert world.arming is Arming.ARMED
        (reached,) = set(after.status.stages) - set(before.status.stages)
        name = f"stage-{reached + 1}"
        assert self._is_yes(name, self.resumed_at, world), "no evidence"
        # A resume whose time somebody took out is none: what was asked before it counts again.
        for_seconds = before.stages[reached].for_seconds
        assert world.times_lost or world.told[name].yes_seconds >= for_seconds

    def _begins_to_hold(self, before: Incident, reason: Reason, world: World) -> None:
        assert world.arming is Arming.ARMED, "nothing new while disarmed"
        assert "reject" not in world.wished_at
        approval = before.approval
        if "approve" in world.wished_at:
            assert reason is Reason.APPROVED
        elif reason is Reason.NOBODY_DECIDED:
            assert approval is not None
            assert approval.otherwise == "act"
            assert self.proposed_since is not None
            due = self.proposed_since + timedelta(seconds=approval.within_seconds)
            assert world.now >= due
            assert not world.over_budget
        else:
            assert reason in (Reason.ARMED_AGAIN, Reason.FIRING_AGAIN)
            assert approval is None or before.has_held, "whoever nobody asked for then"
            assert not world.over_budget

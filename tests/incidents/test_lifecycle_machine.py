"""Any life of an incident: never closed before all is given back, never without a reason."""

import dataclasses
from datetime import timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from responder.incidents.incident import Incident
from responder.incidents.lifecycle import advance, asks_of
from responder.incidents.policy import Resume
from responder.incidents.requests import Wishes
from responder.incidents.status import MOST_TIMELINE, Phase, Reason
from responder.incidents.stored import body_of
from responder.incidents.transitions import Facts, read_moment
from tests.incidents.given import NOW, alerts, incident, released
from tests.incidents.resource_schema import fault, without_nulls

RESUMES = st.sampled_from(
    [
        Resume(after_seconds=0),
        Resume(after_seconds=600),
        Resume(manual=True),
        Resume(after_seconds=600, needs_person=("the cause must be acknowledged",)),
    ]
)


class Life(RuleBasedStateMachine):
    """One incident; `held` is whether anything of it is still on some object."""

    @initialize(
        kind=st.sampled_from(["alertmanager", "manual"]),
        mode=st.sampled_from(["auto", "observe"]),
        resume=RESUMES,
    )
    def open(self, kind: str, mode: str, resume: Resume) -> None:
        self.now = NOW
        self.incident: Incident = incident(phase=Phase.NEW, kind=kind, mode=mode, resume=resume)
        self.held = mode == "auto"
        self.deletion_meant = False

    @rule(minutes=st.integers(0, 15))
    def time_passes(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    @precondition(lambda self: not self.incident.closed and self.incident.trigger.kind != "manual")
    @rule(fire=st.integers(0, 3))
    def alerts_change(self, fire: int) -> None:
        self.incident = dataclasses.replace(
            self.incident, alerts=alerts(fire=fire, resolve=3 - fire)
        )

    @rule()
    def a_person_releases(self) -> None:
        self.incident = dataclasses.replace(self.incident, wishes=Wishes(release=released()))

    @rule(meant=st.booleans())
    def it_is_deleted(self, *, meant: bool) -> None:
        self.incident = dataclasses.replace(self.incident, deleting=True)
        self.deletion_meant = meant

    @precondition(lambda self: not asks_of(self.incident))
    @rule()
    def everything_is_given_back(self) -> None:
        self.held = False

    @precondition(lambda self: bool(asks_of(self.incident)))
    @rule()
    def it_is_held(self) -> None:
        self.held = True

    @rule()
    def the_leader_looks(self) -> None:
        before = self.incident.status
        letting_go = before.letting_go is not None
        facts = Facts(
            given_back=letting_go and not self.held,
            deletion_meant=self.deletion_meant and self.incident.deleting,
        )
        transition = advance(self.incident, facts, now=self.now)
        if transition is None:
            return
        after = transition.status
        assert after.reason == str(transition.reason)
        assert after.timeline != before.timeline
        if after.phase is Phase.CLOSED:
            assert letting_go
            assert not self.held
        if letting_go and after.letting_go is None:
            assert before.letting_go is not None
            assert before.letting_go.reason == str(Reason.COOL_DOWN_OVER)
            assert self.incident.firing
        if after.letting_go is not None and not letting_go:
            self.may_let_go(transition.reason)
        self.incident = dataclasses.replace(self.incident, status=after)

    def may_let_go(self, reason: Reason) -> None:
        """Nobody wished it: then nothing fires, nobody is needed, and the cool-down is over."""
        if reason is Reason.COOL_DOWN_OVER:
            assert not self.incident.firing
            assert self.incident.trigger.kind != "manual"
            due = read_moment(self.incident.status.cooling_until)
            assert due is not None
            assert due <= self.now
            if self.incident.acts:
                assert not self.incident.resume.manual
                assert not self.incident.resume.needs_person
        else:
            assert self.incident.release is not None or self.deletion_meant

    @invariant()
    def what_fires_is_asked_for(self) -> None:
        if not hasattr(self, "incident") or not self.incident.acts or self.incident.closed:
            return
        if self.incident.release is None and not self.incident.deleting:
            decided = self.incident.status.letting_go
            assert asks_of(self.incident) or (
                decided is not None and decided.reason == str(Reason.COOL_DOWN_OVER)
            )

    @invariant()
    def it_is_bounded_and_settles(self) -> None:
        if not hasattr(self, "incident"):
            return
        found = self.incident
        assert len(found.status.timeline) <= MOST_TIMELINE
        status = without_nulls(found.status.to_json())
        assert fault({**body_of(found), "status": status}) == ""
        # With no news it comes to rest: no transition leads round in a circle.
        for _ in range(6):
            transition = advance(found, Facts(), now=self.now)
            if transition is None:
                return
            found = dataclasses.replace(found, status=transition.status)
        raise AssertionError(found.status.timeline[-3:])


Life.TestCase.settings = settings(max_examples=80, stateful_step_count=30)
TestLife = Life.TestCase

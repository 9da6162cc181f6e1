"""Any life of an incident: no gate is skipped, nothing is unexplained, and it comes to an end."""

import dataclasses
from datetime import datetime, timedelta

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from responder.incidents.evidence import answer_to, answers_for, followed, questions_of
from responder.incidents.incident import AlertRecord, Incident, Statement
from responder.incidents.lifecycle import advance, asks_of, due_at, may_yet_hold, share_of
from responder.incidents.policy import Approval, Resume, Step
from responder.incidents.requests import Request, Wish
from responder.incidents.status import MOST_TIMELINE, Answer, Phase, Reason, Truth
from responder.incidents.stored import body_of, read_incident
from responder.incidents.transitions import Arming, Facts, moment
from tests.incidents.gates import Gates, World
from tests.incidents.given import AM, CHECKED, NOW, STAGE, fingerprint, incident, wishing
from tests.incidents.resource_schema import fault, without_nulls

SHORT = dataclasses.replace(CHECKED, after_seconds=120, steps=(Step(0.1, 60, 10), Step(0.5, 60, 9)))
RESUMES = st.sampled_from(
    [
        Resume(after_seconds=0),
        Resume(after_seconds=600),
        Resume(after_seconds=600, acknowledged=True),
        Resume(after_seconds=600, check=CHECKED.check),
        Resume(manual=True),
        Resume(after_seconds=600, needs_person=("the cause must be acknowledged",)),
        *[SHORT] * 6,
        dataclasses.replace(SHORT, check=None),
        dataclasses.replace(SHORT, acknowledged=True, after_seconds=0),
    ]
)
APPROVALS = st.sampled_from(
    [None] * 6 + [Approval("why"), Approval("why", 600), Approval("why", 600, "act")]
)
FINGERPRINTS = st.sampled_from([fingerprint(1), fingerprint(2)])
TRUTHS = st.sampled_from([Truth.YES, Truth.YES, Truth.NO, Truth.UNKNOWN])
MOST_TRANSITIONS = 6


class Life(RuleBasedStateMachine):
    """One incident, its leader, and everybody who has a say in it."""

    @initialize(
        kind=st.sampled_from(["alertmanager", "alertmanager", "manual"]),
        mode=st.sampled_from(["auto"] * 9 + ["observe"]),
        resume=RESUMES,
        approval=APPROVALS,
        arming=st.sampled_from([Arming.ARMED] * 5 + [Arming.LEAVE]),
    )
    def open(
        self, kind: str, mode: str, resume: Resume, approval: Approval | None, arming: Arming
    ) -> None:
        acts = mode != "observe"
        self.incident: Incident = incident(
            phase=Phase.NEW,
            kind=kind,
            mode=mode,
            resume=resume,
            approval=approval if acts else None,
            stages=(dataclasses.replace(STAGE, for_seconds=60), STAGE),
        )
        fires = {} if kind == "manual" else {fingerprint(1): NOW}
        heard = NOW if fires else None
        self.world = World(NOW, fires_since=fires, began=dict(fires), heard_at=heard, arming=arming)
        self.gates = Gates(resume, by_hand=kind == "manual", acts=acts)
        self.answers: dict[str, Answer] = {}
        self.away = False
        self.is_held()

    def is_held(self) -> None:
        """What is asked for is on the objects."""
        new = self.incident.status.phase is Phase.NEW and self.world.arming is not Arming.ARMED
        if asks_of(self.incident) and not new:
            self.world.held = True

    # Time

    @rule(seconds=st.sampled_from([1, 60, 130, 600, 3600, 86_400]))
    def time_passes(self, seconds: int) -> None:
        self.world.now += timedelta(seconds=seconds)

    @rule()
    def it_is_looked_at_when_it_wants_to_be(self) -> None:
        due = due_at(self.incident, now=self.world.now)
        if due is not None:
            self.world.now = due

    @rule(seconds=st.sampled_from([1, 30, 4000, 400_000]))
    def the_clock_is_set_back(self, seconds: int) -> None:
        self.world.now -= timedelta(seconds=seconds)

    # Alerts

    @property
    def takes_alerts(self) -> bool:
        found = self.incident
        return found.trigger.kind != "manual" and not found.closed and not found.released_at

    @precondition(lambda self: self.takes_alerts)
    @rule(which=FINGERPRINTS, resumes_an_old_one=st.booleans())
    def an_alert_fires(self, which: str, *, resumes_an_old_one: bool) -> None:
        """Anew, or as Alertmanager tells it at times: once more with the start it had."""
        known = self.incident.alerts.get(which)
        since = self.world.now
        if resumes_an_old_one and known is not None:
            since = datetime.fromisoformat(known.starts_at)
        if which not in self.world.fires_since:
            self.world.fires_since[which] = since
            self.record(which, "firing", since)

    @precondition(lambda self: self.takes_alerts and self.world.fires_since)
    @rule(which=FINGERPRINTS)
    def an_alert_resolves(self, which: str) -> None:
        since = self.world.fires_since.pop(which, None)
        if since is not None:
            self.record(which, "resolved", since)

    def record(self, which: str, status: str, since: datetime) -> None:
        self.world.began[which], self.world.heard_at = since, self.world.now
        told = Statement(
            "firing" if status == "firing" else "resolved", moment(since), moment(self.world.now)
        )
        alerts = {**self.incident.alerts, which: AlertRecord(senders={AM: told})}
        self.incident = dataclasses.replace(self.incident, alerts=alerts)

    @precondition(lambda self: self.takes_alerts and len(self.world.fires_since) == 2)
    @rule()
    def one_more_finds_no_room(self) -> None:
        self.incident = dataclasses.replace(self.incident, alerts_omitted=1)

    # People

    @rule(wish=st.sampled_from([Wish.ACKNOWLEDGE, Wish.APPROVE, Wish.EXTEND]))
    def a_person_looks_after_it(self, wish: Wish) -> None:
        self.a_person_wishes(wish)

    @rule(wish=st.sampled_from([Wish.RELEASE, Wish.REJECT]), sure=st.integers(0, 4))
    def a_person_wants_none_of_it(self, wish: Wish, sure: int) -> None:
        if not sure:
            self.a_person_wishes(wish)

    def a_person_wishes(self, wish: Wish) -> None:
        """With the API server's leave, and no door that says what makes sense now."""
        known = self.incident.wishes.of(wish)
        if known is not None and wish not in (Wish.ACKNOWLEDGE, Wish.EXTEND):
            return
        request = Request(at=moment(self.world.now), by="ada", reason="why")
        self.incident = wishing(self.incident, **{str(wish): request})
        self.world.wished_at[str(wish)] = self.world.now

    @rule(arming=st.sampled_from([*Arming] + [Arming.ARMED] * 4 + [Arming.LEAVE] * 2))
    def somebody_throws_the_switch(self, arming: Arming) -> None:
        self.world.arming = arming

    @precondition(lambda self: not self.incident.deleting)
    @rule(meant=st.booleans(), sure=st.integers(0, 3))
    def it_is_deleted(self, *, meant: bool, sure: int) -> None:
        if not sure:
            self.incident = dataclasses.replace(self.incident, deleting=True)
            self.world.deletion_meant = meant

    @rule(full=st.booleans())
    def others_use_the_budget(self, *, full: bool) -> None:
        self.world.over_budget = full

    @rule(lost=st.sampled_from(["step_since", "resumed_at", "relapsed_at", "cooling_until"]))
    def a_time_is_taken_out_of_the_status(self, lost: str) -> None:
        status = self.incident.status
        if lost == "cooling_until":
            status = dataclasses.replace(status, cooling_until="")
        elif getattr(status.ramp, lost):
            self.world.times_lost = True
            ramp = dataclasses.replace(status.ramp)
            object.__setattr__(ramp, lost, "")
            status = dataclasses.replace(status, ramp=ramp)
        self.incident = dataclasses.replace(self.incident, status=status)

    # Prometheus

    @rule(truth=TRUTHS, other_window=st.integers(0, 4))
    def prometheus_answers(self, truth: Truth, other_window: int) -> None:
        """All that is asked now; at times it was asked about something else."""
        wanted = () if self.away else questions_of(self.incident)
        names = {asked.name for asked in wanted}
        self.answers = {name: told for name, told in self.answers.items() if name in names}
        for asked in wanted:
            since = asked.since if other_window else moment(NOW - timedelta(hours=1))
            found = Answer(asked.name, truth, moment(self.world.now), since=since)
            stored = {each.question: each for each in self.incident.status.answers}
            before = self.answers.get(asked.name) or answer_to(asked, stored)
            self.answers[asked.name] = followed(before, found)
            own = self.gates.step_since if asked.name == "volume" else self.gates.resumed_at
            self.world.tell(asked.name, truth, own if other_window else NOW - timedelta(hours=1))

    @rule(truth=TRUTHS, minutes=st.integers(1, 6))
    def prometheus_answers_for_minutes(self, truth: Truth, minutes: int) -> None:
        for _ in range(minutes):
            self.prometheus_answers(truth, 1)
            self.world.now += timedelta(seconds=60)
        self.prometheus_answers(truth, 1)

    @rule()
    def all_goes_well(self) -> None:
        """Or nothing would come as far as its last step by chance."""
        for which in list(self.world.fires_since):
            if self.takes_alerts:
                self.an_alert_resolves(which)
        if not self.away:
            self.the_leader_looks()
        self.a_person_wishes(Wish.ACKNOWLEDGE)
        self.it_is_looked_at_when_it_wants_to_be()
        if not self.away:
            self.the_leader_looks()
        self.prometheus_answers_for_minutes(Truth.YES, 1)

    # The responder

    @rule()
    def everything_is_given_back(self) -> None:
        if not asks_of(self.incident):
            self.world.held = False

    @rule()
    def the_leader_restarts(self) -> None:
        """All that it knows is what is stored."""
        self.answers = {}
        self.incident = self.stored()

    def stored(self) -> Incident:
        found = self.incident
        body = body_of(found)
        body["metadata"] |= {
            "uid": found.uid,
            "resourceVersion": found.resource_version,
            "creationTimestamp": found.created_at,
            **({"deletionTimestamp": found.created_at} if found.deleting else {}),
        }
        body["status"] = without_nulls(found.status.to_json())
        assert fault(body) == ""
        read = read_incident(body)
        assert dataclasses.replace(read, identity=found.identity, approval=found.approval) == found
        return dataclasses.replace(read, identity=found.identity, approval=found.approval)

    def facts(self) -> Facts:
        status = self.incident.status
        proposed = status.phase is Phase.PROPOSED
        return Facts(
            given_back=status.letting_go is not None and not self.world.held,
            deletion_meant=self.world.deletion_meant and may_yet_hold(self.incident),
            answers=self.answers,
            arming=self.world.arming,
            holds=self.world.held,
            over_budget="full" if proposed and self.world.over_budget else "",
        )

    @rule(away=st.booleans(), sure=st.integers(0, 2))
    def the_leader_goes_or_comes(self, *, away: bool, sure: int) -> None:
        self.away = away and not sure

    @invariant()
    def the_leader_sees_what_happens(self) -> None:
        if hasattr(self, "incident") and not self.away:
            self.the_leader_looks()

    def the_leader_looks(self) -> None:
        """As often as there is something to do, as the incident loop does."""
        for _ in range(MOST_TRANSITIONS):
            if not self.looks_once():
                self.no_relapse_is_missed()
                return
        raise AssertionError(self.incident.status.timeline[-MOST_TRANSITIONS:])

    def no_relapse_is_missed(self) -> None:
        found, world = self.incident.status, self.world
        ramps = found.phase is Phase.RAMPING and found.letting_go is None
        if ramps and world.arming is Arming.ARMED:
            assert not self.gates.began_since_it_resumed(world)

    def looks_once(self) -> bool:
        before = self.incident
        transition = advance(before, self.facts(), now=self.world.now)
        status = before.status if transition is None else transition.status
        told = answers_for(dataclasses.replace(before, status=status), self.answers)
        status = dataclasses.replace(status, answers=told)
        self.incident = dataclasses.replace(before, status=status)
        if transition is not None:
            self.judge(before, self.incident, transition.reason)
        self.is_held()
        return transition is not None

    def judge(self, before: Incident, after: Incident, reason: Reason) -> None:
        assert after.status.reason == str(reason)
        assert after.status.message
        assert after.status.timeline[-1].why == f"{reason}: {after.status.message}"
        assert after.status.timeline != before.status.timeline
        if after.closed:
            assert before.status.letting_go is not None
            assert not self.world.held
        self.gates.judge(before, after, reason, self.world)
        asked, asks = asks_of(before), asks_of(after)
        new = before.status.phase is Phase.NEW
        if self.world.arming is not Arming.ARMED and not new:
            assert all(ask in asked for ask in asks), "nothing is held anew while disarmed"
            assert share_of(after) in (share_of(before), None) or not asks
        if asked and not asks and not new:
            assert after.status.letting_go is not None, "what is held is let go by a decision"
        was, share = share_of(before), share_of(after)
        if was is not None and asks:
            back = reason in (Reason.RELAPSED, Reason.ARMED_AGAIN)
            assert (share is None) == (back and after.status.phase is Phase.HOLDING)
            assert share is None or share >= was

    @invariant()
    def it_fits_the_resource(self) -> None:
        if hasattr(self, "incident"):
            assert len(self.incident.status.timeline) <= MOST_TIMELINE
            self.stored()

    def teardown(self) -> None:
        """With everybody's help it comes to an end, whatever it went through."""
        if not hasattr(self, "incident"):
            return
        self.world.arming, self.world.over_budget, self.away = Arming.ARMED, False, False
        for which in list(self.world.fires_since):
            if self.takes_alerts:
                self.an_alert_resolves(which)
        for _ in range(30):
            if self.incident.closed:
                return
            self.world.now += timedelta(days=30)
            self.everything_is_given_back()
            self.a_person_wishes(Wish.APPROVE)
            self.a_person_wishes(Wish.ACKNOWLEDGE)
            self.prometheus_answers(Truth.YES, 1)
            self.the_leader_looks()
        found = self.incident
        by_hand = found.resume.manual or found.resume.needs_person or found.alerts_omitted
        observed = not found.acts and found.trigger.kind == "manual"
        forgotten = found.status.ramp.relapses and self.world.times_lost
        assert by_hand or observed or forgotten, found.status.timeline[-3:]
        self.a_person_wishes(Wish.RELEASE)
        self.the_leader_looks()
        self.everything_is_given_back()
        self.the_leader_looks()
        assert self.incident.closed


TestLife = Life.TestCase
TestLife.settings = settings(
    max_examples=150,
    stateful_step_count=50,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)

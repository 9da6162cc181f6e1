"""Whatever the order, the repetitions and the senders: what fires is held, and what is held fires.

Each sender tells the truth about each alert in order, as Alertmanager does, and may repeat its
last word any number of times, together with anything else in one notification.
"""

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from responder.alerts.notification import Alert
from responder.incidents.absorption import Absorbed, absorb
from responder.incidents.incident import Incident
from responder.incidents.status import Reason
from tests.incidents.given import (
    closed,
    fingerprint,
    fingerprints,
    fires,
    firing,
    resolved,
    told_at,
    written,
)

ALERTS = st.sampled_from((1, 2, 3, 4))


class Deliveries(RuleBasedStateMachine):
    """Alerts as their senders have them, and the newest incident."""

    def __init__(self) -> None:
        super().__init__()
        self.newest: Incident | None = None
        self.said: dict[tuple[str, int], Alert] = {}
        self.minutes = 0.0

    def says_firing(self) -> set[str]:
        return {
            fingerprint(number)
            for (_, number), said in self.said.items()
            if said.status == "firing"
        }

    def turn(self, sender: str, number: int, *, same_start: bool) -> None:
        """What fires resolves; what doesn't begins to fire, perhaps with the startsAt it had."""
        self.minutes += 1
        said = self.said.get((sender, number))
        if said is not None and said.status == "firing":
            self.said[sender, number] = resolved(number, starts_at=said.starts_at)
            return
        start = said.starts_at if said is not None and same_start else told_at(self.minutes)
        self.said[sender, number] = firing(number, starts_at=start)

    def deliver(self, sender: str, numbers: list[int]) -> None:
        given = [self.said[sender, number] for number in numbers if (sender, number) in self.said]
        decided = absorb(self.newest, given, sender=sender, now=told_at(self.minutes))
        self.newest = written(self.newest, decided)
        again = absorb(self.newest, given, sender=sender, now=told_at(self.minutes))
        assert again.what in (Absorbed.KNOWN, Absorbed.STAYS_CLOSED)  # the same is no second write

    def end(self, reason: Reason) -> None:
        assert self.newest is not None
        self.minutes += 1
        self.newest = closed(
            reason=reason,
            at_minutes=self.minutes,
            alerts=self.newest.alerts,
            name=self.newest.name,
        )


class SeveralSenders(Deliveries):
    """Nobody releases anything: an alert fires in the incident as long as one sender says so."""

    senders = st.sampled_from(("http://am-0", "http://am-1", "http://am-2"))

    @rule(
        sender=senders, number=ALERTS, same_start=st.booleans(), others=st.lists(ALERTS, max_size=3)
    )
    def tell(self, sender: str, number: int, others: list[int], *, same_start: bool) -> None:
        self.turn(sender, number, same_start=same_start)
        self.deliver(sender, [number, *others])

    @rule(sender=senders, numbers=st.lists(ALERTS, min_size=1, max_size=3))
    def repeat(self, sender: str, numbers: list[int]) -> None:
        self.minutes += 1
        self.deliver(sender, numbers)

    @precondition(lambda self: self.newest and not self.newest.closed and not self.newest.firing)
    @rule()
    def cool_down(self) -> None:
        self.end(Reason.COOL_DOWN_OVER)

    @invariant()
    def fires_exactly_what_somebody_says(self) -> None:
        if self.newest is not None and not self.newest.closed:
            assert fires(self.newest) == self.says_firing()
        else:
            assert not self.says_firing()


class ReleasedByHand(Deliveries):
    """Released while it fires, an occurrence stays released; whatever else fires is held."""

    def __init__(self) -> None:
        super().__init__()
        self.forgiven: set[str] = set()

    @rule(number=ALERTS, same_start=st.booleans(), others=st.lists(ALERTS, max_size=3))
    def tell(self, number: int, others: list[int], *, same_start: bool) -> None:
        # An alert that the newest incident never saw is only told from what a person released by
        # its startsAt.
        inside = self.newest is not None and fingerprint(number) in self.newest.alerts
        self.turn("am", number, same_start=same_start and inside)
        self.deliver("am", [number, *others])
        if self.said["am", number].status == "resolved":
            self.forgiven.discard(fingerprint(number))

    @rule(numbers=st.lists(ALERTS, min_size=1, max_size=3))
    def repeat(self, numbers: list[int]) -> None:
        self.minutes += 1
        before = self.newest
        self.deliver("am", numbers)
        if before is not None and before.closed and fingerprints(numbers) <= before.alerts.keys():
            assert self.newest is before  # repeating opens nothing

    @precondition(lambda self: self.newest and not self.newest.closed)
    @rule()
    def release(self) -> None:
        self.end(Reason.RELEASED_BY_HAND)
        self.forgiven = self.says_firing()

    @invariant()
    def whatever_fires_is_held_or_was_released(self) -> None:
        held = set() if self.newest is None or self.newest.closed else fires(self.newest)
        assert held <= self.says_firing() <= held | self.forgiven


SeveralSenders.TestCase.settings = settings(
    max_examples=60, stateful_step_count=30, suppress_health_check=[HealthCheck.too_slow]
)
ReleasedByHand.TestCase.settings = settings(
    max_examples=60, stateful_step_count=30, suppress_health_check=[HealthCheck.too_slow]
)
TestSeveralSenders = SeveralSenders.TestCase
TestReleasedByHand = ReleasedByHand.TestCase

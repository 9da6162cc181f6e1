"""After an outage the server's refusals count for less, for a while."""

from responder.cluster.outages import PASSING_SECONDS, Outages
from tests.cluster.clocks import Clock


def test_recent_until_the_time_has_passed_since_the_last_sign() -> None:
    clock = Clock()
    outages = Outages(monotonic=clock)
    seen = [outages.recently]
    outages.noticed()
    clock.advance(PASSING_SECONDS - 1)
    outages.noticed()
    for seconds in (PASSING_SECONDS - 1, 1):
        clock.advance(seconds)
        seen.append(outages.recently)
    assert seen == [False, True, False]

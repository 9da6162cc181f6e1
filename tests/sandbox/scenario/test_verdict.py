"""What was expected is judged by what was stored, at the time when it was."""

from collections.abc import Sequence
from typing import Any

import pytest

from responder.holds.sending import SendingLimit
from responder.sandbox.chronicle import Chronicle, Moment
from responder.sandbox.scenario.loading import read_scenario
from responder.sandbox.scenario.verdict import Verdict, at_words, verdicts
from responder.sandbox.speed import Speed

PAUSED = SendingLimit(share=0.0)
HALVED = SendingLimit(share=0.5)
AT_GMAIL = SendingLimit(providers=(("gmail", 0.5),))
WITHOUT_OLD = SendingLimit(suppress=("old",))
HEAD = """
spec:
  campaigns:
    - {name: spring, perMinute: 60, pool: p1, segments: {old: 50%, new: 50%}}
    - {name: news, perMinute: 60}
  expect: [EXPECTATION]
"""


def moment(at: float, held: dict[str, SendingLimit] | None = None, **told: Any) -> Moment:  # noqa: ANN401
    return Moment(
        at,
        held or {},
        replicas=told.get("replicas", {"email-sender": 4}),
        traces=told.get("traces", bool(held)),
    )


def judged(expectation: str, moments: Sequence[Moment], incidents: int = 1) -> Verdict:
    """At sixty times the speed: ten seconds by the clock are ten minutes of the story."""
    scenario = read_scenario(HEAD.replace("EXPECTATION", expectation), file="s.yaml")
    chronicle = Chronicle(began=0.0, moments=list(moments))
    chronicle.incidents = {str(number): {} for number in range(incidents)}
    (verdict,) = verdicts(scenario, chronicle, speed=Speed(60))
    return verdict


RUN = [
    moment(0),
    moment(5, {"campaign/spring": HALVED}),
    moment(10, {"campaign/spring": PAUSED}, replicas={"email-sender": 2}),
    moment(20, {"campaign/spring": PAUSED, "pool/p1": AT_GMAIL, "campaign/news": WITHOUT_OLD}),
    moment(30),
]

KEPT = {
    "paused": "{by: 10m, held: {campaign: spring}}",
    "throttled": "{by: 6m, held: {campaign: spring, to: 50%}}",
    "at-some-time": "{held: {campaign: spring}}",
    "a-provider-of-a-pool": "{by: 20m, held: {pool: p1, provider: gmail, to: 50%}}",
    "a-segment-skipped": "{by: 20m, held: {segment: old}}",
    "replicas": "{by: 10m, replicas: {workload: email-sender, to: 2}}",
    "given-back": "{by: 30m, givenBack: everything}",
    "given-back-in-the-end": "{givenBack: everything}",
    "incidents": "{incidents: 1}",
}
BROKEN = {
    "paused-too-late": ("{by: 9m, held: {campaign: spring}}", "it was throttled to 50%"),
    "not-held": ("{held: {provider: gmail}}", "it was not held"),
    "a-pool-at-another-provider": (
        "{held: {pool: p1, provider: yahoo, to: 50%}}",
        "gmail throttled to 50%",
    ),
    "not-strict-enough": ("{held: {pool: p1, provider: gmail}}", "gmail throttled to 50%"),
    "held-after-all": ("{neverHeld: spring}", "throttled to 50% at 5m00s"),
    "replicas": ("{replicas: {workload: email-sender, to: 0}}", "it had 4, 2"),
    "not-yet-given-back": ("{by: 25m, givenBack: everything}", "still held: campaign/spring"),
    "nothing-to-give-back": ("{by: 1m, givenBack: everything}", "nothing was held"),
    "incidents": ("{incidents: 2}", "1 opened"),
}


@pytest.mark.parametrize("expectation", KEPT.values(), ids=KEPT.keys())
def test_what_came_about_is_kept(expectation: str) -> None:
    assert judged(expectation, RUN).kept


@pytest.mark.parametrize(("expectation", "found"), BROKEN.values(), ids=BROKEN.keys())
def test_what_did_not_come_about_is_told_with_what_did(expectation: str, found: str) -> None:
    verdict = judged(expectation, RUN)
    assert not verdict.kept
    assert found in verdict.found


def test_a_campaign_that_is_left_alone_is_never_held() -> None:
    assert judged("{neverHeld: news}", RUN[:3]).kept


@pytest.mark.parametrize(
    ("seconds", "told"), [(0, "0m00s"), (750, "12m30s"), (3_725, "1h02m05s"), (59.6, "1m00s")]
)
def test_times_of_the_story_are_told_in_words(seconds: float, told: str) -> None:
    assert at_words(seconds) == told

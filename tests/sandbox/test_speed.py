"""At any speed a playbook means the same, only sooner."""

from pathlib import Path

import pytest

from responder.playbooks.loading import load_directory, read_playbooks
from responder.playbooks.quantities import Duration
from responder.sandbox.speed import Speed, write_playbook

RULES = Path(__file__).parents[2] / "rules" / "playbooks"


@pytest.mark.parametrize(
    ("given", "factor", "told"),
    [("30m", 60, "30s"), ("30m", 1, "1800s"), ("5s", 60, "1s"), ("0s", 60, "0s"), ("7s", 2, "4s")],
)
def test_a_duration_is_shortened_to_whole_seconds_and_never_to_none(
    given: str, factor: float, told: str
) -> None:
    assert Speed(factor).shortened(Duration.parse(given)).text == told


def test_times_of_the_story_and_of_the_clock_are_each_others_inverse() -> None:
    speed = Speed(60)
    assert speed.real_seconds(1800) == 30
    assert speed.told_seconds(30) == 1800


def test_what_is_shipped_reads_the_same_but_for_its_durations(tmp_path: Path) -> None:
    given = load_directory(RULES).playbooks
    for playbook in given:
        write_playbook(playbook, tmp_path, speed=Speed(60))
    found = {playbook.name: playbook for playbook in load_directory(tmp_path).playbooks}
    assert len(given) == len(found) > 5
    for playbook in given:
        other = found[playbook.name]
        assert other.spec.holds == playbook.spec.holds
        assert other.matchers == playbook.matchers
        assert other.identity_labels == playbook.identity_labels
        policy = playbook.resume_policy
        assert other.resume_policy.manual == policy.manual
        assert other.resume_policy.after_seconds == policy.after_seconds / 60


FULL = """
metadata: {name: full}
spec:
  mode: observe
  matchers: ['alertname="A"']
  holds: [{throttle: {campaign: "{{ labels.campaign }}", to: 50%}}]
  escalate:
    - when: {metric: bounce-rate, min: 10%, for: 20m}
      holds: [{pause: {campaign: "{{ labels.campaign }}"}}]
  resume:
    start: {after: 2h, acknowledged: true}
    steps: [10%, {share: 50%, for: 30m, sends: 500}]
    check: {query: "increase(x[{{ window }}])", window: 1h, max: 5}
  reviewAfter: 24h
"""


def test_every_duration_of_a_playbook_is_shortened_and_nothing_else(tmp_path: Path) -> None:
    (given,) = read_playbooks(FULL, file="full.yaml").playbooks
    write_playbook(given, tmp_path, speed=Speed(60))
    (found,) = load_directory(tmp_path).playbooks
    seconds = {"2h": 120, "20m": 20, "30m": 30, "24h": 1440}
    assert found.spec.escalate[0].when.for_.seconds == seconds["20m"]
    assert found.spec.review_after is not None
    assert found.spec.review_after.seconds == seconds["24h"]
    assert found.resume_policy.after_seconds == seconds["2h"]
    assert found.resume_policy.acknowledged
    first, second = found.resume_policy.steps
    assert (first.share.ratio, second.share.ratio, second.sends) == (0.1, 0.5, 500)
    # The first one's fifteen minutes are there by default.
    assert (first.for_.seconds, second.for_.seconds) == (15, seconds["30m"])
    check, shortened = given.resume_policy.check, found.resume_policy.check
    assert check is not None
    assert check.window is not None
    window = Duration.parse("60s")
    assert shortened == check.model_copy(update={"window": window})
    assert found.spec.mode == "observe"

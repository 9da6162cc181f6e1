"""At any speed a playbook means the same, only sooner."""

from pathlib import Path

import pytest

from responder.evidence.loading import load_metrics, read_metrics
from responder.playbooks.loading import load_directory, read_playbooks
from responder.playbooks.quantities import Duration
from responder.sandbox.speed import Speed, write_metric, write_playbook

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


OWN_METRIC = """
kind: Metric
metadata: {name: odd}
spec:
  measure: ratio
  labels: [campaign]
  window: 1h
  events: sum(increase(bad{ {{ matchers }}, step="5m" }[{{ window }}] offset 10m))
  total: sum(increase(all{ {{ matchers }} }[{{ window }}]))
  minimumSamples: 200
  minimumEvents: 20
"""


def test_a_metric_looks_back_as_far_in_the_story_and_asks_for_as_much(tmp_path: Path) -> None:
    (given,) = read_metrics(OWN_METRIC, file="odd.yaml").metrics.values()
    write_metric(given, tmp_path, speed=Speed(60))
    (found,) = load_metrics(tmp_path).metrics.values()
    assert found.spec.window.seconds == 60
    events = 'sum(increase(bad{ {{ matchers }}, step="5m" }[{{ window }}] offset 10000ms))'
    assert found.spec.events.text == events
    assert found.spec.total == given.spec.total
    assert (found.spec.minimum_samples, found.spec.minimum_events) == (200, 20)


def test_every_shipped_metric_reads_the_same_but_for_its_window(tmp_path: Path) -> None:
    given = load_metrics(RULES.parent / "metrics").metrics
    for metric in given.values():
        write_metric(metric, tmp_path, speed=Speed(60))
    found = load_metrics(tmp_path)
    assert not found.problems
    assert found.metrics.keys() == given.keys()
    for name, metric in given.items():
        window = found.metrics[name].spec.window
        assert window.seconds == metric.spec.window.seconds / 60
        assert found.metrics[name].spec == metric.spec.model_copy(update={"window": window})


def test_a_query_of_a_playbook_looks_back_as_far_in_the_story(tmp_path: Path) -> None:
    query = 'increase(x{c="{{ labels.campaign }}"}[30m]) offset 1h'
    text = FULL.replace('"increase(x[{{ window }}])", window: 1h', f"'{query}'")
    (given,) = read_playbooks(text, file="full.yaml").playbooks
    write_playbook(given, tmp_path, speed=Speed(60))
    (found,) = load_directory(tmp_path).playbooks
    check = found.resume_policy.check
    assert check is not None
    assert check.query is not None
    shortened = query.replace("30m", "30000ms").replace("1h", "60000ms")
    assert check.query.text == shortened

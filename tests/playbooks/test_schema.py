"""What a playbook comes down to: its matchers, the labels of its incidents, its resume policy."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from responder.playbooks.loading import read_playbooks
from responder.playbooks.resume import ResumePolicy
from responder.playbooks.schema import Playbook

DESIGN = Path(__file__).parent / "designs-example.yaml"
BOUNCES = """
spec:
  matchers: [alertname="HighBounceRate", severity="critical"]
  holds:
    - pause: {campaign: "{{ labels.campaign }}"}
    - scale: {deployment: "{{ labels.app }}", to: 2}
"""


def read(text: str) -> Playbook:
    loaded = read_playbooks(text, file="bounces.yaml")
    assert not loaded.errors
    return loaded.playbooks[0]


def test_the_designs_example_is_a_playbook_as_it_stands() -> None:
    loaded = read_playbooks(DESIGN.read_text(encoding="utf-8"), file="article.yaml")
    assert not loaded.errors
    deferrals, article = loaded.playbooks
    assert deferrals.name == "provider-deferrals"
    assert deferrals.identity_labels == ("pool", "mailbox_provider")
    assert article.name == "article"
    assert article.resume_policy == ResumePolicy(manual=False, after_seconds=1_800)


def test_a_playbook_matches_when_all_of_its_matchers_do() -> None:
    playbook = read(BOUNCES)
    labels = {"alertname": "HighBounceRate", "severity": "critical"}
    assert playbook.matches(labels)
    assert not playbook.matches(labels | {"severity": "warning"})
    assert not playbook.matches({"alertname": "HighBounceRate"})


def test_incidents_are_told_apart_by_the_labels_of_the_templates() -> None:
    assert read(BOUNCES).identity_labels == ("app", "campaign")


@pytest.mark.parametrize(
    ("given", "labels"),
    [
        ("[campaign, tenant, app]", ("campaign", "tenant", "app")),
        ("[app, campaign]", ("app", "campaign")),
    ],
)
def test_incident_per_is_taken_as_written(given: str, labels: tuple[str, ...]) -> None:
    assert read(BOUNCES + f"  incidentPer: {given}\n").identity_labels == labels


def test_every_stage_and_query_counts_for_the_labels() -> None:
    playbook = read(
        BOUNCES
        + """
  escalate:
    - when: {query: 'x{t="{{ labels.tenant }}"}', min: 1, for: 5m}
      holds:
        - pause: {pool: "{{ labels.pool }}", namespace: "{{ labels.ns }}"}
  resume:
    check: {query: 'x{s="{{ labels.segment }}"}', max: 1}
"""
    )
    assert playbook.identity_labels == ("app", "campaign", "ns", "pool", "segment", "tenant")


def test_without_templates_there_is_one_incident() -> None:
    text = 'spec:\n  matchers: [a="b"]\n  holds:\n    - pause: {pool: bulk}\n'
    assert read(text).identity_labels == ()


def test_one_line_of_matchers_may_hold_several() -> None:
    text = BOUNCES.replace("[alertname", "['{alertname").replace('critical"]', "critical\"}']")
    assert [matcher.name for matcher in read(text).matchers] == ["alertname", "severity"]


@pytest.mark.parametrize(
    ("resume", "policy"),
    [
        ("manual", ResumePolicy(manual=True, after_seconds=0)),
        ("{}", ResumePolicy(manual=False, after_seconds=1_800)),
        ("{start: {after: 0s}}", ResumePolicy(manual=False, after_seconds=0)),
        ("{start: {after: 1h30m}}", ResumePolicy(manual=False, after_seconds=5_400)),
        (
            "{start: {acknowledged: true}}",
            ResumePolicy(manual=False, after_seconds=1_800, acknowledged=True),
        ),
    ],
)
def test_what_resume_comes_down_to(resume: str, policy: ResumePolicy) -> None:
    assert read(BOUNCES + f"  resume: {resume}\n").resume_policy == policy


@pytest.mark.parametrize(
    ("volume", "metric"),
    [("", "attempts"), (", volume: {metric: kumo-sends}", "kumo-sends")],
    ids=["by default", "one's own"],
)
def test_what_counts_the_messages_of_steps(volume: str, metric: str) -> None:
    policy = read(BOUNCES + f"  resume: {{steps: [10%]{volume}}}\n").resume_policy
    assert policy.volume is not None
    assert policy.volume.metric == metric
    assert read(BOUNCES + "  resume: {}\n").resume_policy.volume is None


def test_a_short_step_is_a_long_one_with_the_usual_time_and_volume() -> None:
    text = BOUNCES + "  resume: {steps: [10%, {share: 25%, for: 5m, sends: 10}]}\n"
    short, long = read(text).resume_policy.steps
    assert (short.share.ratio, short.for_.seconds, short.sends) == (0.1, 900, 1_000)
    assert (long.share.ratio, long.for_.seconds, long.sends) == (0.25, 300, 10)


def test_a_playbook_never_changes() -> None:
    playbook = read(BOUNCES)
    with pytest.raises(ValidationError):
        playbook.spec.mode = "observe"  # type: ignore[misc]


def test_a_playbook_is_shown_as_it_was_written() -> None:
    playbook = read(DESIGN.read_text(encoding="utf-8").partition("---")[0])
    written = playbook.model_dump(mode="json", by_alias=True, exclude_unset=True)
    assert written["spec"]["holds"][0]["throttle"]["to"] == "50%"
    assert written["spec"]["resume"]["start"] == {"after": "30m", "acknowledged": True}
    assert Playbook.model_validate(written) == playbook

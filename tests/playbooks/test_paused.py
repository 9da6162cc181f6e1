"""A check over what a paused campaign sends has no answer: told when the playbook is read."""

import pytest

from responder.playbooks.loading import read_playbooks
from responder.playbooks.references import KnownMetric

METRICS = (
    KnownMetric(
        "bounce-rate", selectors=frozenset({"campaign", "pool", "mailbox_provider"}),
        needs_sends=True,
    ),
    KnownMetric("listed", selectors=frozenset({"campaign"})),
    KnownMetric("attempts"),
)  # fmt: skip
PLAYBOOK = """metadata: {name: bounces}
spec:
  matchers: [alertname="HighBounceRate"]
  incidentPer: [LABELS]
  holds:
    - HOLD
  resume:
    check: CHECK
"""
RATE = "{metric: bounce-rate, max: 2%}"
CAMPAIGN = 'pause: {campaign: "{{ labels.campaign }}"}'
OF_SENT = """{query: 'sum(increase(mail_bounces_total{campaign="{{ labels.campaign }}"}[1h]))
      / sum(increase(mail_attempts_total{campaign="{{ labels.campaign }}"}[1h]))', max: 0.02}"""


def warned(hold: str, check: str, *, labels: str = "campaign", more: str = "") -> list[str]:
    text = PLAYBOOK.replace("LABELS", labels).replace("HOLD", hold).replace("CHECK", check) + more
    found = read_playbooks(text, file="F", metrics=METRICS)
    assert found.errors == ()
    return [str(problem) for problem in found.warnings]


@pytest.mark.parametrize(
    ("hold", "check", "labels", "what"),
    [
        (CAMPAIGN, RATE, "campaign", "campaign"),
        (CAMPAIGN, RATE, "campaign, pool", "campaign"),
        (CAMPAIGN, OF_SENT, "campaign", "campaign"),
        (
            'pause: {pool: "{{ labels.pool }}", provider: "{{ labels.mailbox_provider }}"}',
            RATE,
            "pool, mailbox_provider",
            "pool at mailbox provider",
        ),
    ],
)
def test_what_waits_for_ever_is_told_with_its_line_and_fix(
    hold: str, check: str, labels: str, what: str
) -> None:
    (told,) = warned(hold, check, labels=labels)
    assert told.startswith("F:8: ")
    assert "spec.resume.check" in told
    assert f"while the {what} is paused nothing is" in told
    assert "add `steps: [10%, 50%]`" in told


def test_a_stage_that_pauses_is_told_too() -> None:
    throttle = 'throttle: {campaign: "{{ labels.campaign }}", to: 50%}'
    stage = f"""  escalate:
    - when: {{metric: bounce-rate, min: 10%, for: 5m}}
      holds: [{{{CAMPAIGN}}}]
"""
    assert warned(throttle, RATE) == []
    assert len(warned(throttle, RATE, more=stage)) == 1


@pytest.mark.parametrize(
    ("hold", "check", "labels", "more"),
    [
        (CAMPAIGN, RATE, "campaign", "    steps: [10%]\n"),
        (CAMPAIGN, "{metric: listed, max: 0}", "campaign", ""),
        (CAMPAIGN, "{query: max(luzilla_rbls_ips_blacklisted), max: 0}", "campaign", ""),
        (CAMPAIGN, RATE, "pool, campaign", "    steps: [10%]\n"),
        ('pause: {campaign: "x"}', RATE, "pool", ""),
        (
            'pause: {campaign: "{{ labels.campaign }}", provider: gmail}',
            RATE,
            "campaign",
            "",
        ),
    ],
    ids=["steps", "needs no sends", "query of something else", "both", "others of the pool send",
         "other providers get it"],
)  # fmt: skip
def test_a_check_that_can_pass_is_no_fault(hold: str, check: str, labels: str, more: str) -> None:
    assert warned(hold, check, labels=labels, more=more) == []

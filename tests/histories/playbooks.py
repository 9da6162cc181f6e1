"""The playbooks of the histories: every verb that holds, every way to resume, every mode."""

from functools import cache

from responder.evidence.loading import load_metrics
from responder.evidence.metric import Metric
from responder.playbooks.loading import read_playbooks
from responder.playbooks.schema import Playbook
from responder.shipped import METRICS

_HEAD = """apiVersion: campaign-responder.dev/v1alpha1
kind: Playbook
metadata: {name: NAME}
spec:
  matchers: [alertname="NAME"]
"""
TEXTS = {
    "bounces": """
  holds:
    - pause: {campaign: "{{ labels.campaign }}"}
    - scale: {deployment: sender, to: 2}
  resume:
    start: {after: 3m}
    steps: [{share: 25%, for: 2m, sends: 100}, {share: 50%, for: 2m, sends: 100}]
    check: {metric: bounce-rate, max: 5%}
  reviewAfter: 1h
""",
    "complaints": """
  holds:
    - throttle: {campaign: "{{ labels.campaign }}", to: 30%}
  resume:
    start: {after: 2m}
    check: {metric: complaint-rate, max: 5%}
""",
    "runaway": """
  incidentPer: [pool]
  holds:
    - scale: {deployment: sender, to: 4}
  escalate:
    - when: {metric: deferral-rate, min: 30%, for: 1m}
      holds:
        - scale: {deployment: sender, to: 1}
  resume:
    start: {after: 2m}
    steps: [{share: 50%, for: 1m, sends: 10}]
""",
    "stolen": """
  holds:
    - scale: {deployment: bulk, to: 0}
  resume:
    start: {after: 2m, acknowledged: true}
""",
    "crowded": """
  holds:
    - scale: {deployment: bulk, to: 4}
    - throttle: {pool: "{{ labels.pool }}", to: 50%}
  resume:
    start: {after: 0s}
""",
    "proposal": """
  mode: approve
  approval: {within: 5m, otherwise: expire}
  holds:
    - pause: {pool: "{{ labels.pool }}"}
  resume:
    start: {after: 1m}
    steps: [{share: 50%, for: 1m, sends: 1}]
""",
    "unless": """
  mode: approve
  approval: {within: 3m, otherwise: act}
  holds:
    - pause: {campaign: "{{ labels.campaign }}"}
  resume:
    start: {after: 1m}
""",
    "listed": """
  holds:
    - set:
        campaign: "{{ labels.campaign }}"
        key: state
        to: paused
        order: [active, slow, paused]
  resume: manual
""",
    "watching": """
  mode: observe
  holds:
    - pause: {campaign: "{{ labels.campaign }}"}
  resume:
    start: {after: 1m}
""",
}
NAMES = tuple(TEXTS)


@cache
def metrics() -> dict[str, Metric]:
    return dict(load_metrics(METRICS).metrics)


@cache
def _parsed(name: str, *, edited: bool) -> Playbook:
    text = _HEAD.replace("NAME", name) + TEXTS[name].lstrip("\n")
    if edited:
        # Gentler, sooner, and without any gate: nothing that is held may heed it.
        for old, new in (("to: 2", "to: 5"), ("3m", "0s"), ("2m", "0s"), ("30%", "90%")):
            text = text.replace(old, new)
    loaded = read_playbooks(text, file=f"{name}.yaml")
    assert not loaded.errors, loaded.errors
    return loaded.playbooks[0]


def playbook_set(*, edited: frozenset[str], gone: frozenset[str]) -> tuple[Playbook, ...]:
    return tuple(_parsed(name, edited=name in edited) for name in NAMES if name not in gone)

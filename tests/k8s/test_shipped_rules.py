"""What is shipped fits together: playbooks load, and the alerts that they wait for exist."""

import itertools
from collections.abc import Iterator, Mapping

import pytest
import yaml

from responder.playbooks.loading import load_directory
from responder.playbooks.schema import Playbook
from tests.k8s.install import K8S, ROOT

NO_READY_MADE_ALERT = {"runaway-sender"}
"""Says in its file that only the sender's owner knows what is too much."""


def alerts() -> Iterator[Mapping[str, str]]:
    """Each alert rule with the labels that every alert of it has."""
    for path in sorted((ROOT / "rules" / "alerts").glob("*.yaml")):
        groups = yaml.safe_load(path.read_text())["groups"]
        for rule in itertools.chain.from_iterable(group["rules"] for group in groups):
            if "alert" in rule:
                yield {"alertname": rule["alert"], **rule.get("labels", {})}


def test_the_playbook_of_the_base_has_no_fault() -> None:
    loaded = load_directory(K8S / "base" / "playbooks")
    assert [playbook.name for playbook in loaded.playbooks] == ["high-bounce-rate"]
    assert loaded.problems == ()


@pytest.mark.parametrize(
    "playbook",
    [
        playbook
        for playbook in load_directory(ROOT / "rules" / "playbooks").playbooks
        if playbook.name not in NO_READY_MADE_ALERT
    ],
    ids=lambda playbook: playbook.name,
)
def test_every_playbook_is_met_by_an_alert_that_is_shipped(playbook: Playbook) -> None:
    assert any(playbook.matches(labels) for labels in alerts())


def test_every_file_of_alerts_has_its_promtool_test() -> None:
    folder = ROOT / "rules" / "alerts"
    assert {path.name for path in folder.glob("*.yaml")} == {
        path.name for path in (folder / "tests").glob("*.yaml")
    }


def test_the_articles_rule_is_there_unchanged() -> None:
    article = yaml.safe_load((ROOT / "rules" / "alerts" / "article.yaml").read_text())
    assert article["groups"][0]["rules"] == [
        {
            "alert": "HighBounceRate",
            "expr": "increase(email_bounces_total[5m]) > 50",
            "for": "2m",
            "labels": {"severity": "critical"},
        }
    ]

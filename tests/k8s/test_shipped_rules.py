"""What is shipped fits together: playbooks load, and the alerts that they wait for exist."""

import itertools
import re
from collections.abc import Iterator, Mapping

import pytest
import yaml

from responder.metrics import Metrics
from responder.playbooks.loading import load_directory
from responder.playbooks.schema import Playbook
from tests.k8s.install import K8S, ROOT

NO_READY_MADE_ALERT = {"runaway-sender"}
"""Says in its file that only the sender's owner knows what is too much."""


def alerts(folder: str = "alerts") -> Iterator[Mapping[str, str]]:
    """Each alert rule with the labels that every alert of it has."""
    for path in sorted((ROOT / "rules" / folder).glob("*.yaml")):
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


@pytest.mark.parametrize("name", ["alerts", "monitoring"])
def test_every_file_of_alerts_has_its_promtool_test(name: str) -> None:
    folder = ROOT / "rules" / name
    assert {path.name for path in folder.glob("*.yaml")} == {
        path.name for path in (folder / "tests").glob("*.yaml")
    }


def test_what_watches_over_the_responder_asks_for_metrics_that_it_has() -> None:
    text = (ROOT / "rules" / "monitoring" / "responder.yaml").read_text()
    asked = set(re.findall(r"\bresponder_\w+", text))
    assert asked <= {
        f"{family.name}_total" if family.type == "counter" else family.name
        for family in Metrics().registry.collect()
    }
    assert len(asked) >= 10


def test_no_playbook_holds_anything_for_an_alert_about_the_responder() -> None:
    playbooks = load_directory(ROOT / "rules" / "playbooks").playbooks
    told = list(alerts("monitoring"))
    assert told
    assert not [labels for labels in told if any(book.matches(labels) for book in playbooks)]


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

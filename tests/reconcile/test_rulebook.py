"""The playbooks in force: the last good set stays, whatever is written over it."""

from pathlib import Path

from responder.metrics import Metrics
from responder.reconcile.rulebook import Rulebook

GOOD = """
metadata: {name: NAME}
spec:
  matchers: [alertname="X"]
  holds: [{pause: {campaign: "{{ labels.campaign }}"}}]
"""


def valid(metrics: Metrics) -> float | None:
    return metrics.registry.get_sample_value("responder_playbooks_last_load_valid")


def test_a_set_with_a_mistake_never_replaces_the_last_good_one(tmp_path: Path) -> None:
    metrics = Metrics()
    book = Rulebook(tmp_path, metrics=metrics)
    (tmp_path / "a.yaml").write_text(GOOD.replace("NAME", "first"))
    book.load()
    assert [item.name for item in book.playbooks] == ["first"]
    assert valid(metrics) == 1

    (tmp_path / "b.yaml").write_text("spec: {matchers: 7}")
    book.load()

    assert [item.name for item in book.playbooks] == ["first"]
    assert book.errors
    assert valid(metrics) == 0

    (tmp_path / "b.yaml").write_text(GOOD.replace("NAME", "second"))
    book.load()

    assert sorted(item.name for item in book.playbooks) == ["first", "second"]
    assert book.errors == ()
    assert valid(metrics) == 1


def test_without_a_good_set_none_is_in_force(tmp_path: Path) -> None:
    book = Rulebook(tmp_path / "nowhere", metrics=Metrics())
    book.load()
    assert not book.is_good
    assert book.playbooks == ()

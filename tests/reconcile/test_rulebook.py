"""The playbooks in force: the last good set stays, whatever is written over it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from structlog.testing import capture_logs

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


def test_what_happens_is_told_once_in_the_log(tmp_path: Path) -> None:
    """Not at every look: a folder is looked at every other second."""
    book = Rulebook(tmp_path, metrics=Metrics())
    file = tmp_path / "a.yaml"
    with capture_logs() as told:
        for text in (GOOD.replace("NAME", "first"), "spec: 7", GOOD.replace("NAME", "second")):
            file.write_text(text)
            for _ in range(3):
                book.load()
    assert [entry["event"] for entry in told] == [
        "playbooks_loaded",
        *["playbook_mistake"] * len(book_mistakes(told)),
        "playbooks_not_loaded",
        "playbooks_reloaded",
    ]
    failed = next(entry for entry in told if entry["event"] == "playbooks_not_loaded")
    assert (failed["in_force"], failed["log_level"]) == (1, "error")
    assert "check" in failed["fix"]
    assert all("a.yaml" in mistake for mistake in book_mistakes(told))


def book_mistakes(told: Sequence[Mapping[str, Any]]) -> list[str]:
    return [entry["problem"] for entry in told if entry["event"] == "playbook_mistake"]


def test_a_folder_that_vanishes_leaves_the_last_good_set_in_force(tmp_path: Path) -> None:
    """As for a moment when a mounted ConfigMap is swapped."""
    folder, away = tmp_path / "playbooks", tmp_path / "away"
    folder.mkdir()
    (folder / "a.yaml").write_text(GOOD.replace("NAME", "first"))
    metrics = Metrics()
    book = Rulebook(folder, metrics=metrics)
    book.load()
    folder.rename(away)
    book.load()
    assert ([item.name for item in book.playbooks], valid(metrics)) == (["first"], 0)
    away.rename(folder)
    book.load()
    assert (book.errors, valid(metrics)) == ((), 1)


def test_an_empty_folder_is_a_mistake_and_disarms_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(GOOD.replace("NAME", "first"))
    book = Rulebook(tmp_path, metrics=Metrics())
    book.load()
    (tmp_path / "a.yaml").unlink()
    book.load()
    assert [item.name for item in book.playbooks] == ["first"]
    assert book.errors

"""The sample sender obeys the hold documents, and stops what it cannot read."""

import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.k8s.install import K8S


@pytest.fixture(scope="module")
def sender() -> ModuleType:
    """Loaded from its file: it runs by itself, and is part of no package."""
    spec = importlib.util.spec_from_file_location("sender", K8S / "samples" / "sender.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def plan(sender: ModuleType, folder: Path) -> tuple[str, float]:
    found: tuple[str, float] = sender.look(
        folder, campaign="spring-sale", pool="bulk", usual=50.0, provider="gmail"
    )
    return found


def put(folder: Path, name: str, document: Any) -> None:  # noqa: ANN401 -- any JSON
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(document if isinstance(document, str) else json.dumps(document))


HELD = {
    "nothing": ({}, 50.0),
    "paused": ({"spring-sale/hold.json": {"share": 0.0}}, 0.0),
    "throttled": ({"spring-sale/hold.json": {"share": 0.5}}, 25.0),
    "per-minute": ({"spring-sale/hold.json": {"share": None, "perMinute": 60}}, 1.0),
    "per-minute-above-the-usual": ({"spring-sale/hold.json": {"perMinute": 60000}}, 50.0),
    "another-campaign": ({"newsletter/hold.json": {"share": 0.0}}, 50.0),
    "its-pool": ({"pool.bulk.json": {"share": 0.1}}, 5.0),
    "its-provider": ({"provider.gmail.json": {"share": 0.2}}, 10.0),
    "provider-of-the-campaign": ({"spring-sale/hold.json": {"providers": {"gmail": 0.0}}}, 0.0),
    "another-provider": ({"spring-sale/hold.json": {"providers": {"yahoo": 0.0}}}, 50.0),
    "the-lowest-counts": (
        {"spring-sale/hold.json": {"share": 0.5}, "pool.bulk.json": {"share": 0.1}},
        5.0,
    ),
    "never-more-than-usual": ({"spring-sale/hold.json": {"share": 7}}, 50.0),
    "never-negative": ({"spring-sale/hold.json": {"share": -1}}, 0.0),
}


@pytest.mark.parametrize(("documents", "expected"), HELD.values(), ids=HELD)
def test_it_sends_at_the_lowest_rate_that_concerns_it(
    sender: ModuleType, tmp_path: Path, documents: dict[str, Any], expected: float
) -> None:
    for name, document in documents.items():
        put(tmp_path, name, document)
    assert plan(sender, tmp_path) == ("bulk", expected)


@pytest.mark.parametrize(
    "document",
    [
        "",
        "{",
        "null",
        "[]",
        "7",
        '{"share": "half"}',
        '{"providers": 1}',
        '{"share": NaN}',
        "\ufffe",
    ],
)
def test_it_stops_what_it_cannot_read_and_says_so(
    sender: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str], document: str
) -> None:
    put(tmp_path, "spring-sale/hold.json", document)
    assert plan(sender, tmp_path) == ("bulk", 0.0)
    assert "cannot be read" in capsys.readouterr().err


def test_it_leaves_from_the_pool_that_it_is_sent_to_under_that_pools_holds(
    sender: ModuleType, tmp_path: Path
) -> None:
    put(tmp_path, "spring-sale/hold.json", {"pool": "quarantine"})
    put(tmp_path, "pool.quarantine.json", {"share": 0.1})
    put(tmp_path, "pool.bulk.json", {"share": 0.0})
    assert plan(sender, tmp_path) == ("quarantine", 5.0)


def test_it_skips_suppressed_segments(sender: ModuleType) -> None:
    holds = [{"suppress": ["seg-17"]}, {"suppress": None}, {}]
    assert not sender.may_send("seg-17", holds)
    assert sender.may_send("seg-18", holds)

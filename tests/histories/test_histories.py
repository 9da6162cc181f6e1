"""Random histories keep every promise, and shrink to what they fail by."""

import os
import subprocess
import sys

import pytest

from tests.histories.events import Event
from tests.histories.mutants import MUTANTS, ROOT, Mutant
from tests.histories.shrinking import shortest

_SEEDS = (1, 2, 3, 4, 16, 23, 29, 34, 35, 39, 47)
"""Chosen so that they reach every state; the command plays thousands of others."""


def _run(*arguments: str) -> str:
    """In a process of its own, where the same seed is the same history."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.histories", *arguments],
        check=False,
        capture_output=True,
        text=True,
        timeout=1800,
        env={**os.environ, "PYTHONHASHSEED": "0"},
    )
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-5000:]
    return done.stdout


def test_known_histories_keep_every_promise_and_reach_every_state() -> None:
    _run(f"--seeds={','.join(map(str, _SEEDS))}", "--require-reach")


def test_the_same_seed_is_the_same_history() -> None:
    told = {
        _run("--histories=1", "--seed=39").partition("hours")[2].partition("\n")[2] for _ in "ab"
    }
    assert len(told) == 1


def test_what_fails_is_cut_down_to_what_it_fails_by() -> None:
    events = [Event("fire", number, 0, 1.0) for number in range(20)]
    kept = shortest(events, lambda some: {3, 11} <= {event.n for event in some})
    assert kept == [Event("fire", 3, 0, 0.0), Event("fire", 11, 0, 0.0)]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.title)
def test_what_a_mutant_breaks_is_still_there(mutant: Mutant) -> None:
    text = (ROOT / "responder" / mutant.file).read_text(encoding="utf-8")
    assert text.count(mutant.before) >= 1

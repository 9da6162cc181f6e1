"""Some histories at each run; `python -m tests.histories --histories 3000` plays more of them."""

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Final

from tests.histories.events import drawn

ROOT: Final = Path(__file__).parents[2]
HISTORIES, SEED = 3, 1000
REACHED: Final = (
    "Proposed WaitsForApproval",
    "Holding AlertFiring",
    "Cooling AlertsResolved",
    "Ramping StepOpened",
    "Closed GivenBack",
    "target GivenBack",
)
"""What says something only if it happened."""


def test_random_histories_break_no_promise_and_skip_no_gate() -> None:
    """In a process of its own: time is virtual there from the first import on."""
    arguments = (f"--histories={HISTORIES}", f"--seed={SEED}")
    done = subprocess.run(
        [sys.executable, "-m", "tests.histories", *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        timeout=900,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    counts = re.findall(r"^ *(\d+) (\w+ \w+)$", done.stdout, re.MULTILINE)
    seen = Counter({what: int(count) for count, what in counts})
    assert not [what for what in REACHED if not seen[what]], seen


def test_a_seed_always_draws_the_same_history() -> None:
    assert drawn(7, length=30) == drawn(7, length=30)
    assert drawn(7, length=30) != drawn(8, length=30)

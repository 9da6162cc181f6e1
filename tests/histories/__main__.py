"""`python -m tests.histories --histories 3000 --seed N`: thousands of them, with what they met.

The same seed is the same history: sets of texts have one order only where their hashes have no
chance in them, so it begins itself anew for that.
"""

import argparse
import json
import os
import random
import sys

from tests.histories.events import Event
from tests.histories.history import happen
from tests.histories.running import STEPS, Failure, run


def main() -> int:
    if os.environ.get("PYTHONHASHSEED") != "0":
        fixed = {**os.environ, "PYTHONHASHSEED": "0"}
        os.execve(sys.executable, [sys.executable, "-m", "tests.histories", *sys.argv[1:]], fixed)
    given = argparse.ArgumentParser(prog="python -m tests.histories", description=__doc__)
    given.add_argument("--histories", type=int, default=100)
    given.add_argument("--steps", type=int, default=STEPS)
    given.add_argument("--seed", type=int, default=None, help="of the first one; else any")
    given.add_argument("--seeds", default="", help="just these, e.g. 3,14,15")
    given.add_argument("--replay", default="", help="a file with one history's events; - for stdin")
    given.add_argument("--failures", type=int, default=1, help="after so many it ends")
    given.add_argument("--whole", action="store_true", help="do not shorten what fails")
    given.add_argument("--require-reach", action="store_true", help="fail where a state is missed")
    asked = given.parse_args()
    seed = random.randrange(10**9) if asked.seed is None else asked.seed
    if asked.replay:
        return _replay(seed, asked.replay)
    chosen = [int(each) for each in asked.seeds.split(",") if each]
    found = run(
        chosen or range(seed, seed + asked.histories),
        steps=asked.steps,
        shrinks=not asked.whole,
        most_failures=asked.failures,
    )
    print(f"seeds {asked.seeds or f'from {seed} on'}: {found}")
    for failure in found.failures:
        print(failure)
    if asked.require_reach and found.missed:
        print(f"never reached: {', '.join(found.missed)}")
        return 1
    return 1 if found.failures else 0


def _replay(seed: int, path: str) -> int:
    with sys.stdin if path == "-" else open(path, encoding="utf-8") as file:  # noqa: PTH123
        events = [Event(*each) for each in json.load(file)]
    outcome = happen(seed, events)
    print(Failure(seed, events, outcome) if outcome.faults else "nothing is wrong with it")
    return 1 if outcome.faults else 0


if __name__ == "__main__":
    sys.exit(main())

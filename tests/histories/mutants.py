"""`python -m tests.histories.mutants`: breaks the responder in each of these ways, one at a time.

Each is made in a copy of the checkout, and histories are played there until one fails. A mutant
that no history notices is a gap in the player or in the model.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

_LONGEST_SECONDS = 900
ROOT = Path(__file__).resolve().parents[2]


class Mutant(NamedTuple):
    """One line of the responder, and what it becomes."""

    title: str
    file: str
    before: str
    after: str


MUTANTS = (
    Mutant(
        "the fence asks nobody before it lets go",
        "reconcile/fence.py",
        "        await self._catch_up()\n",
        "",
    ),
    Mutant(
        "clocks that differ stop nothing",
        "reconcile/fence.py",
        "return abs(self._skew_seconds()) > MOST_SKEW_SECONDS",
        "return False",
    ),
    Mutant(
        "the live value is taken for the baseline",
        "holds/fields.py",
        "baseline, unknown, finding = entry.baseline, entry.unknown, None",
        "baseline, unknown, finding = state.live, entry.unknown, None",
    ),
    Mutant(
        "the cool-down is skipped",
        "incidents/resuming.py",
        "return None if now < until else _cooled(incident, facts, now=now)",
        "return _cooled(incident, facts, now=now)",
    ),
    Mutant(
        "nobody needs to acknowledge",
        "incidents/resuming.py",
        "    if missing:\n",
        "    if missing and not incident.acts:\n",
    ),
    Mutant(
        "what is unknown passes for yes",
        "incidents/resuming.py",
        "        truth_of(incident, name, facts.answers, now=now) is Truth.YES\n",
        "        truth_of(incident, name, facts.answers, now=now) is not Truth.NO\n",
    ),
    Mutant(
        "a failed check is no relapse and passes",
        "incidents/resuming.py",
        "        truth_of(incident, name, facts.answers, now=now) is Truth.YES\n",
        "        True\n",
    ),
    Mutant(
        "an alert that begins anew is no relapse",
        "incidents/resuming.py",
        "    fresh = incident.begun_since(incident.status.ramp.resumed_at)\n    if fresh:\n",
        "    fresh = incident.begun_since(incident.status.ramp.resumed_at)\n    if fresh < 0:\n",
    ),
    Mutant(
        "a step lasts no time",
        "incidents/resuming.py",
        "if due is None or now < due:",
        "if due is None:",
    ),
    Mutant(
        "a step lets through twice its share",
        "incidents/lifecycle.py",
        "return steps[ramp.step - 1].share if",
        "return min(1.0, 2 * steps[ramp.step - 1].share) if",
    ),
    Mutant(
        "a step lets everything through",
        "incidents/lifecycle.py",
        "return steps[ramp.step - 1].share if",
        "return 1.0 if",
    ),
    Mutant(
        "what fires cools down all the same",
        "incidents/resuming.py",
        "    if incident.firing:\n        return holding_again(",
        "    if incident.firing > 5:\n        return holding_again(",
    ),
    Mutant(
        "an incident has no finalizer",
        "incidents/stored.py",
        '"finalizers": [FINALIZER] if incident.acts else [],',
        '"finalizers": [],',
    ),
    Mutant(
        "the finalizer goes before anything is given back",
        "incidents/lifecycle.py",
        "    if not facts.given_back:\n        return None\n",
        "",
    ),
    Mutant(
        "disarmed, it holds all the same",
        "reconcile/situation.py",
        "and (may_begin or incident in proposed or _has_begun(incident, key, view))",
        "",
    ),
    Mutant(
        "disarmed, a new incident begins to hold",
        "incidents/proposing.py",
        "if facts.arming is not Arming.ARMED and not facts.holds:",
        "if facts.arming is Arming.GIVE_BACK and incident.deleting:",
    ),
    Mutant(
        "disarmed with give-back, nothing is given back",
        "incidents/lifecycle.py",
        "if facts.arming is Arming.GIVE_BACK and asks_of(incident):",
        "if facts.arming is Arming.GIVE_BACK and incident.deleting:",
    ),
    Mutant(
        "what is proposed holds before it is approved",
        "incidents/lifecycle.py",
        "    if incident.waits_for_approval:\n        return ()\n",
        "",
    ),
    Mutant(
        "ghosts are given back by themselves",
        "reconcile/target_loop.py",
        "            release_ghosts=self._release_ghosts,\n",
        "            release_ghosts=True,\n",
    ),
    Mutant(
        "a patch is not guarded by the version",
        "holds/draft.py",
        '                "resourceVersion": resource_version(self.live),\n'
        '                "annotations"',
        '                "annotations"',
    ),
    Mutant(
        "edits of others are not answered",
        "reconcile/conductor.py",
        "        self._target_queue.add(target)\n        if self._watching:",
        "        if self._watching:",
    ),
    Mutant(
        "a resolve goes to no incident of a playbook that is gone",
        "reconcile/intake.py",
        "return [*stored, *await self._resolve_elsewhere(resolved, sender)]",
        "return stored",
    ),
    Mutant(
        "a conflict of a create counts as stored",
        "reconcile/storing.py",
        "if found is None or found.token != incident.token:",
        "if found is None:",
    ),
    Mutant(
        "a notification is accepted though it was not stored",
        "reconcile/intake.py",
        "    if failures:\n        raise failures[0]\n",
        "",
    ),
    Mutant(
        "what a watch tells late brings back who is gone",
        "reconcile/view.py",
        "        if gone_at is not None:\n",
        "        if gone_at is not None and gone_at < 0:\n",
    ),
    Mutant(
        "the clock is never asked again",
        "reconcile/fence.py",
        "        self._check_leads()\n        await self._catch_up()\n",
        "        self.check()\n        await self._catch_up()\n",
    ),
    Mutant(
        "managedFields are not tidied",
        "holds/draft.py",
        "        return self._tidy(after)\n\n    def _is_ours",
        "        return None\n\n    def _is_ours",
    ),
    Mutant(
        "a lost notification is never looked for",
        "reconcile/inquiry.py",
        "        failures = await self._store(found, answers)\n",
        "        failures = 0\n",
    ),
    Mutant(
        "a relapse forgets nothing of its acknowledgement",
        "incidents/resuming.py",
        "    if request is None or not ramp.relapses:\n        return request\n",
        "    return request\n",
    ),
    Mutant(
        "an edited playbook changes what is held",
        "reconcile/storing.py",
        'spec: JsonObject = {"alerts": _alerts_patch(current, absorption)}',
        'spec: JsonObject = {"alerts": _alerts_patch(current, absorption), "plan": []}',
    ),
)


def main() -> int:
    given = argparse.ArgumentParser(prog="python -m tests.histories.mutants", description=__doc__)
    given.add_argument("words", nargs="*", help="of a title; else all of them")
    given.add_argument("--histories", type=int, default=150)
    given.add_argument("--seed", type=int, default=1)
    asked = given.parse_args()
    missed = []
    for mutant in MUTANTS:
        if asked.words and not all(word in mutant.title for word in asked.words):
            continue
        told = _noticed(mutant, histories=asked.histories, seed=asked.seed)
        print(f"{'caught' if told else 'MISSED'}: {mutant.title}{f': {told}' if told else ''}")
        sys.stdout.flush()
        missed += [] if told else [mutant.title]
    return len(missed)


def _noticed(mutant: Mutant, *, histories: int, seed: int) -> str:
    """Tell by what a history failed; empty where none did."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        for name in ("responder", "tests", "rules", "k8s"):
            ignored = shutil.ignore_patterns("__pycache__", "*.pyc", ".logs")
            shutil.copytree(ROOT / name, copy / name, ignore=ignored)
        file = copy / "responder" / mutant.file
        text = file.read_text(encoding="utf-8")
        if mutant.before not in text:
            raise SystemExit(f"{mutant.title}: its text is no longer in {mutant.file}")
        file.write_text(text.replace(mutant.before, mutant.after), encoding="utf-8")
        try:
            done = subprocess.run(
                [
                    *(sys.executable, "-m", "tests.histories", "--whole"),
                    *(f"--histories={histories}", f"--seed={seed}"),
                ],
                check=False,
                capture_output=True,
                text=True,
                cwd=copy,
                env={**os.environ, "PYTHONPATH": folder, "PYTHONHASHSEED": "0"},
                timeout=_LONGEST_SECONDS,
            )
        except subprocess.TimeoutExpired:
            return "one of its histories never ends"
    if not done.returncode:
        return ""
    found = re.search(r"history (\d+) fails:\n +(.*)", done.stdout)
    if found is None:
        return f"crashed: {done.stderr.strip()[-150:]}"
    return f"by history {found[1]}: {found[2][:160]}"


if __name__ == "__main__":
    sys.exit(main())

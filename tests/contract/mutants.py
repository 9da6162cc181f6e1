"""Breaks the embedded server on purpose, and tells which cases of the contract notice.

`python -m tests.contract.mutants [WORD ...]`: the mutants of mutants.txt whose title has a word, or
all of them, in the better part of an hour. Ends with 1 where a mutant survives, or a case notices
none.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
CASES = Path("tests/contract")
SERVER = Path("responder/sandbox/api")
MUTANTS = ROOT / CASES / "mutants.txt"
_WORKERS = 2
_SECONDS = 300.0
_SHOWN = 4
_FAILED = re.compile(r"^tests/contract/\w+\.py::(\w+).* (?:FAILED|ERROR)", re.MULTILINE)
_CASE = re.compile(r"^async def (test_\w+)\((?!kubectl)", re.MULTILINE)


class Mutant(NamedTuple):
    """`text` occurs once in the server's source; with `instead` in its place the title is true."""

    title: str
    text: str
    instead: str

    def file(self, root: Path) -> Path:
        """Where the text is. Raises LookupError where it is not there just once."""
        times = {path: path.read_text("utf-8").count(self.text) for path in _sources(root)}
        if sum(times.values()) != 1:
            raise LookupError(f"{self.title}: its text is there {sum(times.values())} times")
        return max(times, key=lambda path: times[path])


def read_mutants(text: str) -> Iterator[Mutant]:
    """Paragraphs of a title, the lines that go and the lines that come, as in a diff."""
    for paragraph in re.split(r"\n\n+", text.strip()):
        lines = paragraph.splitlines()
        title, old, new = ("\n".join(x[2:] for x in lines if x[0] == sign) for sign in "#-+")
        if old:
            yield Mutant(title, old, new)


def cases() -> set[str]:
    """The functions that run against both servers."""
    texts = (path.read_text("utf-8") for path in (ROOT / CASES).glob("test_*.py"))
    return {name for text in texts for name in _CASE.findall(text)}


def noticed(mutants: Sequence[Mutant]) -> Iterator[tuple[Mutant, list[str]]]:
    """Each with the cases that fail of a copy of the project that has it.

    Raises AssertionError: some fail without any.
    """
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        copies = [_copied(Path(folder) / str(number)) for number in range(_WORKERS)]
        assert not (found := _failed(copies[0])), f"without any mutant there fail {found}"
        free: SimpleQueue[Path] = SimpleQueue()
        for copy in copies:
            free.put(copy)

        def failed(mutant: Mutant) -> list[str]:
            root = free.get()
            path = mutant.file(root)
            sound = path.read_text("utf-8")
            path.write_text(sound.replace(mutant.text, mutant.instead), "utf-8")
            found = _failed(root)
            path.write_text(sound, "utf-8")
            free.put(root)
            return found

        with ThreadPoolExecutor(_WORKERS) as pool:
            yield from zip(mutants, pool.map(failed, mutants), strict=True)


def _sources(root: Path) -> list[Path]:
    return sorted((root / SERVER).rglob("*.py"))


def _copied(root: Path) -> Path:
    for name in ("responder", "tests", "k8s", "rules"):
        made = shutil.ignore_patterns(".*", "__pycache__")
        shutil.copytree(ROOT / name, root / name, ignore=made)
    shutil.copy(ROOT / "pyproject.toml", root)
    return root


def _failed(root: Path) -> list[str]:
    pytest = (sys.executable, "-m", "pytest", "-v", "--tb=no", "-p", "no:cacheprovider")
    which = ("-k", "embedded", f"--ignore={CASES / 'test_kubectl.py'}", str(CASES))
    try:
        done = subprocess.run(
            [*pytest, *which],
            cwd=root,
            # The project that is installed is not the one to import.
            env={"PYTHONPATH": str(root), "PATH": ""},
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as stopped:
        return sorted({*_FAILED.findall((stopped.stdout or b"").decode()), "(too slow)"})
    found = sorted(set(_FAILED.findall(done.stdout.decode())))
    return found or (["(nothing could be run)"] if done.returncode else [])


def main(words: Collection[str]) -> int:
    """Prints a table. Raises LookupError: a mutant that fits the source no longer."""
    every = list(read_mutants(MUTANTS.read_text("utf-8")))
    chosen = [m for m in every if not words or any(word in m.title for word in words)]
    for mutant in chosen:
        mutant.file(ROOT)
    _tell("| mutant | noticed by |\n|---|---|")
    seen: set[str] = set()
    survivors = 0
    for mutant, found in noticed(chosen):
        _tell(f"| {mutant.title} | {_shortened(found)} |")
        seen.update(found)
        survivors += not found
    blind = [] if words else sorted(cases() - seen)
    _tell(f"\n{len(chosen)} mutants, {survivors} survive; {len(blind)} cases notice none of them")
    for name in blind:
        _tell(f"- {name}")
    return 1 if survivors or blind else 0


def _shortened(found: list[str]) -> str:
    names = [name.removeprefix("test_") for name in found[:_SHOWN]]
    more = [f"{len(found) - _SHOWN} more"] if len(found) > _SHOWN else []
    return ", ".join([*names, *more]) or "**nobody**"


def _tell(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - this is a command


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""The recorded verdicts, and how they are recorded: `python -m tests.alerts.corpus.recording`.

Needs Go. To be run again when inputs change or Alertmanager's version in go.mod does.
"""

import gzip
import json
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple, cast

from tests.alerts.corpus import inputs

Triple = tuple[str, str, str]
_FOLDER = Path(__file__).parent
RECORDED = _FOLDER / "verdicts.jsonl.gz"


class Verdict(NamedTuple):
    """What Alertmanager said of one text or one `matchers:` list; None: refused."""

    text: str | None
    lines: tuple[str, ...]
    classic: list[Triple] | None
    utf8: list[Triple] | None
    default: list[Triple] | None
    matched: str


class Corpus(NamedTuple):
    label_sets: list[dict[str, str]]
    verdicts: list[Verdict]


def recorded_lines() -> list[str]:
    return gzip.decompress(RECORDED.read_bytes()).decode().splitlines()


def load() -> Corpus:
    first, *rest = map(json.loads, recorded_lines())
    return Corpus(label_sets=first["label_sets"], verdicts=[_verdict(line) for line in rest])


def ask_alertmanager(*, go: str) -> list[str]:
    """Build and run the Go program: a line of JSON for each input, with the verdict on it."""
    asked = list(inputs.lines())
    answer = subprocess.run(
        [go, "run", "."],
        cwd=_FOLDER,
        input=_json_lines(asked),
        stdout=subprocess.PIPE,
        check=True,
    )
    label_sets, *rest = asked
    answers = map(json.loads, answer.stdout.splitlines())
    joined = [given | said for given, said in zip(rest, answers, strict=True)]
    return _json_lines([label_sets, *joined]).decode().splitlines()


def _verdict(line: dict[str, object]) -> Verdict:
    return Verdict(
        text=cast("str | None", line.get("text")),
        lines=tuple(cast("list[str]", line.get("lines", []))),
        classic=_triples(line.get("classic")),
        utf8=_triples(line.get("utf8")),
        default=_triples(line.get("default")),
        matched=cast("str", line.get("matched", "")),
    )


def _triples(given: object) -> list[Triple] | None:
    if given is None:
        return None
    return [(name, op, value) for name, op, value in cast("list[list[str]]", given)]


def _json_lines(values: Iterable[object]) -> bytes:
    return "".join(f"{json.dumps(value, separators=(',', ':'))}\n" for value in values).encode()


if __name__ == "__main__":
    lines = ask_alertmanager(go="go")
    RECORDED.write_bytes(gzip.compress("".join(f"{line}\n" for line in lines).encode(), mtime=0))
    print(f"{len(lines) - 1} verdicts in {RECORDED}, {RECORDED.stat().st_size} bytes")  # noqa: T201

"""What docs/senders.md publishes is what the sandbox runs, and it works elsewhere as well."""

import ast
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from responder.sandbox.senders import hold_reader

DOCS = (Path(__file__).parents[3] / "docs" / "senders.md").read_text(encoding="utf-8")
SNIPPET = Path(hold_reader.__file__)
HOLDS = {
    "own/hold.json": {"share": 0.5, "perMinute": 60, "providers": {"gmail": 0.2}, "id": "a"},
    "shared/pool.bulk.json": {"perMinute": 40, "pool": "quarantine", "id": "b"},
    "shared/provider.gmail.json": {"share": None, "suppress": ["old"], "inFlight": "drop"},
}


def block(language: str) -> str:
    match = re.search(rf"```{language}\n(.*?)```", DOCS, re.DOTALL)
    assert match
    return match[1]


def mounted(folder: Path) -> Path:
    for name, hold in HOLDS.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(hold))
    return folder


def test_the_documents_python_is_the_file_that_the_sandbox_runs() -> None:
    assert block("python") == SNIPPET.read_text(encoding="utf-8")


def test_the_snippet_needs_nothing_but_python() -> None:
    tree = ast.parse(SNIPPET.read_text(encoding="utf-8"))
    imported = {
        name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in (
            [node.module] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names]
        )
    }
    assert {str(name).partition(".")[0] for name in imported} <= sys.stdlib_module_names


def test_documents_are_joined(tmp_path: Path) -> None:
    folder = mounted(tmp_path)
    held = hold_reader.held(
        folder / "own", folder / "shared", pool="bulk", segment="old", provider="gmail"
    )
    assert held["share"] == 0.2
    assert held["perMinute"] == 40
    assert sorted(held["limits"].values()) == [40, 60]
    assert (held["pool"], held["suppressed"], held["drop"]) == ("quarantine", True, True)
    assert held["ids"] == ["", "a", "b"]


def test_without_documents_nothing_is_held(tmp_path: Path) -> None:
    held = hold_reader.held(tmp_path, tmp_path, pool="bulk", segment="s", provider="p")
    assert (held["share"], held["perMinute"], held["pool"]) == (1.0, None, "bulk")
    assert not held["suppressed"]


GO_MAIN = """package main

import (
	"encoding/json"
	"os"

	"holds/holds"
)

func main() {
	limits, err := holds.Held(os.Args[1]+"/own", os.Args[1]+"/shared", "bulk", "old", "gmail")
	if err != nil {
		panic(err)
	}
	json.NewEncoder(os.Stdout).Encode(limits)
}
"""


@pytest.mark.skipif(shutil.which("go") is None, reason="there is no Go")
def test_the_documents_go_compiles_and_joins_the_same(tmp_path: Path) -> None:
    module = tmp_path / "module"
    (module / "holds").mkdir(parents=True)
    (module / "go.mod").write_text("module holds\n\ngo 1.21\n")
    (module / "holds" / "holds.go").write_text(block("go"))
    (module / "main.go").write_text(GO_MAIN)
    folder = mounted(tmp_path)
    answer = subprocess.run(
        ["go", "run", ".", str(folder)], cwd=module, capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stderr
    told = json.loads(answer.stdout)
    assert told["Share"] == 0.2
    assert sorted(told["PerMinute"].values()) == [40, 60]
    assert (told["Pool"], told["Suppressed"], told["Drop"]) == ("quarantine", True, True)

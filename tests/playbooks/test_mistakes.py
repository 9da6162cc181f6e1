"""Each configuration mistake has a file of its own, which begins with what we say about it.

A line `#= ...` is one problem, in full; FILE stands for the file's path.
"""

from pathlib import Path

import pytest

from responder.playbooks.loading import load_file

MISTAKES = sorted((Path(__file__).parent / "mistakes").glob("*.yaml"))


@pytest.mark.parametrize("file", MISTAKES, ids=lambda file: file.stem)
def test_every_mistake_is_told_with_its_place_and_fix(file: Path) -> None:
    expected = [
        line.removeprefix("#= ")
        for line in file.read_text(encoding="utf-8").splitlines()
        if line.startswith("#= ")
    ]
    told = [
        ("warning: " if problem.severity == "warning" else "")
        + str(problem).replace(str(file), "FILE")
        for problem in load_file(file).problems
    ]
    assert told == expected


@pytest.mark.parametrize("file", MISTAKES, ids=lambda file: file.stem)
def test_no_playbook_comes_from_a_document_with_an_error(file: Path) -> None:
    loaded = load_file(file)
    documents = file.read_text(encoding="utf-8").count("\nspec:")
    assert loaded.problems
    if loaded.errors:
        assert len(loaded.playbooks) < documents or not loaded.playbooks
    else:
        assert loaded.playbooks

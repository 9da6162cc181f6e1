"""The table of mutants keeps up with the embedded server."""

import pytest

from tests.contract.mutants import MUTANTS, ROOT, Mutant, read_mutants


def test_each_mutant_fits_the_source_once() -> None:
    mutants = list(read_mutants(MUTANTS.read_text("utf-8")))
    assert len({mutant.title for mutant in mutants}) == len(mutants)
    for mutant in mutants:
        source = mutant.file(ROOT).read_text("utf-8")
        compile(source.replace(mutant.text, mutant.instead), mutant.title, "exec")


def test_mutant_that_fits_no_longer_is_told() -> None:
    with pytest.raises(LookupError, match="gone: its text is there 0 times"):
        Mutant("gone", "no such text", "").file(ROOT)


def test_mutants_are_read_as_a_diff() -> None:
    text = "# a remark\n\n# it is broken\n- one\n-     two\n+ three\n"
    assert list(read_mutants(text)) == [Mutant("it is broken", "one\n    two", "three")]

"""YAML is read with its lines; what YAML 1.1 would turn into something else stays told."""

import pytest

from responder.playbooks.documents import dotted, read_documents


def test_every_value_knows_its_line() -> None:
    text = "# a comment\na: 1\nb:\n  - c: x\n    d: {e: y}\n---\nf: 2\n"
    first, second = read_documents(text, file="x.yaml")
    assert first.data == {"a": 1, "b": [{"c": "x", "d": {"e": "y"}}]}
    lines = {dotted(path): line for path, line in first.lines.items() if path}
    assert lines == {"a": 2, "b": 3, "b[0]": 4, "b[0].c": 4, "b[0].d": 5, "b[0].d.e": 5}
    assert second.line_of(("f",)) == 7


def test_the_line_of_what_is_missing_is_that_of_the_thing_around_it() -> None:
    (document,) = read_documents("a:\n  b:\n    c: 1\n", file="x.yaml")
    assert document.line_of(("a", "b", "gone", 3)) == 2


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2026-11-24", "2026-11-24"),
        ("'0017'", "0017"),
        ("0x10", 16),
        ("1.5", 1.5),
        ("yes", True),
        ("!!str 5", "5"),
        ("|\n  two\n  lines\n", "two\nlines\n"),
    ],
)
def test_scalars_are_what_yaml_says_but_for_dates(text: str, value: object) -> None:
    (document,) = read_documents(f"a: {text}", file="x.yaml")
    assert document.data == {"a": value}
    assert not document.problems


@pytest.mark.parametrize("key", ["on", "yes", "5", "null", "2026-11-24"])
def test_keys_are_text_whatever_yaml_takes_them_for(key: str) -> None:
    (document,) = read_documents(f"{key}: x", file="x.yaml")
    assert document.data == {key: "x"}


@pytest.mark.parametrize("text", ["", "\n", "# only a comment\n", "---\n", "---\n---\n", "~"])
def test_documents_without_anything_are_left_out(text: str) -> None:
    assert read_documents(text, file="x.yaml") == ()


def test_a_document_mark_inside_of_text_ends_the_document_as_yaml_says() -> None:
    documents = read_documents("a: |\n  x\n --- y\n---\nb: 1\n", file="x.yaml")
    assert len(documents) == 2


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        "{a: " * 100_000,
        "- " * 100_000,
        "".join(f"{' ' * depth}a:\n" for depth in range(900)),
        "a: &a [" + "x, " * 5_000 + "]\nb: &b [" + "*a, " * 500 + "]\nc: [" + "*b, " * 500 + "]",
    ],
    ids=["lists", "mappings", "items", "indentation", "aliases"],
)
def test_what_would_grow_without_bound_is_a_problem(text: str) -> None:
    (document,) = read_documents(text, file="x.yaml")
    assert document.is_wrong
    assert len(document.problems) == 1


def test_an_alias_is_read_where_it_stands() -> None:
    (document,) = read_documents("a: &it {b: 1}\nc: *it\n", file="x.yaml")
    assert document.data == {"a": {"b": 1}, "c": {"b": 1}}

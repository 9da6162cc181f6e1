"""The file of destinations: each mistake with its line and fix, and nothing that stands in it."""

import itertools
import os
from pathlib import Path

import pytest
import yaml

from responder.notices.loading import Loaded, load
from responder.notices.moments import Moment

GOOD = """\
# Who is told.
destinations:
  - name: on-call
    url: json://user:pa55word@hooks.example/T0KEN
    moments: [held, needs-approval]
    playbooks: [high-bounce-rate, provider-*]
    every: 1m
  - name: log
    url: mailto://mail.example?to=a@b.example
"""


def loaded(folder: Path, text: str, templates: Path | None = None) -> Loaded:
    file = folder / "notify.yaml"
    file.write_text(text)
    return load(file, templates, try_out=True)


def told(found: Loaded, folder: Path) -> list[str]:
    return [str(problem).replace(f"{folder}{os.sep}", "") for problem in found.problems]


def test_what_is_written_is_what_counts(tmp_path: Path) -> None:
    found = loaded(tmp_path, GOOD)
    assert not found.problems
    (on_call, log) = found.destinations
    assert on_call.wants(Moment.HELD, "provider-deferrals")
    assert on_call.wants(Moment.NEEDS_APPROVAL, "high-bounce-rate")
    assert not on_call.wants(Moment.HELD, "high-bounce-rate-2")
    assert not on_call.wants(Moment.CLOSED, "high-bounce-rate")
    assert all(log.wants(moment, "any") for moment in Moment)
    assert (on_call.every.seconds, log.every.seconds) == (60, 30)
    assert found.lines == {"on-call": 4, "log": 9}
    assert on_call.url.text == "json://user:pa55word@hooks.example/T0KEN"


MISTAKES = {
    "an address that is none": (
        ("json://user", "user"),
        (
            "notify.yaml:4: destinations[0].url: is not an address;"
            " write one like `mailto://...` or `slack://...`"
        ),
    ),
    "no space after the colon": (
        ("url: mailto", "url:mailto"),
        "notify.yaml:9: is not YAML",
    ),
    "a moment misspelt": (
        ("needs-approval", "approval"),
        (
            f"notify.yaml:5: destinations[0].moments: names a moment that there is not;"
            f" there are {', '.join(Moment)}"
        ),
    ),
    "a key misspelt": (
        ("moments:", "momentos:"),
        (
            "notify.yaml:5: destinations[0].***: is not a key that is known here;"
            " did you mean `moments`?"
        ),
    ),
    "a key left out": (
        ("    url: mailto://mail.example?to=a@b.example\n", ""),
        "notify.yaml:8: destinations[1].url: is missing; add it: its address, as Apprise knows it",
    ),
    "a name twice": (
        ("name: log", "name: on-call"),
        "notify.yaml:2: destinations: names `on-call` twice",
    ),
    "a name that is none": (
        ("name: log", "name: My Log"),
        (
            "notify.yaml:8: destinations[1].name: *** is not a name;"
            " use a-z, 0-9 and `-`, as in `deferral-rate`"
        ),
    ),
    "a time without its unit": (
        ("every: 1m", "every: 60"),
        (
            "notify.yaml:7: destinations[0].every: a duration needs a unit;"
            " write it with its unit, like `30m`"
        ),
    ),
    "a template that is not there": (
        ("every: 1m", "template: short"),
        (
            "notify.yaml:7: destinations[0].template: short.md.jinja and short.txt.jinja not in"
            " the folder of templates; a template has both"
        ),
    ),
    "a word for a list": (
        ("moments: [held, needs-approval]", "moments: held"),
        (
            "notify.yaml:5: destinations[0].moments: must be a list, not ***;"
            " begin the line with `- `, or write it in `[ ]`"
        ),
    ),
}


@pytest.mark.parametrize(("change", "expected"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_told_with_its_place_and_fix(
    change: tuple[str, str], expected: str, tmp_path: Path
) -> None:
    assert change[0] in GOOD
    found = loaded(tmp_path, GOOD.replace(*change))
    (problem,) = told(found, tmp_path)
    assert problem == expected
    assert not found.destinations


def test_a_file_that_is_not_there_holds_nothing_or_too_much_is_a_problem(tmp_path: Path) -> None:
    (problem,) = load(tmp_path / "none.yaml").problems
    assert "can't be read: No such file" in str(problem)
    for text in ("", "destinations: []", "{}", f"{GOOD}---\n{GOOD}", "- a"):
        assert loaded(tmp_path, text).problems, text


SECRET = "s3cr3t-T0K3N"


def spoilt() -> list[str]:
    """Files with a secret where none belongs, and with mistakes of YAML around it."""
    lines = GOOD.splitlines()
    texts = [
        *("\n".join((*lines[:at], f"    {SECRET}", *lines[at:])) for at in range(len(lines))),
        *("\n".join((*lines[:at], f"    {SECRET}: x", *lines[at:])) for at in range(len(lines))),
        *("\n".join((*lines[:at], f"  - {SECRET}", *lines[at:])) for at in range(len(lines))),
        *(
            GOOD.replace(old, mark + SECRET)
            for old, mark in itertools.product(
                ("on-call", "json://user", "[held, needs-approval]", "held", "provider-*", "1m"),
                ("", "&", "*", "!", "!!", "%", "@", "`", '"', "'", "{", "[", "? ", "| ", "x: "),
            )
        ),
        f"{SECRET}",
        f"{SECRET}: 1",
        f"destinations: {{{SECRET}: 1}}",
        f"destinations: [{{name: a, url: {{{SECRET}: {SECRET}}}}}]",
        f"destinations: [{{name: a, url: 'x://{SECRET}', every: {SECRET}}}]",
        f"destinations: [{{name: a, url: 'x://{SECRET}', template: '{SECRET} {SECRET}'}}]",
        f"destinations: [{{name: a, url: 'x://y', moments: ['{SECRET}', '{SECRET}']}}]",
        f"destinations: [{{name: a, url: 'x://y', playbooks: ['{SECRET}', '{SECRET}']}}]",
        f"destinations: [{{name: a, url: '{SECRET}\n{SECRET}'}}]",
        f"destinations: [{{name: {SECRET.lower()}, url: '{SECRET}'}}]",
        f"<<: *{SECRET}\ndestinations: []",
        f"{SECRET}: 1\n{SECRET}: 2",
    ]
    return [text for text in texts if text != GOOD]


@pytest.mark.parametrize("text", spoilt())
def test_a_secret_is_told_nowhere_whatever_line_it_got_into(text: str, tmp_path: Path) -> None:
    found = loaded(tmp_path, text)
    for problem in found.problems:
        assert SECRET.lower() not in str(problem).lower()
    # Where something is wrong, it is said.
    assert found.problems or found.destinations
    if not found.problems:
        yaml.safe_load(text)


def test_an_address_is_not_in_what_is_printed_of_it(tmp_path: Path) -> None:
    found = loaded(tmp_path, GOOD)
    for shown in (repr(found), str(found.destinations[0]), repr(found.destinations[0].url)):
        assert "pa55word" not in shown
        assert "T0KEN" not in shown
    assert found.destinations[0].model_dump()["url"] == "***"
    assert found.destinations[0].url.secrets >= {"user", "pa55word", "T0KEN"}


def test_templates_of_ones_own_are_read_and_tried_out(tmp_path: Path) -> None:
    folder = tmp_path / "templates"
    folder.mkdir()
    (folder / "short.txt.jinja").write_text("{{ headline }}\n{{ command }}\n")
    (folder / "short.md.jinja").write_text("{{ headline }}\n`{{ command }}`\n")
    found = loaded(tmp_path, GOOD.replace("every: 1m", "template: short"), folder)
    assert not found.problems
    assert found.own("short", markdown=True) == "{{ headline }}\n`{{ command }}`\n"
    before = found.digest
    (folder / "short.txt.jinja").write_text("{{ headline }}\n\n{{ nosuch }}\n")
    (folder / "digest.md.jinja").write_text("a\n{% if %}\n")
    (folder / "odd.jinja").write_text("a")
    found = loaded(tmp_path, GOOD, folder)
    assert found.digest != before
    assert [problem.split("templates/")[1] for problem in told(found, tmp_path)] == [
        (
            "digest.md.jinja:2: Expected an expression, got 'end of statement block';"
            " see docs/notifications.md for what a template may use"
        ),
        "odd.jinja: is neither text nor markdown; call it NAME.txt.jinja or NAME.md.jinja",
        (
            "short.txt.jinja: 'nosuch' is undefined;"
            " see docs/notifications.md for what a template may use"
        ),
    ]
    (problem,) = loaded(tmp_path, GOOD, tmp_path / "none").problems
    assert "can't be read" in str(problem)

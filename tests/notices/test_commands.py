"""`responder check --notify-file` and `responder notify`: right before the night it is needed."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from responder.cli import app
from responder.errors import BadInput
from responder.notices.moments import Moment
from responder.notices.rendering import SOUND
from responder.notices.samples import sample_digest, sample_notice
from tests.controlplane.ports import free_port
from tests.e2e.listener import listening

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "notifications.md").read_text(encoding="utf-8")


def run(*words: object, code: int = 0) -> str:
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.exit_code == code, done.output
    return done.output


def check(file: Path, *more: object, code: int = 0) -> str:
    return run(
        "check", ROOT / "rules/playbooks", f"--metrics={ROOT / 'rules/metrics'}",
        f"--notify-file={file}", *more, code=code,
    )  # fmt: skip


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "notify.yaml"


def test_a_good_file_is_counted(file: Path) -> None:
    file.write_text("destinations: [{name: a, url: 'json://h/x'}, {name: b, url: 'ntfy://h/t'}]")
    assert "2 destination(s), 0 mistake(s)" in check(file)


def test_a_mistake_and_an_unknown_address_are_told_by_line_and_fail(file: Path) -> None:
    file.write_text("destinations:\n- name: a\n  url: s3cr3t\n")
    told = check(file, code=1)
    assert f"error: {file}:3: destinations[0].url: is not an address" in told
    assert "s3cr3t" not in told
    file.write_text(
        "destinations:\n- name: a\n  url: 'json://h'\n- name: b\n  url: nosuch://s3cr3t\n"
    )
    told = check(file, code=1)
    assert f"error: {file}:5: destinations[1].url: Apprise does not know such an address" in told
    assert "s3cr3t" not in told
    assert "1 mistake(s)" in told


def test_a_template_of_ones_own_is_checked_too(file: Path, tmp_path: Path) -> None:
    file.write_text("destinations: [{name: a, url: 'json://h/x'}]")
    (tmp_path / "notice.txt.jinja").write_text("{{ headline }}\n{{ nosuch }}\n")
    told = check(file, f"--notify-templates={tmp_path}", code=1)
    assert "notice.txt.jinja: 'nosuch' is undefined" in told


def test_a_test_message_arrives_by_name_or_at_all(file: Path) -> None:
    with listening() as one, listening() as other:
        file.write_text(
            "destinations:\n"
            f"- {{name: one, url: '{one.address}'}}\n- {{name: other, url: '{other.address}'}}\n"
        )
        assert run("notify", f"--notify-file={file}", "other") == "other: sent\n"
        assert (len(one.told), len(other.told)) == (0, 1)
        assert other.told[0]["title"].startswith("TEST")
        run("notify", f"--notify-file={file}")
        assert (len(one.told), len(other.told)) == (1, 2)


def test_one_that_does_not_arrive_fails_and_tells_no_secret(file: Path) -> None:
    file.write_text(f"destinations: [{{name: a, url: 'json://127.0.0.1:{free_port()}/s3cr3t'}}]")
    told = run("notify", f"--notify-file={file}", code=1)
    assert told.startswith("a: refused: A Connection error")
    assert "s3cr3t" not in told


def test_an_unknown_name_or_no_file_is_said(file: Path) -> None:
    file.write_text("destinations: [{name: a, url: 'json://h/x'}]")
    done = CliRunner().invoke(app, ["notify", f"--notify-file={file}", "b"])
    assert isinstance(done.exception, BadInput)
    assert "no destination 'b'; there are a" in str(done.exception)
    assert isinstance(CliRunner().invoke(app, ["notify"]).exception, BadInput)


def test_the_example_of_the_page_is_right(file: Path) -> None:
    (example,) = re.findall(r"(?ms)^```yaml\n(destinations:.*?)^```$", PAGE)
    file.write_text(example)
    assert "0 mistake(s)" in check(file)


def test_the_page_has_every_moment_and_every_fact() -> None:
    for moment in Moment:
        assert f"| `{moment}` |" in PAGE, moment
    facts = {*sample_notice()[0], *sample_digest()}
    for fact in facts:
        assert f"`{fact}`" in PAGE, fact
    assert facts <= SOUND | {
        *(
            "labels",
            "asks",
            "held",
            "not_held",
            "why",
            "groups",
            "more_groups",
            "message",
            "reason",
            "waits_for",
        )
    }

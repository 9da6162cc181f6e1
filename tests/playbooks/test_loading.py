"""A folder loads all that is valid and tells all that is not; nothing in a file makes it raise."""

import os
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from responder.playbooks.files import LARGEST_FILE_BYTES
from responder.playbooks.loading import load_directory, load_file, read_playbooks

GOOD = """metadata: {name: NAME}
spec:
  matchers: [alertname="HighBounceRate"]
  holds:
    - pause: {campaign: "{{ labels.campaign }}"}
"""


def good(name: str) -> str:
    return GOOD.replace("NAME", name)


def write(folder: Path, **files: str) -> None:
    for stem, text in files.items():
        (folder / f"{stem}.yaml").write_text(text, encoding="utf-8")


def test_a_folder_is_read_in_the_order_of_its_files(tmp_path: Path) -> None:
    write(tmp_path, b=good("second") + "---\n" + good("third"), a=good("first"))
    (tmp_path / "c.yml").write_text(good("fourth"), encoding="utf-8")
    (tmp_path / "notes.txt").write_text("no playbook: [", encoding="utf-8")
    loaded = load_directory(tmp_path)
    assert not loaded.problems
    assert [book.name for book in loaded.playbooks] == ["first", "second", "third", "fourth"]


def test_a_mounted_config_map_is_read_once(tmp_path: Path) -> None:
    """Kubernetes mounts files as links into a hidden folder that it exchanges as a whole."""
    data = tmp_path / "..2026_11_24"
    data.mkdir()
    write(data, bounces=good("bounces"))
    (tmp_path / "..data").symlink_to(data.name)
    (tmp_path / "bounces.yaml").symlink_to("..data/bounces.yaml")
    loaded = load_directory(tmp_path)
    assert not loaded.problems
    assert [book.name for book in loaded.playbooks] == ["bounces"]


def test_mistakes_of_all_files_are_told_and_the_good_ones_loaded(tmp_path: Path) -> None:
    write(
        tmp_path,
        a=good("a") + "  mode: atuo\n",
        b=good("b"),
        c=good("c").replace("pause", "pasue") + "  reviewAfter: 5\n",
    )
    loaded = load_directory(tmp_path)
    assert [book.name for book in loaded.playbooks] == ["b"]
    assert [
        (Path(problem.file).name, problem.line, problem.field) for problem in loaded.errors
    ] == [
        ("a.yaml", 6, "spec.mode"),
        ("c.yaml", 5, "spec.holds[0].pasue"),
        ("c.yaml", 6, "spec.reviewAfter"),
    ]


def test_a_name_is_taken_once_across_files(tmp_path: Path) -> None:
    write(tmp_path, a=good("bounces"), b=good("bounces"))
    loaded = load_directory(tmp_path)
    (problem,) = loaded.errors
    assert (Path(problem.file).name, problem.line) == ("b.yaml", 1)
    assert f"{tmp_path / 'a.yaml'}:1" in problem.message
    assert len(loaded.playbooks) == 1


SET = """metadata: {name: NAME}
spec:
  matchers: [alertname="HighBounceRate"]
  holds:
    - set: {TARGET, key: state, order: ORDER, to: paused}
"""


@pytest.mark.parametrize(
    ("one", "other", "disagree"),
    [
        ("configMap: a", "configMap: a", True),
        ("configMap: a", "configMap: b", False),
        ("configMap: a", "configMap: '{{ labels.x }}'", True),
        ("campaign: '{{ labels.x }}'", "campaign: '{{ labels.y }}'", True),
        ("campaign: a", "configMap: a", False),
    ],
)
def test_two_orders_of_what_may_be_one_key_are_a_mistake(
    tmp_path: Path, one: str, other: str, *, disagree: bool
) -> None:
    def playbook(name: str, target: str, order: str) -> str:
        return SET.replace("NAME", name).replace("TARGET", target).replace("ORDER", order)

    write(
        tmp_path,
        a=playbook("a", one, "[active, slow, paused]"),
        b=playbook("b", other, "[active, paused]"),
        c=playbook("c", one, "[active, slow, paused]"),
    )
    errors = load_directory(tmp_path).errors
    assert bool(errors) == disagree
    assert all("a.yaml:5" in str(error) or "b.yaml:5" in str(error) for error in errors)


@pytest.mark.parametrize(
    ("stem", "text", "name"),
    [
        ("bounces", good("x").partition("\n")[2], "bounces"),
        ("bounces", "metadata: {labels: {team: mail}}\n" + good("x").partition("\n")[2], "bounces"),
        ("bounces", good("first") + "---\n" + good("x").partition("\n")[2], "bounces"),
        ("High_Bounces", good("x").partition("\n")[2], None),
    ],
    ids=["no metadata", "no name", "one of two", "a file that can't name it"],
)
def test_the_one_playbook_without_a_name_is_called_like_its_file(
    tmp_path: Path, stem: str, text: str, name: str | None
) -> None:
    write(tmp_path, **{stem: text})
    loaded = load_directory(tmp_path)
    if name is None:
        assert [problem.message for problem in loaded.errors] == ["is missing"]
    else:
        assert not loaded.problems
        assert loaded.playbooks[-1].name == name


def test_the_digest_tells_every_change(tmp_path: Path) -> None:
    digests = set()
    write(tmp_path, a=good("a"))
    digests.add(load_directory(tmp_path).digest)
    assert load_directory(tmp_path).digest in digests
    write(tmp_path, a=good("a") + "# a comment\n")
    digests.add(load_directory(tmp_path).digest)
    (tmp_path / "a.yaml").rename(tmp_path / "b.yaml")
    digests.add(load_directory(tmp_path).digest)
    (tmp_path / "b.yaml").unlink()
    digests.add(load_directory(tmp_path).digest)
    tmp_path.rmdir()
    digests.add(load_directory(tmp_path).digest)
    assert len(digests) == 5


def test_a_folder_that_is_not_there_is_a_problem(tmp_path: Path) -> None:
    (problem,) = load_directory(tmp_path / "gone").errors
    assert str(problem) == f"{tmp_path / 'gone'}: can't be read: No such file or directory"


def test_an_empty_folder_is_a_problem_for_it_brakes_nothing(tmp_path: Path) -> None:
    (problem,) = load_directory(tmp_path).errors
    assert problem.message == "holds no playbook"


def test_a_folder_inside_is_not_read_and_that_is_said(tmp_path: Path) -> None:
    write(tmp_path, a=good("a"))
    (tmp_path / "more").mkdir()
    write(tmp_path / "more", b=good("b"))
    loaded = load_directory(tmp_path)
    assert not loaded.errors
    assert [problem.message for problem in loaded.warnings] == ["a folder inside is not read"]
    assert [book.name for book in loaded.playbooks] == ["a"]


def test_files_that_can_not_be_read_are_told_beside_the_good_ones(tmp_path: Path) -> None:
    write(tmp_path, a=good("a"))
    (tmp_path / "folder.yaml").mkdir()
    (tmp_path / "gone.yaml").symlink_to("nowhere")
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "large.yaml").write_bytes(b"#" * (LARGEST_FILE_BYTES + 1))
    (tmp_path / "latin.yaml").write_bytes(b"# one\n# caf\xe9\n")
    loaded = load_directory(tmp_path)
    told = {Path(problem.file).name: (problem.line, problem.message) for problem in loaded.errors}
    assert told == {
        "folder.yaml": (None, "is not a file"),
        "gone.yaml": (None, "can't be read: No such file or directory"),
        "pipe.yaml": (None, "is not a file"),
        "large.yaml": (None, "is larger than 1 MiB"),
        "latin.yaml": (2, "is not UTF-8"),
    }
    assert [book.name for book in loaded.playbooks] == ["a"]


def test_a_byte_order_mark_and_windows_lines_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(b"\xef\xbb\xbf" + good("a").replace("\n", "\r\n").encode())
    loaded = load_file(tmp_path / "a.yaml")
    assert not loaded.problems
    assert loaded.playbooks


SOUP = st.lists(
    st.sampled_from(
        [
            *"{}[]:,-\n\"'|>&*!%#? ",
            *("  ", "---\n", "- ", ": ", "spec:\n  ", "holds:\n    - ", "pause: ", "&a ", "*a"),
            *("matchers: ", "{{ labels.x }}", "50%", "null", "~", "0x", "1:30", "!!str ", "<<: "),
            *(
                "escalate: ",
                "resume: ",
                "check: ",
                "metadata: ",
                "name: ",
                "a",
                "\t",
                "\x07",
                "\ufeff",
            ),
        ]
    ),
    max_size=40,
).map("".join)


@settings(max_examples=200)
@given(text=SOUP)
def test_nothing_that_a_file_holds_makes_loading_raise(text: str) -> None:
    loaded = read_playbooks(text, file="soup.yaml")
    assert loaded.problems or loaded.playbooks
    for problem in loaded.problems:
        assert problem.file == "soup.yaml"


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from(["", "a", "50%", "30m", "manual", "{{ labels.a }}", 'a="b"', "{x}", "{0}"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    *(
                        "holds",
                        "pause",
                        "throttle",
                        "set",
                        "order",
                        "to",
                        "key",
                        "campaign",
                        "pool",
                    ),
                    *("when", "check", "steps", "start", "share", "metric", "query", "min", "for"),
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow])
@given(
    spec=st.dictionaries(
        st.sampled_from(
            ["mode", "matchers", "incidentPer", "holds", "escalate", "resume", "guards"]
        ),
        VALUES,
    )
)
def test_values_of_the_wrong_kind_are_mistakes_with_a_line(spec: dict[str, object]) -> None:
    text = yaml.safe_dump({"metadata": {"name": "a"}, "spec": spec}, allow_unicode=True)
    loaded = read_playbooks(text, file="a.yaml")
    assert loaded.errors or loaded.playbooks
    for problem in loaded.problems:
        assert problem.line is not None
        assert problem.message

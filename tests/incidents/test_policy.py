"""What a playbook's words come down to, and what is read where they are none."""

from typing import Any

import pytest

from responder.incidents.policy import Approval, Resume, Stage
from tests.incidents.given import CHECKED, PAUSE, SCALE, STAGE

PERSON = Resume(manual=True, needs_person=("why",), acknowledged=True)


@pytest.mark.parametrize("resume", [Resume(), CHECKED, PERSON], ids=["none", "steps", "person"])
def test_a_policy_survives_json(resume: Resume) -> None:
    assert Resume.from_json(resume.to_json()) == resume


def test_stages_and_approvals_survive_json() -> None:
    assert Stage.from_json(STAGE.to_json()) == STAGE
    for approval in (Approval("why"), Approval("why", 60, "act")):
        assert Approval.from_json(approval.to_json()) == approval


@pytest.mark.parametrize(
    ("after", "relapses", "seconds"),
    [
        (600, 0, 600),
        (600, 1, 1200),
        (600, 2, 2400),
        (0, 0, 0),
        (0, 1, 2),
        (600, 10, 614_400),
        (600, 1000, 614_400),
        (315_360_000, 9, 315_360_000),
    ],
)
def test_each_relapse_doubles_the_cool_down(after: int, relapses: int, seconds: int) -> None:
    assert Resume(after_seconds=after).cool_down_seconds(relapses) == seconds


@pytest.mark.parametrize(
    "steps",
    ["junk", {"share": 0.1}, [1], [{}], [{"share": "x", "forSeconds": 1, "sends": 1}], [None]],
)
def test_steps_that_are_none_leave_it_to_a_person(steps: Any) -> None:  # noqa: ANN401
    """More was asked for than a time, and nobody can tell what."""
    read = Resume.from_json({"afterSeconds": 60, "steps": steps})
    assert read.steps == ()
    assert read.needs_person == ("its steps can't be read",)


@pytest.mark.parametrize("question", [{}, "junk", 7, []])
def test_evidence_that_is_none_is_asked_for_all_the_same(question: Any) -> None:  # noqa: ANN401
    read = Resume.from_json({"check": question, "volume": question})
    assert (read.check, read.volume) == ({}, {})
    assert Resume.from_json(read.to_json()) == read
    assert Resume.from_json({"check": None}).check is None


@pytest.mark.parametrize("told", [{}, {"manual": 0, "needsPerson": 3}, {"afterSeconds": True}])
def test_what_is_not_told_is_not_asked_for(told: dict[str, Any]) -> None:
    assert Resume.from_json(told) == Resume()


@pytest.mark.parametrize(
    ("share", "read"), [(0.1, 0.1), (-1, 0.0), (7, 1.0)], ids=["so", "less than none", "too much"]
)
def test_a_share_is_one_of_the_whole(share: float, read: float) -> None:
    steps = [{"share": share, "forSeconds": 1, "sends": 1}]
    assert Resume.from_json({"steps": steps}).steps[0].share == read


def test_a_stage_keeps_the_asks_that_can_be_read() -> None:
    told = {"when": "junk", "forSeconds": -1, "plan": [PAUSE.to_json(), {}, SCALE.to_json()]}
    assert Stage.from_json(told) == Stage({}, 0, (PAUSE, SCALE))

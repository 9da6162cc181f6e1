"""A person is told what an incident waits for, and of nothing that is so already."""

import dataclasses

import pytest

from responder.incidents.explaining import waits_for
from responder.incidents.status import Truth
from tests.incidents.given import answers, at, ramping, told_at


@pytest.mark.parametrize(
    ("check", "volume", "told"),
    [
        (Truth.YES, Truth.NO, ["messages to be sent"]),
        (Truth.NO, Truth.YES, ["the check to pass"]),
        (Truth.UNKNOWN, Truth.UNKNOWN, ["the check to pass", "messages to be sent"]),
        (Truth.YES, Truth.YES, []),
        (None, None, ["the check to pass", "messages to be sent"]),
    ],
    ids=["volume", "check", "unknown", "all is well", "not asked"],
)
def test_a_step_waits_for_what_is_not_so_yet(
    check: Truth | None, volume: Truth | None, told: list[str]
) -> None:
    open_step = ramping()
    known = tuple(
        dataclasses.replace(answers(open_step, truth)[name], at=told_at(599))
        for name, truth in (("check", check), ("volume", volume))
        if truth is not None
    )
    status = dataclasses.replace(open_step.status, answers=known)
    found = waits_for(dataclasses.replace(open_step, status=status), now=at(600))
    assert len(found) == len(told)
    assert all(words in line for words, line in zip(told, found, strict=True))


def test_a_yes_about_an_older_window_is_none() -> None:
    open_step = ramping(step=2, since=25)
    known = answers(ramping(), Truth.YES)
    newest = tuple(dataclasses.replace(each, at=told_at(599)) for each in known.values())
    status = dataclasses.replace(open_step.status, answers=newest)
    found = waits_for(dataclasses.replace(open_step, status=status), now=at(600))
    assert ["messages to be sent" in line for line in found] == [True]

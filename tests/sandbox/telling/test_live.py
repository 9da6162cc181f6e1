"""The live picture shows what there is, at any size, and nothing that labels smuggle in."""

import dataclasses
import io

import pytest
from rich.console import Console

from responder.sandbox.telling.lines import LineTelling
from responder.sandbox.telling.live import LiveTelling, drawn
from responder.sandbox.telling.picture import (
    CampaignRow,
    IncidentRow,
    Line,
    Picture,
    WorkloadRow,
)


def campaign(name: str, *, held: str = "", stream: str = "bulk") -> CampaignRow:
    return CampaignRow(name, stream, 600.0, 0.0 if held else 598.2, 12_345, 0.123, 0.0004, 77, held)


PICTURE = Picture(
    scenario="bounces",
    about="A bought list bounces.",
    speed=60.0,
    told_seconds=750.0,
    campaigns=[
        campaign("spring-sale", held="paused"),
        campaign("password-reset", stream="transactional"),
    ],
    workloads=[WorkloadRow("email-sender", 2, (2, 2)), WorkloadRow("other", 4, None)],
    incidents=[IncidentRow("high-bounce-rate-1", "Holding", 3, "3 alert(s) firing")],
    firing=["HighBounceRate critical spring-sale"],
    lines=[Line(float(at), "hold", f"line {at}") for at in range(60)],
)


def shown(picture: Picture, *, width: int = 120, height: int = 40) -> str:
    console = Console(file=io.StringIO(), width=width, height=height, force_terminal=False)
    console.print(drawn(picture, height=height))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_everything_is_there() -> None:
    told = shown(PICTURE)
    for part in (
        "12m30s",
        "60 times as fast",
        "firing: HighBounceRate critical spring-sale",
        "0 of 600",
        "12,345",
        "12.3%",
        "0.04%",
        "77",
        "paused",
        "password-reset (transactional)",
        "2..2",
        "high-bounce-rate-1",
        "3 alert(s) firing",
        "line 59",
    ):
        assert part in told
    assert "line 1\n" not in told, "the newest lines are shown"


@pytest.mark.parametrize(("width", "height"), [(80, 24), (200, 60), (60, 10)])
def test_it_fits_the_screen(width: int, height: int) -> None:
    lines = shown(PICTURE, width=width, height=height).splitlines()
    assert max(map(len, lines)) <= width
    if height > 20:
        assert len(lines) <= height


def test_on_a_narrow_screen_numbers_are_shown_in_full() -> None:
    held = "paused, routed to the pool quarantine, half of gmail"
    long = dataclasses.replace(
        PICTURE, campaigns=[campaign("a-campaign-with-a-long-name" * 2, held=held)]
    )
    told = shown(long, width=100)
    for part in ("now/min", "0 of 600", "12,345", "12.3%", "complained", "0.04%", "not sent"):
        assert part in told


def test_hostile_names_move_nothing() -> None:
    hostile = campaign("\x1b[2J\u202eevil", held="\x07")
    told = shown(
        Picture("s", "", 1.0, 0.0, [hostile], [], [], ["\x1b[31m"], [Line(0, "hold", "\x1b]0;x")])
    )
    assert "\x1b" not in told
    assert "\u202e" not in told
    assert "\x07" not in told
    assert "\\x1b" in told


def test_a_live_telling_ends_with_its_last_picture() -> None:
    console = Console(file=io.StringIO(), width=100, height=40, force_terminal=True)
    with LiveTelling(console) as telling:
        telling.line(PICTURE.lines[0])
        telling.show(PICTURE)
    assert isinstance(console.file, io.StringIO)
    assert "spring-sale" in console.file.getvalue()


def test_lines_are_told_as_they_come_and_a_standing_every_five_minutes() -> None:
    told: list[str] = []
    with LineTelling(told.append) as telling:
        telling.line(Line(62.0, "alert", "it fires\x1b"))
        for minute in (4, 5, 6, 9, 11):
            telling.show(Picture("s", "", 1.0, minute * 60.0, PICTURE.campaigns, [], [], [], []))
    assert told[0] == "    1m02s  it fires\\x1b"
    assert [line.split()[0] for line in told[1:]] == ["5m00s", "11m00s"]
    assert "spring-sale 0/min, paused; password-reset 598/min" in told[1]

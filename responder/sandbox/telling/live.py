"""The live picture: tables that change in place, and the story as it goes on below them."""

from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from responder.sandbox.scenario.verdict import at_words
from responder.sandbox.telling.picture import Line, Picture
from responder.telling import plain

_LEAST_LINES = 3
_ROWS_AROUND = 16
"""What the title, heads, borders and the panel's frame take of a screen."""
_STYLES = {
    "scenario": "magenta",
    "alert": "yellow",
    "hold": "bold red",
    "resume": "bold green",
    "incident": "cyan",
}


class LiveTelling:
    """Shows each picture in the place of the one before."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, auto_refresh=False, vertical_overflow="crop")

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._live.stop()

    def show(self, picture: Picture) -> None:
        """Draw it anew."""
        self._live.update(drawn(picture, height=self._console.height), refresh=True)

    def line(self, line: Line) -> None:
        """Nothing to do: lines are part of the next picture."""


def drawn(picture: Picture, *, height: int) -> RenderableType:
    """Draw a picture for a screen of so many lines."""
    rows = len(picture.campaigns) + len(picture.workloads) + max(1, len(picture.incidents))
    room = max(_LEAST_LINES, height - rows - _ROWS_AROUND)
    return Group(
        _title(picture),
        _campaigns(picture),
        _workloads(picture),
        _incidents(picture),
        Panel(
            Group(*(_line(line) for line in picture.lines[-room:])),
            title="what happens",
            title_align="left",
            border_style="dim",
            height=room + 2,
        ),
    )


def _title(picture: Picture) -> Text:
    title = Text.assemble(
        (f" {picture.scenario} ", "bold reverse"),
        f"  {at_words(picture.told_seconds)}",
        (f"  ({picture.speed:g} times as fast as it would be)", "dim"),
    )
    if picture.firing:
        title.append(f"   firing: {plain(', '.join(picture.firing))}", style="yellow")
    title.no_wrap, title.overflow = True, "ellipsis"
    return title


def _table(*columns: tuple[str, str]) -> Table:
    table = Table(expand=True, border_style="dim", header_style="dim", pad_edge=False)
    for name, side in columns:
        # Numbers and words are shown in full: names and reasons share what is left of the width.
        table.add_column(
            name,
            justify="right" if side == "right" else "left",
            no_wrap=True,
            ratio=1 if side == "left" else None,
        )
    return table


def _campaigns(picture: Picture) -> Table:
    table = _table(
        ("campaign", "left"),
        ("now/min", "right"),
        ("sent", "right"),
        ("bounced", "right"),
        ("complained", "right"),
        ("not sent", "right"),
        ("hold", "left"),
    )
    for row in picture.campaigns:
        style = "bold red" if row.held else ""
        name = plain(row.name) + (" (transactional)" if row.stream == "transactional" else "")
        table.add_row(
            name,
            f"{row.sent_per_minute:,.0f} of {row.wanted_per_minute:,.0f}",
            f"{row.sent:,}",
            f"{row.bounce_share:.1%}",
            f"{row.complaint_share:.2%}",
            f"{row.not_sent:,}" if row.not_sent else "-",
            plain(row.held) or "-",
            style=style,
        )
    return table


def _workloads(picture: Picture) -> Table:
    table = _table(("workload", "left"), ("replicas", "right"), ("autoscaler", "word"))
    for row in picture.workloads:
        bounds = f"{row.bounds[0]}..{row.bounds[1]}" if row.bounds else "-"
        table.add_row(plain(row.name), str(row.replicas), bounds)
    return table


def _incidents(picture: Picture) -> Table:
    table = _table(("incident", "left"), ("phase", "word"), ("alerts", "right"), ("why", "left"))
    for row in picture.incidents:
        style = {"Closed": "dim", "Holding": "bold"}.get(row.phase, "")
        table.add_row(row.name, row.phase, str(row.alerts), plain(row.message), style=style)
    if not picture.incidents:
        table.add_row("none yet", "", "", "", style="dim")
    return table


def _line(line: Line) -> Text:
    return Text.assemble(
        (f"{at_words(line.told_seconds):>9}  ", "dim"),
        (plain(line.text), _STYLES.get(line.kind, "")),
        overflow="ellipsis",
        no_wrap=True,
    )

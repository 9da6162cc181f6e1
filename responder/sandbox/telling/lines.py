"""The story in plain lines, for logs, pipes and screen readers."""

from collections.abc import Callable
from types import TracebackType
from typing import Self

from responder.sandbox.scenario.verdict import at_words
from responder.sandbox.telling.picture import CampaignRow, Line, Picture
from responder.telling import plain

_EVERY_TOLD_SECONDS = 300.0


class LineTelling:
    """Writes each line as it comes, and how the campaigns stand every five minutes of the story."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._next_told_seconds = _EVERY_TOLD_SECONDS

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        """Nothing is left to do."""

    def line(self, line: Line) -> None:
        """Write one line of the story."""
        self._write(f"{at_words(line.told_seconds):>9}  {plain(line.text)}")

    def show(self, picture: Picture) -> None:
        """Write how the campaigns stand, once it is time again."""
        if picture.told_seconds < self._next_told_seconds:
            return
        self._next_told_seconds = picture.told_seconds + _EVERY_TOLD_SECONDS
        told = "; ".join(_standing(row) for row in picture.campaigns)
        self._write(f"{at_words(picture.told_seconds):>9}  -- {told}")


def _standing(row: CampaignRow) -> str:
    held = f", {row.held}" if row.held else ""
    return f"{plain(row.name)} {row.sent_per_minute:,.0f}/min{plain(held)}"

"""The errors of every room: one small tree, each able to say what to do about it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in something that was given to us: where it stands, what is wrong, the fix."""

    message: str
    field: str = ""
    fix: str = ""
    file: str = ""
    line: int | None = None
    severity: Literal["error", "warning"] = "error"

    def __str__(self) -> str:
        """Render as `file:line: field: message; fix`, leaving out what is not known."""
        place = f"{self.file}:{self.line}" if self.file and self.line else self.file
        told = ": ".join(part for part in (place, self.field, self.message) if part)
        return f"{told}; {self.fix}" if self.fix else told


class ResponderError(Exception):
    """The root: whatever this program raises on purpose."""


class BadInput(ResponderError):  # noqa: N818 -- named for what happened, as in the documents
    """Something given to us is wrong; every mistake found is listed, not only the first."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(str(problem) for problem in self.problems))


class NotPossible(BadInput):
    """What is asked for makes no sense as things stand; at another time it may."""

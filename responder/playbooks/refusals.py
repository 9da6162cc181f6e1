"""Why a hold is not asked for: one reason from a fixed list, and the sentence for people."""

from dataclasses import dataclass
from typing import Literal

RefusalReason = Literal[
    "MissingLabel", "InvalidName", "NamespaceNotAllowed", "NotYetActedOn", "TemplateFailed"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """One hold of a playbook that this alert's labels can't be turned into; the others stand."""

    hold_index: int
    verb: str
    reason: RefusalReason
    message: str

    def __str__(self) -> str:
        """Name the hold as its author counts them, from one."""
        return f"hold {self.hold_index + 1} ({self.verb}): {self.message}"


class Refused(Exception):  # noqa: N818 -- not an error of the program
    """Ends the rendering of one hold; it never leaves this room."""

    def __init__(self, reason: RefusalReason, message: str) -> None:
        self.reason = reason
        self.message = message
        super().__init__(message)

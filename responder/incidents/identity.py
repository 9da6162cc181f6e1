"""Which incident an alert belongs to, and how it is named.

An incident is one playbook and one set of the labels that matter, or one manual trigger. Two label
sets share their first 8 hash digits in practice, so 16 are used.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from responder.incidents.bounds import MOST_TEXT_CHARACTERS, recognisable

TriggerKind = Literal["alertmanager", "manual"]


@dataclass(frozen=True, slots=True)
class Identity:
    """What makes two requests the same incident."""

    kind: TriggerKind
    playbook: str
    labels: tuple[tuple[str, str], ...]
    """The labels that matter, sorted by name; of a very long value the beginning and its hash."""

    @classmethod
    def of(cls, kind: TriggerKind, playbook: str, labels: Mapping[str, str]) -> "Identity":
        """Give the identity: the same for what was sent, what is stored, and what is read back."""
        kept = (
            (name, recognisable(value, most_characters=MOST_TEXT_CHARACTERS))
            for name, value in labels.items()
        )
        return cls(kind, playbook, tuple(sorted(kept)))

    @property
    def stem(self) -> str:
        """The incident's name without its ordinal: `<playbook>-<16 hex digits>`."""
        told = json.dumps([self.kind, self.playbook, self.labels], ensure_ascii=True)
        return f"{self.playbook}-{hashlib.sha256(told.encode()).hexdigest()[:16]}"

    def name(self, ordinal: int) -> str:
        return f"{self.stem}-{ordinal}"


def ordinal_of(name: str) -> int:
    """Give the ordinal at the end of an incident's name; 0 where there is none."""
    last = name.rpartition("-")[2]
    return int(last) if last.isascii() and last.isdigit() else 0


def stem_of(name: str) -> str:
    return name.rpartition("-")[0]

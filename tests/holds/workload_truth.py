"""What a workload's fields should be, told by someone who saw every write.

It knows who truly wrote each value, where the planner has only managedFields and its ledger.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from responder.holds.ledger import Ledger
from responder.holds.objects import LEDGER_ANNOTATION, ObjectKey, annotation, value_at
from responder.holds.planning import Write
from tests.holds.api_server import ApiServer
from tests.holds.conductor import AUTOSCALER, DEPLOYMENT, Incident

PATHS: Final = {
    "replicas": (DEPLOYMENT, ("spec", "replicas")),
    "maxReplicas": (AUTOSCALER, ("spec", "maxReplicas")),
    "minReplicas": (AUTOSCALER, ("spec", "minReplicas")),
}


class Who(StrEnum):
    US = "us"
    THEM = "them"
    AUTOSCALER = "autoscaler"


@dataclass(slots=True)
class Field:
    """One field of one object."""

    expected: int
    """What it would be without us."""
    writer: Who = Who.THEM
    applied: int | None = None
    """What we last wrote, while we hold it."""
    bound: int | None = None
    """The last `applied`, kept after the give-back."""

    @property
    def held(self) -> bool:
        return self.applied is not None


@dataclass(slots=True)
class Truth:
    """`doubtful` are objects whose ledger and every second copy of it was lost."""

    server: ApiServer
    fields: dict[str, Field] = field(default_factory=dict)
    last: dict[ObjectKey, Ledger | None] = field(default_factory=dict)
    doubtful: set[ObjectKey] = field(default_factory=set)
    replicas_remembered: bool = False
    """Between the first hold on the workload and the last give-back."""

    def live(self, name: str) -> int | None:
        key, path = PATHS[name]
        body = self.server.get(key)
        return None if body is None else value_at(body, path)

    def track(self, key: ObjectKey) -> None:
        """A new object: nothing of it is held."""
        for name, (owner, _) in PATHS.items():
            if owner == key:
                self.fields[name] = Field(self.live(name) or 0)
        self.last[key] = None
        self.doubtful.discard(key)

    def forget(self, key: ObjectKey) -> None:
        for name, (owner, _) in PATHS.items():
            if owner == key:
                self.fields.pop(name, None)
        self.last.pop(key, None)
        self.doubtful.discard(key)

    def saw(self, before: dict[str, int | None], *, by: Who) -> None:
        """Somebody wrote: whose are the values that changed?"""
        for name, found in self.fields.items():
            if self.live(name) != before.get(name):
                found.writer = by

    def values(self) -> dict[str, int | None]:
        return {name: self.live(name) for name in self.fields}

    def observed(self, incidents: dict[str, Incident]) -> None:
        """A pass begins: what others wrote since is the new baseline."""
        for key in self.last:
            if self._forgotten(key, incidents):
                self.doubtful.add(key)
        for name, found in self.fields.items():
            live = self.live(name) or 0
            if found.held:
                marked = annotation(self.server.get(PATHS[name][0]) or {}, LEDGER_ANNOTATION)
                if found.writer is Who.THEM and (live != found.applied or marked is None):
                    found.expected = live
                continue
            moved = found.writer is Who.THEM
            own = name != "replicas" or not self.replicas_remembered
            if own or (AUTOSCALER not in self.last and moved):
                found.expected = live

    def _forgotten(self, key: ObjectKey, incidents: dict[str, Incident]) -> bool:
        ledger = self.last[key]
        told = self.told(key, incidents)
        return ledger is not None and (told is None or told.sequence < ledger.sequence)

    def told(self, key: ObjectKey, incidents: dict[str, Incident]) -> Ledger | None:
        """What the object or else the newest second copy tells."""
        body = self.server.get(key) or {}
        last = self.last[key]
        if last is not None and annotation(body, LEDGER_ANNOTATION) == last.to_text():
            return last
        told = [
            copy.ledger
            for incident in incidents.values()
            if not incident.closed
            for copy in incident.copies
            if copy.object_uid == body["metadata"]["uid"]
        ]
        return max(told, key=lambda ledger: ledger.sequence, default=None)

    def applied_for(self, uid: str, incidents: dict[str, Incident]) -> list[int]:
        """The limits that the ledgers tell of this incident."""
        told = [self.told(key, incidents) for key in self.last]
        return [
            entry.applied
            for ledger in told
            for name, entry in (ledger.fields.items() if ledger else ())
            if entry.uid == uid and name != "minReplicas"
        ]

    def wrote(self, write: Write) -> None:
        """We wrote; gives back what the ledger says, and remembers."""
        self.last[write.key] = write.ledger
        entries = write.ledger.fields if write.ledger else {}
        for name, found in self._of(write.key):
            entry = entries.get(name)
            if entry is not None:
                found.applied = entry.applied
                found.bound = entry.applied
            else:
                found.applied = None
        replicas = self.fields["replicas"]
        if AUTOSCALER in self.last and not replicas.held:
            replicas.bound = self.fields["maxReplicas"].applied or replicas.bound

    def _of(self, key: ObjectKey) -> Iterator[tuple[str, Field]]:
        for name, found in self.fields.items():
            if PATHS[name][0] == key:
                yield name, found

    def potential(self) -> int:
        """How many pods may run once the autoscaler has had its say."""
        replicas = self.live("replicas") or 0
        highest = self.live("maxReplicas")
        return replicas if highest is None or replicas == 0 else highest

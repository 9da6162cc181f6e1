"""What open incidents hold, counted as they come and go: what budgets are measured against."""

import bisect
from collections import Counter, defaultdict
from datetime import datetime, timedelta
from typing import Final

from responder.incidents.budgets import Load, Thing, things_of
from responder.incidents.incident import Incident
from responder.incidents.status import Phase
from responder.incidents.transitions import read_moment

_HOUR: Final = timedelta(hours=1)


class Tally:
    """Counts by target and by playbook; `holds` are named by whatever names an incident."""

    def __init__(self) -> None:
        self._things: dict[str, tuple[str, frozenset[Thing]]] = {}
        self._held: Counter[Thing] = Counter()
        self._by_playbook: dict[str, Counter[Thing]] = defaultdict(Counter)
        self._began: dict[str, datetime] = {}
        self._times: list[datetime] = []

    def put(self, incident: Incident) -> None:
        """Take an incident as it is now; one that was reserved by name is that one."""
        self._drop_things(incident.name)
        if not incident.acts or incident.waits_for_approval:
            return
        if not incident.closed:
            things = things_of(incident)
            self._things[incident.name] = (incident.playbook, things)
            self._held.update(things)
            self._by_playbook[incident.playbook].update(things)
        began = _began_at(incident)
        if began is not None and began != self._began.get(incident.name):
            self._forget_beginning(incident.name)
            self._began[incident.name] = began
            bisect.insort(self._times, began)

    def drop(self, name: str) -> None:
        """Forget one that is gone, or that could not be stored."""
        self._drop_things(name)
        self._forget_beginning(name)

    def _forget_beginning(self, name: str) -> None:
        began = self._began.pop(name, None)
        if began is not None:
            self._times.pop(bisect.bisect_left(self._times, began))

    def load(self, *, campaigns: int, now: datetime) -> Load:
        """Give what is held, where there are so many campaigns."""
        last_hour = len(self._times) - bisect.bisect_right(self._times, now - _HOUR)
        return Load(self._held, self._by_playbook, campaigns, last_hour)

    def _drop_things(self, name: str) -> None:
        known = self._things.pop(name, None)
        if known is None:
            return
        playbook, things = known
        own = self._by_playbook[playbook]
        for counter in (self._held, own):
            for thing in things:
                counter[thing] -= 1
                if counter[thing] <= 0:
                    del counter[thing]
        if not own:
            del self._by_playbook[playbook]


def _began_at(incident: Incident) -> datetime | None:
    """Give when it began to hold: at once, or when it no longer waited for that."""
    timeline = incident.status.timeline
    waited = [at for at, entry in enumerate(timeline) if entry.what == Phase.PROPOSED]
    after = timeline[waited[-1] + 1 :] if waited else ()
    held = next((entry.time for entry in after if entry.what == Phase.HOLDING), "")
    return read_moment(held) or read_moment(incident.received_at)

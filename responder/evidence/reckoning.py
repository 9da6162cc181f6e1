"""Of which alerts of our incidents the Alertmanagers that are asked can say anything. Pure.

A sender is known by the `externalURL` of its notifications. Alertmanager's API does not tell it, so
it is what an operator says, or the address at which it is asked. An alert that only others told is
not theirs to resolve: of it nothing is known here.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from itertools import islice
from typing import Final

from responder.evidence.comparing import Comparison, Doubt, KnownAlert, compare
from responder.evidence.listings import AlertState, ListedAlert, Listing, Unheard
from responder.evidence.verdict import Unknown
from responder.incidents.bounds import sender_name
from responder.incidents.incident import AlertRecord, Incident
from responder.incidents.transitions import read_moment

_AT_ONCE: Final = 100
"""Alerts that are compared before others get their turn: some milliseconds."""


@dataclass(frozen=True)
class Senders:
    """The Alertmanagers that are asked, by the names under which they notify, in order."""

    names: tuple[str, ...]

    @classmethod
    def of(cls, urls: Sequence[str], external_urls: Sequence[str]) -> "Senders":
        """Name each by its own external URL, all by the one that they share, or by its address."""
        names = external_urls or urls
        if len(names) == 1:
            names = [*names] * len(urls)
        if len(names) != len(urls):
            raise ValueError("give one external URL for all, or one for each Alertmanager")
        return cls(tuple(_plain(name) for name in names))

    def are_asked(self, sender: str) -> bool:
        """Tell whether a sender, as an incident has it, is one of them."""
        return _plain(sender) in self._known

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset(self.names)

    def telling(self, fingerprint: str, answers: Sequence[Listing | Unheard]) -> str:
        """Give the name of the first one that lists an alert as active."""
        for name, answer in zip(self.names, answers, strict=True):
            found = answer.alerts.get(fingerprint) if isinstance(answer, Listing) else None
            if found is not None and found.state is AlertState.ACTIVE:
                return name
        raise ValueError(f"nobody lists {fingerprint} as active")


def _plain(name: str) -> str:
    return sender_name(name.rstrip("/"))


class Known:
    """The alerts of all incidents, taken in one incident after the other."""

    def __init__(self, senders: Senders, *, now: datetime) -> None:
        self.alerts: dict[str, KnownAlert] = {}
        self.doubts: dict[str, Doubt] = {}
        """Firing alerts that none of these senders told."""
        self._senders = senders
        self._now = now

    def add(self, incident: Incident) -> None:
        """Take in an open incident's alerts, and of a closed one what a person left firing."""
        for fingerprint, record in incident.alerts.items():
            if incident.closed and not record.firing:
                continue
            for found in self._said(fingerprint, record):
                if not isinstance(found, Doubt):
                    self._merge(found)
                elif not incident.closed:
                    self.doubts[fingerprint] = found

    def _said(self, fingerprint: str, record: AlertRecord) -> Iterator[KnownAlert | Doubt]:
        said = [told for name, told in record.senders.items() if self._senders.are_asked(name)]
        firing = any(told.status == "firing" for told in said)
        if record.firing and not firing:
            others = [name for name, told in record.senders.items() if told.status == "firing"]
            yield Doubt(
                Unknown.UNKNOWN_SENDER, f"told by {', '.join(sorted(others))}, which is not asked"
            )
        elif said:
            heard = (read_moment(told.at) or self._now for told in said)
            yield KnownAlert(fingerprint, firing, record.starts_at, max(heard))

    def _merge(self, found: KnownAlert) -> None:
        """Hold it to be firing if one incident does: the others are looked at one by one then."""
        other = self.alerts.get(found.fingerprint)
        if other is None:
            self.alerts[found.fingerprint] = found
            return
        newer = found if found.heard_at > other.heard_at else other
        self.alerts[found.fingerprint] = replace(newer, firing=found.firing or other.firing)


def compared(
    known: Mapping[str, KnownAlert],
    answers: Sequence[Listing | Unheard],
    *,
    concerns: Callable[[ListedAlert], bool],
    grace_seconds: float,
    cut_short: Collection[str],
) -> Iterator[Comparison]:
    """Compare some alerts after the others, so that thousands never hold up anything else."""
    listed = (one for answer in answers if isinstance(answer, Listing) for one in answer.alerts)
    every = iter(dict.fromkeys((*known, *listed)))
    while some := tuple(islice(every, _AT_ONCE)):
        yield compare(
            (known[one] for one in some if one in known),
            [_about(some, answer) for answer in answers],
            concerns=concerns,
            grace_seconds=grace_seconds,
            cut_short=cut_short,
        )


def _about(some: Collection[str], answer: Listing | Unheard) -> Listing | Unheard:
    if isinstance(answer, Unheard):
        return answer
    return replace(answer, alerts={one: answer.alerts[one] for one in some if one in answer.alerts})

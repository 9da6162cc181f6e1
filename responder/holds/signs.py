"""By what senders show that they keep to a hold: what must have become of their attempts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from responder.holds.sending import SendingLimit, limit_from_json
from responder.playbooks.asks import Ask

MOST_SIGNS: Final = 8
"""Of one hold; each is asked for by itself."""

_LABELS: Final[Mapping[str, str]] = {
    "campaign": "campaign",
    "pool": "pool",
    "segment": "segment",
    "provider": "mailbox_provider",
}
"""The labels of the metric contract, by what is held."""


@dataclass(frozen=True, slots=True)
class Sign:
    """What the attempts with these labels must be down to."""

    labels: Mapping[str, str] = field(hash=False)
    share: float | None = None
    """0..1 of the rate before."""
    per_minute: int | None = None
    denies: bool = True
    """Whether more than that is evidence against the hold; else it only fails to prove it."""


def labels_of(ask: Ask) -> Mapping[str, str]:
    """Give the labels that select what an ask holds; none where no label does."""
    label = _LABELS.get(ask.target_kind)
    return {} if label is None else {label: ask.target}


def signs_of(ask: Ask) -> tuple[Sign, ...]:
    """Give what the attempts must come to, all of it; nothing where they can't tell.

    What a plain key means to its sender nobody knows here. Attempts that end prove any of it, and
    attempts that go on deny none. Where mail is rerouted to, attempts don't tell either.
    """
    labels = labels_of(ask)
    if not labels:
        return ()
    if ask.control == "keys":
        return (Sign(labels, share=0.0, denies=False),)
    if ask.control != "sending":
        return ()
    found = list(_signs(limit_from_json(ask.limit), labels))
    return tuple(found) if len(found) <= MOST_SIGNS else ()


def _signs(limit: SendingLimit, labels: Mapping[str, str]) -> list[Sign]:
    if limit.share == 0.0:
        return [Sign(labels, share=0.0)]  # nothing at all; the rest follows from it
    if limit.pool is not None:
        return []
    found = [] if limit.share is None else [Sign(labels, share=limit.share)]
    if limit.per_minute is not None:
        found.append(Sign(labels, per_minute=limit.per_minute))
    found += [Sign({**labels, "mailbox_provider": name}, share=s) for name, s in limit.providers]
    found += [Sign({**labels, "segment": name}, share=0.0) for name in limit.suppress]
    return found

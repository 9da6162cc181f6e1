"""Alerts that fire and are kept quiet by their Alertmanager, told on their incident. Pure.

Quiet neither releases nor disarms: what is held stays held, and what fires again holds again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from responder.incidents.incident import Incident
from responder.incidents.status import Condition

SILENCED: Final = "Silenced"
_MOST_SHOWN: Final = 3
_MOST_CHARACTERS: Final = 1000


@dataclass(frozen=True, slots=True)
class Quiet:
    """Ids of silences, fingerprints of the alerts that inhibit it, names of time intervals."""

    silenced_by: tuple[str, ...] = ()
    inhibited_by: tuple[str, ...] = ()
    muted_by: tuple[str, ...] = ()

    @property
    def reason(self) -> str:
        if self.silenced_by:
            return SILENCED
        return "Inhibited" if self.inhibited_by else "Muted"

    def __str__(self) -> str:
        """Say it in a few words."""
        told = (
            ("silenced by", self.silenced_by),
            ("inhibited by the alert", self.inhibited_by),
            ("muted by", self.muted_by),
        )
        return ", ".join(f"{how} {_some(who)}" for how, who in told if who)


def with_quiet(
    incident: Incident,
    quiet: Mapping[str, Quiet] | None,
    others: Sequence[Condition],
    *,
    now: str,
) -> tuple[Condition, ...]:
    """Give an incident's other conditions and, where one of its alerts is or was quiet, that.

    `quiet` is by fingerprint, None where nobody knows: then it stays as it was.
    """
    before = next((told for told in incident.status.conditions if told.type == SILENCED), None)
    if quiet is None or incident.status.letting_go is not None:
        return (*others, before) if before is not None else tuple(others)
    found = [(key, quiet[key]) for key in sorted(incident.alerts) if key in quiet]
    if not found and before is None:
        return tuple(others)
    status: Literal["True", "False"] = "True" if found else "False"
    told = [f"{_name(incident, key)} is {why}" for key, why in found[:_MOST_SHOWN]]
    more = [f"{len(found) - _MOST_SHOWN} more"] if len(found) > _MOST_SHOWN else []
    message = "; ".join((*told, *more))[:_MOST_CHARACTERS]
    stays = before is not None and before.status == status
    condition = Condition(
        type=SILENCED,
        status=status,
        reason=found[0][1].reason if found else "Heard",
        message=message,
        last_transition_time=before.last_transition_time if before is not None and stays else now,
    )
    return (*others, condition)


def _name(incident: Incident, fingerprint: str) -> str:
    name = incident.alerts[fingerprint].labels.get("alertname", "")
    return f"{name} ({fingerprint})" if name else fingerprint


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_SHOWN} more" if len(names) > _MOST_SHOWN else ""
    return ", ".join(names[:_MOST_SHOWN]) + more

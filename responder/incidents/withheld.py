"""What is to be given back and may not be loosened now, told on its incident. Pure."""

from collections.abc import Sequence
from typing import Final, Literal

from responder.incidents.incident import Incident
from responder.incidents.status import Condition, Phase

WITHHELD: Final = "Withheld"


def with_withheld(
    incident: Incident, why: str, others: Sequence[Condition], *, now: str
) -> tuple[Condition, ...]:
    """Give an incident's other conditions and, where `why` keeps or kept it from easing, that."""
    status = incident.status
    before = next((told for told in status.conditions if told.type == WITHHELD), None)
    eases = status.letting_go is not None or status.phase is Phase.RAMPING
    withheld = bool(why) and incident.acts and eases and not incident.closed
    if not withheld and before is None:
        return tuple(others)
    value: Literal["True", "False"] = "True" if withheld else "False"
    stays = before is not None and before.status == value
    condition = Condition(
        type=WITHHELD,
        status=value,
        reason="ClocksDiffer" if withheld else "Agreed",
        message=why if withheld else "",
        last_transition_time=before.last_transition_time if before is not None and stays else now,
    )
    return (*others, condition)

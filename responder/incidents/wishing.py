"""What a person may ask of an incident as it stands. Pure."""

from responder.incidents.incident import Incident
from responder.incidents.requests import Wish
from responder.incidents.resuming import acknowledgement
from responder.incidents.status import Phase, Reason


def is_noted(incident: Incident, wish: Wish) -> bool:
    """Tell whether the wish stands already, or is carried out."""
    if wish is Wish.EXTEND:
        return False  # each puts it off anew
    if wish is Wish.ACKNOWLEDGE:
        return acknowledgement(incident) is not None
    if wish is Wish.RELEASE and incident.closed:
        return True
    return incident.wishes.of(wish) is not None


def why_not(incident: Incident, wish: Wish) -> str:
    """Tell why a wish makes no sense now; empty where it does."""
    if incident.closed:
        return "is closed"
    if wish in (Wish.APPROVE, Wish.REJECT):
        return _why_not_decided(incident, wish)
    if wish is Wish.ACKNOWLEDGE and incident.status.phase is Phase.PROPOSED:
        return "holds nothing yet: approve or reject it"
    return ""


def _why_not_decided(incident: Incident, wish: Wish) -> str:
    if incident.status.letting_go is not None:
        return "is being closed"
    if not incident.waits_for_approval:
        return "does not wait for approval; to give it back, release it"
    if incident.wishes.approve is not None or incident.wishes.reject is not None:
        return "is decided already"
    if wish is Wish.APPROVE and incident.status.reason == Reason.DISARMED:
        return "waits for the responder to be armed, and for no approval"
    return ""


def possible(incident: Incident) -> tuple[Wish, ...]:
    """Give what a person may ask of it now."""
    return tuple(
        wish for wish in Wish if not is_noted(incident, wish) and not why_not(incident, wish)
    )

"""What of ours is left on an object."""

from responder.holds.objects import GIVE_BACK_MANAGER, LEDGER_ANNOTATION, MANAGER, annotation
from tests.holds.field_sets import Json


def traces_of_ours(body: Json | None) -> list[str]:
    """An annotation, or an entry of managedFields; empty after an exact give-back."""
    if body is None:
        return []
    found = [] if annotation(body, LEDGER_ANNOTATION) is None else [LEDGER_ANNOTATION]
    entries = body["metadata"].get("managedFields", [])
    managers = {entry["manager"] for entry in entries}
    return found + sorted(managers & {MANAGER, GIVE_BACK_MANAGER})

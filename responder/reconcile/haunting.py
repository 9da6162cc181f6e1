"""Whom the ledgers of objects name: it holds there as long as they do, also once it vanished."""

from responder.holds.ledger import Ledger
from responder.holds.objects import LEDGER_ANNOTATION, ObjectKey, annotation, name
from responder.holds.workload import AUTOSCALER
from responder.incidents.incident import Incident
from responder.reconcile.view import View, is_in_our_name


def ghosts(view: View) -> list[str]:
    """Name the objects that are held by incidents that vanished."""
    return sorted(
        str(key)
        for key in view.objects
        if any(uid not in view.present for uid in _holders(view, key))
    )


def unexplained(view: View) -> list[str]:
    """Name the objects that stand in our name, while no ledger and no open incident tells why:
    somebody took the ledger away after its incident had vanished.
    """
    return sorted(
        str(key)
        for key, live in view.objects.items()
        if annotation(live, LEDGER_ANNOTATION) is None
        and is_in_our_name(live)
        and not view.incidents_on(view.target_of(key))
    )


def is_held_for(view: View, incident: Incident, target: ObjectKey) -> bool:
    """Tell whether a target is held in the name of an incident, by its own ledgers."""
    beside = [
        ObjectKey(AUTOSCALER, target.namespace, name(live)) for live in view.autoscalers_of(target)
    ]
    return any(incident.uid in _holders(view, key) for key in (target, *beside))


def _holders(view: View, key: ObjectKey) -> set[str]:
    """Give the uids of those whom an object's ledger names, ghosts beside open ones as well."""
    live = view.objects.get(key)
    ledger = None if live is None else Ledger.from_text(annotation(live, LEDGER_ANNOTATION))
    entries = () if ledger is None else ledger.fields.values()
    gone = (entry.ghost.uid for entry in entries if entry.ghost is not None)
    return {*(entry.uid for entry in entries), *gone}

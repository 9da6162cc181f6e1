"""What a deletion makes of an object: nothing, or one that waits for its finalizers."""

from collections.abc import Mapping
from typing import Any, Final

from responder.sandbox.api import definitions
from responder.sandbox.api.definitions import CLEANUP
from responder.sandbox.api.failures import Refused
from responder.sandbox.api.kinds import DEFINITION, NAMESPACE, Kind

Json = dict[str, Any]
_ANSWERED_WITH_OBJECT: Final = frozenset({"namespaces", "pods", "services", "serviceaccounts"})


def left(kind: Kind, old: Json, wish: Mapping[str, Any], *, now: str) -> Json | None:
    """The object that stays for now, None if none does; `wish` is a DeleteOptions.

    Raises Refused: 409, a precondition that fails.
    """
    meta = old["metadata"]
    demanded = wish.get("preconditions") or {}
    if (demanded.get("uid") or meta["uid"]) != meta["uid"]:
        told = (
            f"the UID in the precondition ({demanded['uid']}) does not match the UID in record"
            f" ({meta['uid']}). The object might have been deleted and then recreated"
        )
        raise Refused.stale_delete(kind, meta["name"], told)
    version = demanded.get("resourceVersion") or meta["resourceVersion"]
    if version != meta["resourceVersion"]:
        told = (
            f"the ResourceVersion in the precondition ({version}) does not match the"
            f" ResourceVersion in record ({meta['resourceVersion']}). The object might have"
            " been modified"
        )
        raise Refused.stale_delete(kind, meta["name"], told)
    finalizers = list(meta.get("finalizers", ()))
    policy = wish.get("propagationPolicy")
    if policy in ("Foreground", "Orphan"):
        further = "foregroundDeletion" if policy == "Foreground" else "orphan"
        finalizers += [further] if further not in finalizers else []
    if kind == DEFINITION:
        finalizers += [CLEANUP] if CLEANUP not in finalizers else []
    if not finalizers and kind != NAMESPACE:
        return None
    if "deletionTimestamp" in meta:
        return old
    leaving = {**meta, "deletionTimestamp": now}
    if kind == NAMESPACE:
        return {**old, "metadata": leaving, "status": {"phase": "Terminating"}}
    leaving["finalizers"] = finalizers
    if kind == DEFINITION:
        return {**old, "metadata": leaving, "status": definitions.marked(old)}
    leaving["deletionGracePeriodSeconds"] = 0
    if "generation" in meta:
        leaving["generation"] = meta["generation"] + 1
    return {**old, "metadata": leaving}


def answer(kind: Kind, old: Json) -> Json:
    """To a deletion that leaves nothing."""
    return old if kind.plural in _ANSWERED_WITH_OBJECT else _success(kind, old["metadata"])


def _success(kind: Kind, meta: Json) -> Json:
    details = {"name": meta["name"], "group": kind.group, "kind": kind.plural, "uid": meta["uid"]}
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success",
        "details": {key: value for key, value in details.items() if value},
    }

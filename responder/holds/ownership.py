"""Who wrote a field last, by the object's managedFields.

The API server keeps them truthfully whatever a client claims in annotations, which is why an
edit is told from our own value in disguise by them and by nothing else.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from responder.holds.objects import (
    GIVE_BACK_MANAGER,
    LEDGER_ANNOTATION,
    MANAGER,
    JsonObject,
    metadata,
)

CONTROLLER_MANAGER: Final = "kube-controller-manager"


@dataclass(frozen=True, slots=True)
class Owner:
    """One manager that a field belongs to."""

    manager: str
    operation: str
    subresource: str


def _entries(live: Mapping[str, Any]) -> list[JsonObject]:
    found = metadata(live).get("managedFields")
    return [entry for entry in found if isinstance(entry, dict)] if isinstance(found, list) else []


def _gives(entry: Mapping[str, Any], path: tuple[str, ...]) -> bool:
    found = entry.get("fieldsV1")
    for step in path:
        if not isinstance(found, Mapping) or f"f:{step}" not in found:
            return False
        found = found[f"f:{step}"]
    return True


def owners(live: Mapping[str, Any], path: tuple[str, ...]) -> tuple[Owner, ...]:
    """Give every manager that holds the field, through all of their entries."""
    return tuple(
        Owner(
            manager=str(entry.get("manager", "")),
            operation=str(entry.get("operation", "")),
            subresource=str(entry.get("subresource", "")),
        )
        for entry in _entries(live)
        if _gives(entry, path)
    )


def is_ours(live: Mapping[str, Any], path: tuple[str, ...]) -> bool:
    """Tell whether the field's value is one that we wrote."""
    return is_of(live, path, managers=(MANAGER,))


def is_marked(live: Mapping[str, Any]) -> bool:
    """Tell whether anything of the object stands in our name, a ledger or what we hold."""
    return any(entry.get("manager") == MANAGER for entry in _entries(live))


def is_of(live: Mapping[str, Any], path: tuple[str, ...], *, managers: Collection[str]) -> bool:
    """Tell whether one of the managers wrote the field's value."""
    return any(owner.manager in managers for owner in owners(live, path))


def is_of_others(live: Mapping[str, Any], path: tuple[str, ...]) -> bool:
    """Tell whether somebody beside us wrote the field's value."""
    ours = (MANAGER, GIVE_BACK_MANAGER)
    return any(owner.manager not in ours for owner in owners(live, path))


def written_by_others(live: Mapping[str, Any], path: tuple[str, ...]) -> tuple[str, str] | None:
    """Give who beside us has set the field, and when they last wrote; None where nobody has."""
    ours = (MANAGER, GIVE_BACK_MANAGER)
    found = [
        entry
        for entry in _entries(live)
        if _gives(entry, path) and entry.get("manager") not in ours
    ]
    if not found:
        return None
    managers = dict.fromkeys(str(entry.get("manager", "")) for entry in found)
    return ", ".join(managers), max(str(entry.get("time", "")) for entry in found)


def is_unmanaged(live: Mapping[str, Any]) -> bool:
    """Tell whether the API server keeps no managedFields of this object at all.

    So it is with one that was created empty, or of which all of them were reset, until somebody
    begins them (`begun`): they witness nothing, neither for us nor against.
    """
    return not _entries(live)


def begun(api_version: str) -> list[JsonObject]:
    """Give the managedFields by which the API server begins to keep them, in the patch of a hold.

    It goes by those that a request brings along, and adds to them what the request changes. Ours
    tell of the ledger alone, which the patch writes. (Without any, it keeps none until the first
    server-side apply; structured-merge-diff behind `fieldmanager.decodeLiveOrNew`.)
    """
    mark: JsonObject = {"f:metadata": {"f:annotations": {f"f:{LEDGER_ANNOTATION}": {}}}}
    return [
        {
            "manager": MANAGER,
            "operation": "Update",
            "apiVersion": api_version,
            "fieldsType": "FieldsV1",
            "fieldsV1": mark,
        }
    ]


def is_autoscaled(live: Mapping[str, Any], path: tuple[str, ...]) -> bool:
    """Tell whether the value came through the controller manager's scale: an HPA's doing."""
    return any(
        owner.manager == CONTROLLER_MANAGER and owner.subresource == "scale"
        for owner in owners(live, path)
    )


def _pruned(fields: Mapping[str, Any], keep: frozenset[tuple[str, ...]]) -> JsonObject:
    """Keep of a fieldsV1 tree only the given paths, with the "." of maps that still have one."""
    heads = {path[0] for path in keep if path}
    kept: JsonObject = {}
    for key, below in fields.items():
        step = key.removeprefix("f:")
        if key == "." or step not in heads:
            continue
        if any(path == (step,) for path in keep):
            kept[key] = below
            continue
        inner = _pruned(below, frozenset(path[1:] for path in keep if path[0] == step))
        if inner:
            kept[key] = {".": below["."], **inner} if "." in below else inner
    return kept


def tidied(
    live: Mapping[str, Any], *, held: Iterable[tuple[str, ...]], marked: bool
) -> list[JsonObject] | None:
    """Give the managedFields with nothing of ours but what is held; None where they are so.

    What was given back must not stay in our name: the owner's next server-side apply would
    conflict, and Argo CD's managedFieldsManagers would ignore the field for ever. `marked` tells
    whether the ledger stays: who wrote it then shows that it is no copy.
    """
    mark = frozenset({("metadata", "annotations", LEDGER_ANNOTATION)} if marked else ())
    keep = {MANAGER: mark | frozenset(held), GIVE_BACK_MANAGER: mark}
    entries = _entries(live)
    result: list[JsonObject] = []
    for entry in entries:
        paths = keep.get(str(entry.get("manager")))
        if paths is None:
            result.append(entry)
        elif kept := _pruned(entry.get("fieldsV1") or {}, paths):
            result.append({**entry, "fieldsV1": kept})
    return None if result == entries else result


def gave_back(live: Mapping[str, Any]) -> bool:
    """Tell whether a give-back has begun on this object."""
    return any(entry.get("manager") == GIVE_BACK_MANAGER for entry in _entries(live))

"""managedFields: who wrote each field last, as structured-merge-diff keeps them.

An update owns what it changes and takes it from everybody else; an apply owns all that it names,
and conflicts where that is another's and would change.
"""

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from responder.sandbox.api.field_sets import Json, Path, from_fields_v1, leaves, to_fields_v1
from responder.sandbox.api.patching import merged

_BEFORE = "before-first-apply"


class Writer(NamedTuple):
    """What tells one entry from another."""

    manager: str
    operation: str = "Update"
    subresource: str = ""


Managed = dict[Writer, set[Path]]


class FieldsOfOthersError(Exception):
    """An apply without force would change fields that belong to others."""

    def __init__(self, fields: Mapping[Path, str]) -> None:
        """`fields` has the manager of each."""
        self.fields = fields
        super().__init__(sorted(fields))


def read(entries: Any) -> Managed:  # noqa: ANN401 -- as stored, or as somebody sent it
    """Read managedFields; raises ValueError where they are none."""
    found: Managed = {}
    for entry in entries or ():
        if not isinstance(entry, Mapping) or not isinstance(entry.get("fieldsV1", {}), Mapping):
            raise ValueError(entry)  # noqa: TRY004 -- one error for whatever is none
        writer = Writer(
            str(entry.get("manager", "")),
            str(entry.get("operation", "")),
            str(entry.get("subresource", "")),
        )
        found.setdefault(writer, set()).update(from_fields_v1(entry.get("fieldsV1") or {}))
    return found


def sent(body: Mapping[str, Any], live: Mapping[str, Any]) -> list[Json]:
    """Give what a request makes of managedFields: without any "as they are", an empty list none."""
    told = (body.get("metadata") or {}).get("managedFields")
    if told is None:
        return list((live.get("metadata") or {}).get("managedFields") or ())
    return [] if told == [{}] else list(told)


def written(entries: list[Json], managed: Managed, *, api_version: str, now: str) -> list[Json]:
    """Write managedFields; an entry that stays as it was keeps its time."""
    known = {writer: (entry, read([entry])) for entry in entries for writer in read([entry])}
    result: list[Json] = []
    for writer, paths in managed.items():
        before = known.get(writer)
        if before is not None and before[1][writer] == paths:
            result.append(before[0])
            continue
        entry: Json = {
            "manager": writer.manager,
            "operation": writer.operation,
            "apiVersion": api_version,
            "time": now,
            "fieldsType": "FieldsV1",
            "fieldsV1": to_fields_v1(paths),
        }
        result.append(entry | ({"subresource": writer.subresource} if writer.subresource else {}))
    return result


def created(new: Mapping[str, Any], *, writer: Writer) -> Managed:
    """Give all of a new object to who made it."""
    owned = set(leaves(new))
    return {writer: owned} if owned else {}


def updated(
    old: Mapping[str, Any], new: Mapping[str, Any], *, managed: Managed, writer: Writer
) -> Managed:
    """Give what changed to the writer; only a value that changes changes hands."""
    if not managed:
        # Nothing is managed until somebody applies: so after a reset, or a create of nothing.
        return {}
    return _owned(old, new, managed=managed, writer=writer, owns=None)


def _owned(
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    *,
    managed: Managed,
    writer: Writer,
    owns: Collection[Path] | None,
) -> Managed:
    before, after = leaves(old), leaves(new)
    removed = set(before) - set(after)
    changed = {path for path, value in after.items() if before.get(path) != value}
    result = {
        other: paths - removed - (set() if other == writer else changed)
        for other, paths in managed.items()
    }
    result[writer] = result.get(writer, set()) | changed if owns is None else set(owns)
    return {other: paths for other, paths in result.items() if paths}


def applied(
    live: Json, manifest: Mapping[str, Any], *, managed: Managed, writer: Writer, force: bool
) -> tuple[Json, Managed]:
    """Apply a manifest to an object that exists; raises FieldsOfOthersError."""
    wanted = {path: value for path, value in leaves(manifest).items() if path[-1] != "."}
    before = leaves(live)
    managed = managed or {Writer(_BEFORE): set(before)}
    owners = {
        path: other.manager for other, paths in managed.items() if other != writer for path in paths
    }
    changed = {path for path, value in wanted.items() if before.get(path) != value}
    in_the_way = {path: owners[path] for path in changed if path in owners}
    if in_the_way and not force:
        raise FieldsOfOthersError(in_the_way)
    new: Json = merged(live, manifest)
    for path in managed.get(writer, set()) - set(wanted) - set(owners):
        _remove(new, path)
    return new, _owned(live, new, managed=managed, writer=writer, owns=set(wanted))


def _remove(body: Json, path: Path) -> None:
    *above, last = path
    if last == ".":
        return
    for step in above:
        inner = body.get(step)
        if not isinstance(inner, dict):
            return
        body = inner
    body.pop(last, None)

"""Who owns which field: managedFields after an update, and server-side apply."""

import copy
import json
from collections.abc import Collection, Mapping
from typing import Any, Final, NamedTuple

from responder.sandbox.api.failures import Refused
from responder.sandbox.api.field_sets import (
    Path,
    Shape,
    fields,
    from_fields_v1,
    is_fields_v1,
    to_fields_v1,
    told,
)

Json = dict[str, Any]
BEFORE_FIRST_APPLY: Final = "before-first-apply"
SCALE: Final = "scale"
_REPLICAS: Final = ("f:spec", "f:replicas")


class Writer(NamedTuple):
    """What tells one entry of managedFields from another."""

    manager: str
    operation: str = "Update"
    subresource: str = ""


Managed = dict[Writer, set[Path]]


def read(entries: Collection[Mapping[str, Any]], shape: Shape) -> Managed:
    """The sets of an object's managedFields."""
    return {
        Writer(
            entry.get("manager", ""), entry.get("operation", ""), entry.get("subresource", "")
        ): from_fields_v1(entry.get("fieldsV1", {}), shape)
        for entry in entries
    }


def are_readable(entries: Collection[Mapping[str, Any]]) -> bool:
    """Whether the real server could decode them; else it keeps those that it has."""
    return all(
        entry.get("operation") in ("Apply", "Update")
        and entry.get("fieldsType") == "FieldsV1"
        and entry.get("apiVersion")
        and is_fields_v1(entry.get("fieldsV1", {}))
        for entry in entries
    )


def written(
    managed: Managed,
    old: Collection[Mapping[str, Any]],
    *,
    api_version: str,
    now: str,
    shape: Shape,
) -> list[Json]:
    """As managedFields; an entry that has not changed keeps its time."""
    before = {
        (
            entry.get("manager", ""),
            entry.get("operation", ""),
            entry.get("subresource", ""),
        ): dict(entry)
        for entry in old
    }
    entries = []
    for writer, paths in managed.items():
        kept = before.get(writer)
        if kept and from_fields_v1(kept.get("fieldsV1", {}), shape) == paths:
            entries.append(kept)
            continue
        entry: Json = {
            "manager": writer.manager,
            "operation": writer.operation,
            "apiVersion": api_version,
            "time": now,
            "fieldsType": "FieldsV1",
            "fieldsV1": to_fields_v1(paths),
        }
        entries.append(entry | ({"subresource": writer.subresource} if writer.subresource else {}))
    return sorted(entries, key=lambda e: (e["operation"], e.get("time", ""), e["manager"]))


def after_update(
    old: Json, new: Json, *, managed: Managed, writer: Writer, shape: Shape
) -> Managed:
    """Only a value that changes changes hands.

    A number of replicas that nobody owns stays so when it is scaled: the Scale that is shown for it
    has no managedFields then, and of such an object none are kept.
    """
    before, after = fields(old, shape), fields(new, shape)
    managed = _settled(managed, before)
    if writer.subresource == SCALE and not any(_REPLICAS in paths for paths in managed.values()):
        return managed
    removed = set(before) - set(after)
    changed = {path for path, value in after.items() if path not in before or before[path] != value}
    return _handed(managed, writer=writer, removed=removed, changed=changed)


def _settled(managed: Managed, before: Collection[Path]) -> Managed:
    """A name that was read as a map's and as a value's is what the object has there."""

    def is_other(path: Path, paths: set[Path]) -> bool:
        twin = path[:-1] if path[-1] == "." else (*path, ".")
        return twin in paths and path not in before

    return {
        writer: {path for path in paths if not is_other(path, paths)}
        for writer, paths in managed.items()
    }


def _handed(managed: Managed, *, writer: Writer, removed: set[Path], changed: set[Path]) -> Managed:
    result = {
        other: paths - removed - (set() if other == writer else changed)
        for other, paths in managed.items()
    }
    result[writer] = result.get(writer, set()) | changed
    return {other: paths for other, paths in result.items() if paths}


def applied(
    old: Json | None,
    manifest: Json,
    *,
    managed: Managed,
    writer: Writer,
    force: bool,
    shape: Shape,
) -> tuple[Json, Managed]:
    """The object after a server-side apply, and its owners. Raises Refused: 409."""
    wanted = {
        path: value for path, value in fields(manifest, shape).items() if not _is_only_around(path)
    }
    before = fields(old, shape) if old is not None else {}
    managed = _settled(managed, before)
    if old is not None and not managed:
        managed = {Writer(BEFORE_FIRST_APPLY): set(before)}
    changed = {path for path, value in wanted.items() if before.get(path, _ABSENT) != value}
    conflicts = sorted(
        (_owner(other), told(path))
        for other, paths in managed.items()
        if other != writer
        for path in changed & paths
        if path[-1] != "."
    )
    if conflicts and not force:
        raise Refused.apply_conflict(conflicts)
    others: set[Path] = set().union(*(p for other, p in managed.items() if other != writer))
    # A copy, since what is given up is taken out of it.
    new = copy.deepcopy(merge(old or {}, manifest, shape))
    for path in sorted(managed.get(writer, set()) - set(wanted) - others):
        _remove(new, path, keep=others | set(wanted))
    after = fields(new, shape)
    result = {
        other: {path for path in paths if path in after}
        - (set() if other == writer else changed & paths)
        for other, paths in managed.items()
    }
    result[writer] = set(wanted)
    return new, {other: paths for other, paths in result.items() if paths}


def _is_only_around(path: Path) -> bool:
    """A map in itself: who applies its keys does not own it. A list's item is a thing."""
    return path[-1] == "." and not path[-2].startswith("k:")


_ABSENT: Final = object()


def _owner(writer: Writer) -> str:
    using = f' with subresource "{writer.subresource}"' if writer.subresource else ""
    return f"{writer.manager}{using}"


def merge(old: Any, new: Any, shape: Shape) -> Any:  # noqa: ANN401 -- any JSON
    """Maps key by key, lists of named things by name, sets as sets; all else is replaced."""
    if isinstance(old, Mapping) and isinstance(new, Mapping) and not shape.atomic:
        return {
            **old,
            **{key: merge(old.get(key), value, shape.below(key)) for key, value in new.items()},
        }
    if isinstance(old, list) and isinstance(new, list) and new:
        items = {shape.item_step(item): item for item in old}
        steps = [shape.item_step(item) for item in new]
        if None in steps or None in items:
            return new
        merged = {
            step: merge(items.get(step), item, shape.item)
            for step, item in zip(steps, new, strict=True)
        }
        return [*({**items, **merged}).values()]
    return new


def _remove(body: Any, path: Path, *, keep: Collection[Path]) -> None:  # noqa: ANN401
    """Takes a field out; of a map or an item only what nobody keeps a part of."""
    whole = path[:-1] if path[-1] == "." else path
    if any(other[: len(whole)] == whole and other != path for other in keep):
        return
    *above, last = whole
    node = body
    for step in above:
        node = _step(node, step)
        if node is None:
            return
    if isinstance(node, dict):
        node.pop(last[2:], None)
    elif isinstance(node, list):
        item = _step(node, last)
        if item is not None:
            node.remove(item)


def _step(node: Any, step: str) -> Any:  # noqa: ANN401 -- any JSON
    if isinstance(node, dict):
        return node.get(step[2:])
    if isinstance(node, list):
        wanted = json.loads(step[2:])
        if step.startswith("v:"):
            return wanted if wanted in node else None
        return next((i for i in node if all(i.get(k) == v for k, v in wanted.items())), None)
    return None

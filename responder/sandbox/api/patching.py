"""The ways to change a part of an object; each gives a new one and leaves the old as it was."""

import copy
from collections.abc import Mapping, Sequence
from typing import Any, Final

Json = dict[str, Any]

_MERGE_KEYS: Final = {
    "containers": "name",
    "initContainers": "name",
    "env": "name",
    "volumes": "name",
    "volumeMounts": "mountPath",
    "ports": "port",
    "conditions": "type",
    "ownerReferences": "uid",
    "imagePullSecrets": "name",
}
"""Lists that a strategic merge patch merges by this key; all others it replaces."""
_SETS: Final = frozenset({"finalizers"})


class PatchError(ValueError):
    """The patch can't be read, or doesn't fit the object."""


class TestFailedError(PatchError):
    """A `test` of a JSON patch found another value."""


def merged(target: Any, patch: Any) -> Any:  # noqa: ANN401 -- RFC 7386 is about any JSON
    """Apply a JSON merge patch (RFC 7386)."""
    if not isinstance(patch, Mapping):
        return patch
    result = dict(target) if isinstance(target, Mapping) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result


def strategically_merged(target: Any, patch: Any, *, key: str = "") -> Any:  # noqa: ANN401
    """Apply a strategic merge patch, as kubectl sends it for the built-in kinds."""
    if isinstance(patch, Mapping):
        return _strategic_map(target, patch)
    if isinstance(patch, list) and key in _MERGE_KEYS:
        return _strategic_list(target or [], patch, by=_merge_key(key, patch, target or []))
    if isinstance(patch, list) and key in _SETS:
        found = list(target or [])
        return found + [item for item in patch if item not in found]
    return copy.deepcopy(patch)


def _merge_key(key: str, *lists: Sequence[Any]) -> str:
    by = _MERGE_KEYS[key]
    if key == "ports" and any("containerPort" in item for items in lists for item in items):
        return "containerPort"
    return by


def _strategic_map(target: Any, patch: Mapping[str, Any]) -> Json:  # noqa: ANN401 -- any JSON
    directive = patch.get("$patch")
    if directive == "replace":
        return {name: value for name, value in patch.items() if name != "$patch"}
    if directive == "delete":
        return {}
    result = dict(target) if isinstance(target, Mapping) else {}
    for name, value in patch.items():
        if name.startswith("$deleteFromPrimitiveList/"):
            plain = name.partition("/")[2]
            result[plain] = [item for item in result.get(plain, []) if item not in value]
        elif name.startswith(("$setElementOrder/", "$retainKeys", "$patch")):
            continue
        elif value is None:
            result.pop(name, None)
        else:
            result[name] = strategically_merged(result.get(name), value, key=name)
    for name, order in patch.items():
        if name.startswith("$setElementOrder/"):
            plain = name.partition("/")[2]
            if plain in result:
                result[plain] = _ordered(result[plain], order, key=plain)
    return result


def _strategic_list(target: Sequence[Any], patch: Sequence[Any], *, by: str) -> list[Any]:
    result = list(target)
    for item in patch:
        if not isinstance(item, Mapping) or (by not in item and "$patch" not in item):
            raise PatchError(f"map: {item!r} does not contain declared merge key: {by}")
        at = next((n for n, old in enumerate(result) if old.get(by) == item.get(by)), None)
        if item.get("$patch") == "replace":
            result = []
        elif item.get("$patch") == "delete":
            result = [old for old in result if old.get(by) != item.get(by)]
        elif at is None:
            result.append(strategically_merged({}, item))
        else:
            result[at] = strategically_merged(result[at], item)
    return result


def _ordered(items: list[Any], order: Sequence[Any], *, key: str) -> list[Any]:
    by = _merge_key(key, items) if key in _MERGE_KEYS else ""
    wanted = [entry.get(by) if isinstance(entry, Mapping) else entry for entry in order]

    def place(item: Any) -> int:  # noqa: ANN401 -- any JSON
        value = item.get(by) if isinstance(item, Mapping) else item
        return wanted.index(value) if value in wanted else len(wanted)

    return sorted(items, key=place)


def json_patched(target: Json, operations: Any) -> Any:  # noqa: ANN401 -- any JSON
    """Apply a JSON patch (RFC 6902); raises PatchError, or TestFailedError for a `test`."""
    if not isinstance(operations, list):
        raise PatchError("a JSON patch is a list of operations")
    result: Any = copy.deepcopy(target)
    for operation in operations:
        if not isinstance(operation, Mapping) or "op" not in operation:
            raise PatchError("an operation of a JSON patch has an `op` and a `path`")
        result = _operated(result, operation)
    return result


def _operated(root: Any, operation: Mapping[str, Any]) -> Any:  # noqa: ANN401 -- any JSON
    path = _pointer(operation.get("path"))
    match operation["op"]:
        case "add":
            return _added(root, path, copy.deepcopy(operation.get("value")))
        case "remove":
            return _removed(root, path)
        case "replace":
            _found(root, path)
            return _added(_removed(root, path), path, copy.deepcopy(operation.get("value")))
        case "move":
            origin = _pointer(operation.get("from"))
            value = _found(root, origin)
            return _added(_removed(root, origin), path, value)
        case "copy":
            value = copy.deepcopy(_found(root, _pointer(operation.get("from"))))
            return _added(root, path, value)
        case "test":
            try:
                value = _found(root, path)
            except PatchError as error:
                raise TestFailedError(str(error)) from error
            if value != operation.get("value"):
                raise TestFailedError(f"testing value {operation.get('path')} failed")
            return root
        case other:
            raise PatchError(f"Unexpected kind: {other}")


def _pointer(text: Any) -> list[str]:  # noqa: ANN401 -- any JSON
    if not isinstance(text, str) or (text and not text.startswith("/")):
        raise PatchError(f"{text!r} is no JSON pointer")
    return [part.replace("~1", "/").replace("~0", "~") for part in text.split("/")[1:]]


def _index(items: Sequence[Any], step: str, *, adding: bool = False) -> int:
    if step == "-" and adding:
        return len(items)
    if not step.isdigit() or int(step) >= len(items) + adding:
        raise PatchError(f"{step!r} is not in the list")
    return int(step)


def _found(root: Any, path: Sequence[str]) -> Any:  # noqa: ANN401 -- any JSON
    for step in path:
        if isinstance(root, list):
            root = root[_index(root, step)]
        elif isinstance(root, Mapping) and step in root:
            root = root[step]
        else:
            raise PatchError(f"there is nothing at /{'/'.join(path)}")
    return root


def _added(root: Any, path: Sequence[str], value: Any) -> Any:  # noqa: ANN401 -- any JSON
    if not path:
        return value
    *above, last = path
    parent = _found(root, above)
    if isinstance(parent, list):
        parent.insert(_index(parent, last, adding=True), value)
    elif isinstance(parent, dict):
        parent[last] = value
    else:
        raise PatchError(f"nothing can be put at /{'/'.join(path)}")
    return root


def _removed(root: Any, path: Sequence[str]) -> Any:  # noqa: ANN401 -- any JSON
    _found(root, path)
    if not path:
        raise PatchError("the whole object can't be removed")
    *above, last = path
    parent = _found(root, above)
    if isinstance(parent, list):
        del parent[_index(parent, last)]
    else:
        del parent[last]
    return root

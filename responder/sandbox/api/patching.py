"""Merge patch, JSON patch and strategic merge patch: pure functions of JSON."""

import copy
from collections.abc import Mapping, Sequence
from typing import Any, Final

Json = dict[str, Any]

MERGE_KEYS: Final = {
    "conditions": "type",
    "containers": "name",
    "env": "name",
    "imagePullSecrets": "name",
    "initContainers": "name",
    "ownerReferences": "uid",
    "ports": "containerPort",
    "secrets": "name",
    "volumeMounts": "mountPath",
    "volumes": "name",
}
_PRIMITIVES_MERGED: Final = frozenset({"finalizers"})


class PatchError(ValueError):
    """The patch can't be applied to what there is."""


def merged(target: Any, patch: Any) -> Any:  # noqa: ANN401 -- RFC 7386 is about any JSON
    """RFC 7386."""
    if not isinstance(patch, Mapping):
        return patch
    result = dict(target) if isinstance(target, Mapping) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result


def json_patched(target: Json, patch: Sequence[Mapping[str, Any]]) -> Json:
    """RFC 6902. Raises PatchError: a path that is not there, a test that fails."""
    root: Json = {"": copy.deepcopy(target)}
    for step in patch:
        operation, path = step.get("op"), _steps(step.get("path", ""))
        match operation:
            case "move" | "copy":
                _carry(root, _steps(step.get("from", "")), path, moves=operation == "move")
            case "add":
                _add(root, path, _value(step))
            case "remove":
                _remove(root, path)
            case "replace":
                _replace(root, path, _value(step))
            case "test":
                # A key that is not there is null; what it would be a key of has to be there.
                if _at(_at(root, path[:-1]), path[-1:], missing=None) != step.get("value"):
                    raise PatchError(f"testing value {step.get('path')} failed: test failed")
            case _:
                raise PatchError(f"Unexpected kind: {operation}")
    result: Json = root[""]
    return result


def _carry(root: Json, origin: list[str], path: list[str], *, moves: bool) -> None:
    if origin == [""]:
        raise PatchError("the whole can't be moved or copied into itself")
    value = copy.deepcopy(_at(root, origin))
    if moves:
        _remove(root, origin)
    _add(root, path, value)


def _replace(root: Json, path: list[str], value: Any) -> None:  # noqa: ANN401 -- any JSON
    if path == [""]:
        if not isinstance(value, dict):
            raise PatchError("the whole can't be replaced by what is no object")
        root[""] = value
        return
    # A key that is not there yet is set: the real one's library does so, against the RFC.
    if isinstance(_at(root, path[:-1]), list):
        _remove(root, path)
    _add(root, path, value)


def _value(step: Mapping[str, Any]) -> Any:  # noqa: ANN401 -- any JSON
    return copy.deepcopy(step.get("value"))


def _index(text: str) -> int:
    if not text.isascii() or not text.isdecimal():
        raise PatchError(f"{text!r} is no index of a list")
    return int(text)


def _steps(pointer: str) -> list[str]:
    if pointer and not pointer.startswith("/"):
        raise PatchError(f"{pointer!r} is no JSON pointer")
    return [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")]


_REQUIRED: Final = object()


def _at(root: Any, path: list[str], missing: Any = _REQUIRED) -> Any:  # noqa: ANN401 -- any JSON
    node = root
    for step in path:
        try:
            node = node[_index(step)] if isinstance(node, list) else node[step]
        except (KeyError, IndexError, PatchError, TypeError):
            if missing is not _REQUIRED:
                return missing
            told = "/".join(path)
            raise PatchError(f"unable to find {told}: missing path: missing value") from None
    return node


def _add(root: Json, path: list[str], value: Any) -> None:  # noqa: ANN401 -- any JSON
    *above, last = path
    node = _at(root, above)
    if isinstance(node, list):
        at = len(node) if last == "-" else _index(last)
        if at > len(node):
            raise PatchError(f"index {at} is out of bounds")
        node.insert(at, value)
    elif isinstance(node, dict) and above:
        node[last] = value
    else:
        raise PatchError(f"add operation does not apply: doc is missing path: {'/'.join(path)}")


def _remove(root: Json, path: list[str]) -> None:
    _at(root, path)
    *above, last = path
    if not above:
        raise PatchError("remove operation does not apply to the whole")
    node = _at(root, above)
    node.pop(_index(last) if isinstance(node, list) else last)


def strategic(target: Any, patch: Any) -> Any:  # noqa: ANN401 -- any JSON
    """Kubernetes' own merge patch, by which lists of named things are merged thing by thing."""
    if not isinstance(patch, Mapping):
        return patch
    if patch.get("$patch") == "replace":
        return {key: value for key, value in patch.items() if key != "$patch"}
    result = dict(target) if isinstance(target, Mapping) else {}
    if "$retainKeys" in patch:
        result = {key: value for key, value in result.items() if key in patch["$retainKeys"]}
    for key, value in patch.items():
        if key.startswith("$deleteFromPrimitiveList/"):
            name = key.partition("/")[2]
            kept = [item for item in result.get(name, ()) if item not in value]
            result[name] = kept
        elif key.startswith("$"):
            continue
        elif value is None:
            result.pop(key, None)
        elif isinstance(value, list):
            result[key] = _merged_list(key, result.get(key) or [], value)
        else:
            result[key] = strategic(result.get(key), value)
    return result


def _merged_list(name: str, target: Any, patch: list[Any]) -> list[Any]:  # noqa: ANN401
    if not isinstance(target, list):
        return patch
    if name in _PRIMITIVES_MERGED:
        return [*target, *(item for item in patch if item not in target)]
    key = MERGE_KEYS.get(name)
    named = [item for item in [*target, *patch] if isinstance(item, Mapping) and key in item]
    if key == "containerPort" and not named:
        key = "port"  # a Service's
    if key is None or not all(isinstance(item, Mapping) for item in [*target, *patch]):
        return patch
    if any(item == {"$patch": "replace"} for item in patch):
        return [item for item in patch if "$patch" not in item]
    result = list(target)
    for item in patch:
        at = next((i for i, old in enumerate(result) if old.get(key) == item.get(key)), None)
        if item.get("$patch") == "delete":
            if at is not None:
                del result[at]
        elif at is None:
            result.append(strategic({}, item))
        else:
            result[at] = strategic(result[at], item)
    return result

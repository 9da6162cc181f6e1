"""Which fields an object has, and managedFields' way to write sets of them.

Follows structured-merge-diff. A path's steps are written as FieldsV1 writes them: `f:replicas`,
`k:{"name":"web"}`, `v:"finalizer"`, and "." for a map or a list's item in itself.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

Json = dict[str, Any]
Path = tuple[str, ...]

_LIST_KEYS: Final = {
    "conditions": ("type",),
    "containers": ("name",),
    "env": ("name",),
    "imagePullSecrets": ("name",),
    "initContainers": ("name",),
    "ownerReferences": ("uid",),
    "ports": ("containerPort", "protocol"),
    "volumeMounts": ("mountPath",),
    "volumes": ("name",),
}
_SETS: Final = frozenset({"finalizers"})
_ATOMIC: Final = frozenset({"selector", "configMapKeyRef", "secretKeyRef"})
_DOTTED: Final = frozenset({"annotations", "labels", "data", "binaryData"})
_UNMANAGED: Final = frozenset(
    (
        *(("f:apiVersion",), ("f:kind",)),
        *(
            ("f:metadata", f"f:{key}")
            for key in (
                *("name", "namespace", "uid", "resourceVersion", "generation", "managedFields"),
                *("creationTimestamp", "selfLink", "deletionTimestamp"),
                "deletionGracePeriodSeconds",
            )
        ),
    )
)


class Shape(NamedTuple):
    """What is known of a field: its name in a built-in kind, its schema in a custom one."""

    name: str = ""
    schema: Mapping[str, Any] | None = None

    def below(self, key: str) -> "Shape":
        if self.schema is None:
            return Shape(key)
        if not self.name and key == "metadata":
            return Shape(key)
        properties = self.schema.get("properties", {})
        further = self.schema.get("additionalProperties")
        return Shape(key, properties.get(key) or (further if isinstance(further, dict) else {}))

    @property
    def item(self) -> "Shape":
        return self if self.schema is None else Shape(self.name, self.schema.get("items", {}))

    @property
    def atomic(self) -> bool:
        """A map that has one owner."""
        if self.schema is None:
            return self.name in _ATOMIC
        return self.schema.get("x-kubernetes-map-type") == "atomic"

    @property
    def dotted(self) -> bool:
        """A map that is a field of its own, besides its keys."""
        return self.name in _DOTTED if self.schema is None else bool(self.name)

    @property
    def is_set(self) -> bool:
        if self.schema is None:
            return self.name in _SETS
        return self.schema.get("x-kubernetes-list-type") == "set"

    def item_step(self, item: Any) -> str | None:  # noqa: ANN401 -- any JSON
        """How a list's item is called; None where the list has one owner."""
        if self.is_set:
            return f"v:{_compact(item)}"
        if self.schema is None:
            keys = _LIST_KEYS.get(self.name, ())
        elif self.schema.get("x-kubernetes-list-type") == "map":
            keys = tuple(self.schema.get("x-kubernetes-list-map-keys", ()))
        else:
            keys = ()
        if not keys or not isinstance(item, Mapping) or keys[0] not in item:
            return None
        return f"k:{_compact({key: item[key] for key in keys if key in item})}"


def _compact(value: Any) -> str:  # noqa: ANN401 -- any JSON
    return json.dumps(value, separators=(",", ":"), sort_keys=True)


def fields(body: Mapping[str, Any], shape: Shape, at: Path = ()) -> dict[Path, Any]:
    """Every field that can be owned, with its value."""
    found: dict[Path, Any] = {}
    for key, value in body.items():
        path = (*at, f"f:{key}")
        if path in _UNMANAGED:
            continue
        _add(found, value, shape.below(key), path)
    return found


def _add(found: dict[Path, Any], value: Any, shape: Shape, path: Path) -> None:  # noqa: ANN401
    if isinstance(value, Mapping) and not shape.atomic and (value or shape.dotted):
        if shape.dotted:
            found[(*path, ".")] = True
        found |= fields(value, shape, path)
        return
    if isinstance(value, list) and value:
        steps = [shape.item_step(item) for item in value]
        if None not in steps:
            for step, item in zip(steps, value, strict=True):
                below = (*path, step or "")
                if shape.is_set:
                    found[below] = item
                else:
                    found[(*below, ".")] = True
                    found |= fields(item, shape.item, below)
            return
    found[path] = value


def to_fields_v1(paths: Iterable[Path]) -> Json:
    tree: Json = {}
    for path in sorted(paths):
        node = tree
        for step in path:
            node = node.setdefault(step, {})
    return _bare(tree)


def _bare(tree: Json) -> Json:
    """A map without any of its keys is written without the ".", too."""
    return {} if set(tree) == {"."} else {key: _bare(below) for key, below in tree.items()}


def from_fields_v1(tree: Mapping[str, Any], shape: Shape, at: Path = ()) -> set[Path]:
    found: set[Path] = set()
    for key, below in tree.items():
        path = (*at, key)
        under = shape.below(key[2:]) if key.startswith("f:") else shape.item
        if below:
            found |= from_fields_v1(below, under, path)
        elif key != "." and (key.startswith("k:") or (key.startswith("f:") and under.dotted)):
            # Read as both, since a bare name may be the map or a value that is no map.
            found |= {(*path, "."), path} if key.startswith("f:") else {(*path, ".")}
        else:
            found.add(path)
    return found


def is_fields_v1(tree: object) -> bool:
    """Whether it is a set of fields, written as FieldsV1."""
    return isinstance(tree, Mapping) and all(
        (key == "." or _is_step(key)) and is_fields_v1(below) for key, below in tree.items()
    )


def _is_step(key: str) -> bool:
    kind, colon, rest = key.partition(":")
    if not colon or kind not in "fkvi" or not kind:
        return False
    if kind == "f":
        return True
    try:
        value = json.loads(rest)
    except ValueError:
        return False
    return kind != "k" or isinstance(value, dict)


def told(path: Path) -> str:
    """As a conflict names it: .spec.replicas."""
    parts = []
    for step in path:
        if step.startswith("f:"):
            parts.append(f".{step[2:]}")
        elif step.startswith("k:"):
            keys = json.loads(step[2:])
            inner = ",".join(f"{key}={_compact(value)}" for key, value in keys.items())
            parts.append(f"[{inner}]")
        elif step.startswith("v:"):
            parts.append(f"[={step[2:]}]")
    return "".join(parts)

"""Which fields an object has, and managedFields' way to write sets of them.

Follows structured-merge-diff as far as the objects that are held need it.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

Json = dict[str, Any]
Path = tuple[str, ...]

_MAPS: Final = frozenset({("metadata", "annotations"), ("metadata", "labels"), ("data",)})
_ATOMIC: Final = frozenset({("spec", "scaleTargetRef")})
_UNMANAGED: Final = frozenset(
    {
        ("apiVersion",),
        ("kind",),
        *(
            ("metadata", key)
            for key in (
                "name",
                "namespace",
                "uid",
                "resourceVersion",
                "generation",
                "managedFields",
            )
        ),
    }
)


def leaves(body: Mapping[str, Any], at: Path = ()) -> dict[Path, Any]:
    """Every managed field with its value; a map is one of its own, named "." in itself."""
    found: dict[Path, Any] = {}
    for key, value in body.items():
        path = (*at, key)
        if path in _UNMANAGED:
            continue
        if isinstance(value, Mapping) and path not in _ATOMIC:
            if path in _MAPS:
                found[(*path, ".")] = True
            found |= leaves(value, path)
        else:
            found[path] = value
    return found


def to_fields_v1(paths: Iterable[Path]) -> Json:
    tree: Json = {}
    for path in sorted(paths):
        node = tree
        for step in path:
            node = node.setdefault("." if step == "." else f"f:{step}", {})
    return _bare(tree)


def _bare(tree: Json) -> Json:
    """A map without any of its keys is written without the ".", too."""
    return {} if set(tree) == {"."} else {key: _bare(below) for key, below in tree.items()}


def from_fields_v1(tree: Mapping[str, Any], at: Path = ()) -> set[Path]:
    found: set[Path] = set()
    for key, below in tree.items():
        path = (*at, key.removeprefix("f:"))
        bare = (*path, ".") if path in _MAPS else path
        found |= from_fields_v1(below, path) if below else {bare}
    return found


def merged(target: Any, patch: Any) -> Any:  # noqa: ANN401 -- RFC 7386 is about any JSON
    """Applies a JSON merge patch."""
    if not isinstance(patch, Mapping):
        return patch
    result = dict(target) if isinstance(target, Mapping) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result

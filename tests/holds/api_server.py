"""A small model of what the API server does to the objects that are held.

Held to the real one by the tests beside it. It knows Deployments, HorizontalPodAutoscalers and
ConfigMaps: merge patch, PUT, server-side apply, resourceVersion, generation, defaults, validation
and, above all, managedFields.
"""

import copy
import itertools
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from responder.holds.objects import ObjectKey
from tests.holds.field_sets import Json, Path, from_fields_v1, leaves, merged, to_fields_v1

REPLICAS = ("spec", "replicas")
API_VERSIONS = {
    "Deployment": "apps/v1",
    "HorizontalPodAutoscaler": "autoscaling/v2",
    "ConfigMap": "v1",
}


class ConflictError(Exception):
    """409: the resourceVersion is not the present one, or an apply meets another's field."""


class InvalidError(Exception):
    """422."""


class Writer(NamedTuple):
    """What tells one entry of managedFields from another."""

    manager: str
    operation: str = "Update"
    subresource: str = ""


@dataclass(slots=True)
class Stored:
    body: Json
    managed: dict[Writer, set[Path]]


@dataclass(slots=True)
class ApiServer:
    """One namespace, one version counter."""

    objects: dict[ObjectKey, Stored] = field(default_factory=dict)
    _versions: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _uids: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def get(self, key: ObjectKey) -> Json | None:
        stored = self.objects.get(key)
        if stored is None:
            return None
        body = copy.deepcopy(stored.body)
        if stored.managed:
            body["metadata"]["managedFields"] = [
                _entry(writer, paths, api_version=API_VERSIONS[key.kind])
                for writer, paths in stored.managed.items()
            ]
        return body

    def create(self, key: ObjectKey, body: Mapping[str, Any], *, manager: str) -> Json:
        if key in self.objects:
            raise ConflictError(key)
        new = _defaulted(key.kind, copy.deepcopy(dict(body)))
        meta = new.setdefault("metadata", {})
        _validate(key.kind, new)
        meta.update(
            name=key.name,
            namespace=key.namespace,
            uid=f"object-{next(self._uids)}",
            resourceVersion=str(next(self._versions)),
        )
        if key.kind == "Deployment":
            meta["generation"] = 1
        owned = set(leaves(new))
        self.objects[key] = Stored(new, {Writer(manager): owned} if owned else {})
        return self._present(key)

    def delete(self, key: ObjectKey) -> None:
        del self.objects[key]

    def patch(
        self, key: ObjectKey, patch: Mapping[str, Any], *, manager: str, subresource: str = ""
    ) -> Json:
        """A merge patch; guarded where it carries a resourceVersion."""
        live = self._present(key)
        return self._update(key, merged(live, patch), writer=Writer(manager, "Update", subresource))

    def replace(self, key: ObjectKey, manifest: Mapping[str, Any], *, manager: str) -> Json:
        """PUT, as `kubectl replace` sends it: without a resourceVersion, without managedFields."""
        return self._update(key, copy.deepcopy(dict(manifest)), writer=Writer(manager))

    def replace_annotations(
        self, key: ObjectKey, annotations: Mapping[str, str], *, manager: str = "kubectl-rollout"
    ) -> Json:
        """What `kubectl rollout undo` does beside the pod template."""
        live = self._present(key)
        live["metadata"]["annotations"] = dict(annotations)
        return self._update(key, live, writer=Writer(manager))

    def apply(
        self, key: ObjectKey, manifest: Mapping[str, Any], *, manager: str, force: bool
    ) -> Json:
        """Server-side apply of an object that exists."""
        live = self._present(key)
        writer = Writer(manager, "Apply")
        stored = self.objects[key]
        wanted = {path: value for path, value in leaves(manifest).items() if path[-1] != "."}
        before = leaves(live)
        if not stored.managed:
            stored.managed = {Writer("before-first-apply"): set(before)}
        others: set[Path] = set()
        for other, paths in stored.managed.items():
            if other != writer:
                others |= paths
        changed = {path for path, value in wanted.items() if before.get(path) != value}
        if changed & others and not force:
            raise ConflictError(sorted(changed & others))
        new = merged(live, manifest)
        for path in stored.managed.get(writer, set()) - set(wanted) - others:
            _remove(new, path)
        return self._update(key, new, writer=writer, owns=set(wanted))

    def _present(self, key: ObjectKey) -> Json:
        live = self.get(key)
        if live is None:
            raise KeyError(key)
        return live

    def _update(
        self, key: ObjectKey, new: Json, *, writer: Writer, owns: Collection[Path] | None = None
    ) -> Json:
        stored = self.objects[key]
        live_meta = stored.body["metadata"]
        meta = new.setdefault("metadata", {})
        sent = meta.pop("managedFields", None)
        if (
            meta.get("resourceVersion", live_meta["resourceVersion"])
            != (live_meta["resourceVersion"])
        ):
            raise ConflictError(key)
        for name in ("name", "namespace", "uid", "resourceVersion", "generation"):
            if name in live_meta:
                meta[name] = live_meta[name]
        new = _defaulted(key.kind, new)
        _validate(key.kind, new)
        managed = stored.managed if writer.subresource else _sent(sent, stored.managed)
        if writer.subresource != "scale" or any(REPLICAS in owned for owned in managed.values()):
            # A scale of a number that nobody owns is recorded in nobody's name.
            managed = _owned(stored.body, new, managed=managed, writer=writer, owns=owns)
        if new == stored.body and managed == stored.managed:
            return self._present(key)
        if key.kind == "Deployment" and _spec_or_annotations(new) != _spec_or_annotations(
            stored.body
        ):
            meta["generation"] = live_meta["generation"] + 1
        meta["resourceVersion"] = str(next(self._versions))
        self.objects[key] = Stored(new, managed)
        return self._present(key)


def _spec_or_annotations(body: Json) -> tuple[Any, Any]:
    return body.get("spec"), body["metadata"].get("annotations")


def _entry(writer: Writer, paths: Collection[Path], *, api_version: str) -> Json:
    entry: Json = {
        "apiVersion": api_version,
        "fieldsType": "FieldsV1",
        "fieldsV1": to_fields_v1(paths),
        "manager": writer.manager,
        "operation": writer.operation,
    }
    return {**entry, "subresource": writer.subresource} if writer.subresource else entry


def _sent(sent: Any, live: dict[Writer, set[Path]]) -> dict[Writer, set[Path]]:  # noqa: ANN401
    """What the request makes of managedFields: without any "as they are", an empty list none."""
    if sent is None:
        return live
    if sent in ([], [{}]):
        return {}
    return {
        Writer(entry["manager"], entry["operation"], entry.get("subresource", "")): from_fields_v1(
            entry["fieldsV1"]
        )
        for entry in sent
    }


def _owned(
    old: Json,
    new: Json,
    *,
    managed: dict[Writer, set[Path]],
    writer: Writer,
    owns: Collection[Path] | None,
) -> dict[Writer, set[Path]]:
    """structured-merge-diff's Update: only a value that changes changes hands."""
    if not managed and owns is None:
        # Nothing is managed until somebody applies: so after a reset, or a create of nothing.
        return {}
    before, after = leaves(old), leaves(new)
    removed = set(before) - set(after)
    changed = {path for path, value in after.items() if before.get(path) != value}
    result = {
        other: paths - removed - (set() if other == writer else changed)
        for other, paths in managed.items()
    }
    mine = result.get(writer, set()) | changed if owns is None else set(owns)
    result[writer] = mine
    return {other: paths for other, paths in result.items() if paths}


def _remove(body: Json, path: Path) -> None:
    *above, last = path
    if last == ".":
        return
    for step in above:
        body = body.get(step, {})
    body.pop(last, None)


def _defaulted(kind: str, body: Json) -> Json:
    spec = body.get("spec", {})
    if kind == "Deployment":
        spec.setdefault("replicas", 1)
    if kind == "HorizontalPodAutoscaler":
        spec.setdefault("minReplicas", 1)
    if not body.get("data", True):
        del body["data"]
    for name in ("annotations", "labels"):
        if not body.get("metadata", {}).get(name, True):
            del body["metadata"][name]
    return body


def _validate(kind: str, body: Json) -> None:
    spec = body.get("spec", {})
    if kind == "Deployment" and spec["replicas"] < 0:
        raise InvalidError("replicas")
    if kind == "HorizontalPodAutoscaler" and not 1 <= spec["minReplicas"] <= spec["maxReplicas"]:
        raise InvalidError("bounds")
    values = [*body.get("data", {}).values(), *body["metadata"].get("annotations", {}).values()]
    if not all(isinstance(value, str) for value in values):
        raise InvalidError("not a string")

"""Creates, updates, applies and deletes objects: the order of checks is the real server's."""

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from responder.sandbox.api import decoding, deleting, ownership, rules, strategy
from responder.sandbox.api.failures import Cause, Refused
from responder.sandbox.api.field_sets import Shape
from responder.sandbox.api.kinds import NAMESPACE, Kind
from responder.sandbox.api.ownership import Writer
from responder.sandbox.api.served import Served
from responder.sandbox.api.store import Store
from responder.sandbox.api.strategy import Options

Json = dict[str, Any]
_LARGEST_BYTES: Final = 3 * 2**19
"""etcd's limit of a request. There an object is protobuf, and somewhat smaller than its JSON."""


@dataclass(slots=True)
class Objects:
    """Everything that writes goes through here; nothing waits in between."""

    store: Store
    now: Callable[[], str] = strategy.now
    """The time, as metadata has it."""
    new_uid: Callable[[], str] = lambda: str(uuid.uuid4())
    kinds: Served = field(init=False)

    def __post_init__(self) -> None:
        self.kinds = Served(self.store)

    def get(self, kind: Kind, namespace: str, name: str) -> Json:
        """Raises Refused: 404."""
        body = self.store.get(kind.key, (namespace, name))
        if body is None:
            raise Refused.not_found(kind, name)
        return body

    def create(self, kind: Kind, namespace: str, body: Json, options: Options) -> Json:
        """Raises Refused: 400, 403, 404, 409, 422."""
        body = strategy.decoded(kind, body, options)
        meta = dict(body.get("metadata") or {})
        body["metadata"] = meta
        if meta.get("resourceVersion"):
            raise Refused(500, "", "resourceVersion should not be set on objects to be created")
        meta.pop("resourceVersion", None)
        strategy.require_namespace(kind, namespace, meta)
        if not meta.get("name"):
            meta["name"] = strategy.generated_name(kind, meta)
        self._admit(kind, namespace, meta["name"])
        if kind.namespaced:
            meta["namespace"] = namespace
        live = self.store.get(kind.key, (namespace, meta["name"]))
        if live is not None:
            going = "deletionTimestamp" in live["metadata"]
            taken = Refused.exists(kind, meta["name"], going=going)
            strategy.require_valid(kind, rules.defaulted(kind, body), None)
            raise taken
        if "status" in kind.subresources:
            body.pop("status", None)
        body = strategy.defaulted(kind, body)
        meta.pop("managedFields", None)
        meta = body["metadata"]
        meta |= {"uid": self.new_uid(), "creationTimestamp": self.now()}
        meta.pop("deletionTimestamp", None)
        if kind.generation:
            meta["generation"] = 1
        strategy.require_valid(kind, body, None)
        shape = Shape(schema=kind.schema)
        managed = ownership.after_update(
            {}, body, managed={}, writer=Writer(options.manager), shape=shape
        )
        return self._commit(kind, None, body, managed, options)

    def update(
        self,
        kind: Kind,
        namespace: str,
        name: str,
        change: Callable[[Json], Json],
        options: Options,
        *,
        subresource: str = "",
        replaces: bool = False,
    ) -> Json:
        """`change` makes the new object of the present one; `replaces`: by PUT. Raises Refused."""
        old = self.get(kind, namespace, name)
        changed = change(old)
        if not replaces:
            _require_readable(kind, name, changed)
        new = strategy.decoded(kind, changed, options)
        meta = dict(new.get("metadata") or {})
        new["metadata"] = meta
        strategy.require_name(name, meta)
        strategy.require_namespace(kind, namespace, meta)
        live = old["metadata"]
        if replaces and not meta.get("resourceVersion") and kind.versioned_updates:
            told = "Invalid value: 0: must be specified for an update"
            cause = Cause("FieldValueInvalid", told, "metadata.resourceVersion")
            raise Refused.invalid(kind, name, [cause])
        if meta.get("resourceVersion", "") not in ("", "0", live["resourceVersion"]):
            raise Refused.conflict(kind, name)
        if subresource == "" and (meta.get("uid") or live["uid"]) != live["uid"]:
            if not replaces:
                message = f'Invalid value: "{meta["uid"]}": field is immutable'
                cause = Cause("FieldValueInvalid", message, "metadata.uid")
                raise Refused.invalid(kind, name, [cause])
            told = (
                f"Precondition failed: UID in precondition: {meta['uid']},"
                f" UID in object meta: {live['uid']}"
            )
            raise Refused.conflict(kind, name, told)
        sent = meta.pop("managedFields", None)
        if subresource == "status":
            new = {**old, "status": new.get("status")}
            new = {k: v for k, v in new.items() if k != "status" or v is not None}
            new["metadata"] = {k: v for k, v in live.items() if k != "managedFields"}
        elif "status" in kind.subresources:
            new = {k: v for k, v in new.items() if k != "status"}
            new |= {"status": old["status"]} if "status" in old else {}
        shape = Shape(schema=kind.schema)
        managed = ownership.read(_entries(live, sent, subresource), shape)
        new = strategy.kept(kind, old, new)
        strategy.require_valid(kind, new, old)
        if managed:
            writer = Writer(options.manager, "Update", subresource)
            managed = ownership.after_update(old, new, managed=managed, writer=writer, shape=shape)
        return self._commit(kind, old, new, managed, options)

    def apply(
        self,
        kind: Kind,
        namespace: str,
        name: str,
        manifest: Json,
        options: Options,
        *,
        subresource: str = "",
    ) -> tuple[Json, bool]:
        """Server-side apply; whether it has made the object. Raises Refused."""
        if not manifest.get("apiVersion") or not manifest.get("kind"):
            raise Refused.bad_request("invalid object type: /, Kind=")
        manifest = strategy.decoded(kind, manifest, options)
        meta = dict(manifest.get("metadata") or {})
        if meta.get("managedFields"):
            raise Refused.bad_request("metadata.managedFields must be nil")
        if not meta.get("name"):
            raise Refused.nameless(name)
        manifest["metadata"] = meta
        old = self.store.get(kind.key, (namespace, name))
        if old is None and (subresource or meta.get("uid")):
            raise Refused.not_found(kind, name)
        if "status" in kind.subresources:
            kept = ("apiVersion", "kind", "metadata", "status")
            manifest = {
                k: v for k, v in manifest.items() if (k in kept if subresource else k != "status")
            }
        shape = Shape(schema=kind.schema)
        entries = [] if old is None else old["metadata"].get("managedFields", [])
        writer = Writer(options.manager, "Apply", subresource)
        version = meta.pop("resourceVersion", "")
        if version and old and version != old["metadata"]["resourceVersion"]:
            raise Refused.conflict(kind, name)
        new, managed = ownership.applied(
            old,
            manifest,
            managed=ownership.read(entries, shape),
            writer=writer,
            force=options.force,
            shape=shape,
        )
        if old is not None:
            new = strategy.kept(kind, old, new)
            strategy.require_valid(kind, new, old)
            return self._commit(kind, old, new, managed, options), False
        self._admit(kind, namespace, name)
        new = strategy.defaulted(kind, new)
        new["metadata"] |= {"uid": self.new_uid(), "creationTimestamp": self.now()}
        new["metadata"] |= {"namespace": namespace} if kind.namespaced else {}
        new["metadata"] |= {"generation": 1} if kind.generation else {}
        strategy.require_valid(kind, new, None)
        return self._commit(kind, None, new, managed, options), True

    def delete(self, kind: Kind, namespace: str, name: str, wish: Mapping[str, Any]) -> Json:
        """`wish` is a DeleteOptions. Returns the object or a Status. Raises Refused."""
        old = self.get(kind, namespace, name)
        new = deleting.left(kind, old, wish, now=self.now())
        if wish.get("dryRun"):
            return deleting.answer(kind, old) if new is None else new
        if new is None:
            self.store.remove(kind.key, (namespace, name))
            return deleting.answer(kind, old)
        return old if new is old else self.store.put(kind.key, new)

    def _commit(
        self,
        kind: Kind,
        old: Json | None,
        new: Json,
        managed: ownership.Managed,
        options: Options,
    ) -> Json:
        shape = Shape(schema=kind.schema)
        entries = [] if old is None else old["metadata"].get("managedFields", [])
        meta = {k: v for k, v in new["metadata"].items() if k != "managedFields"}
        if managed:
            meta["managedFields"] = ownership.written(
                managed, entries, api_version=kind.api_version, now=self.now(), shape=shape
            )
        new = {**new, "metadata": meta}
        if old is not None:
            meta["resourceVersion"] = old["metadata"]["resourceVersion"]
            if new == old:
                return old
        if options.dry_run:
            return new
        if "deletionTimestamp" in meta and not meta.get("finalizers") and kind != NAMESPACE:
            self.store.remove(kind.key, (meta.get("namespace", ""), meta["name"]))
            return new
        size = len(json.dumps(new, separators=(",", ":")))
        if size > _LARGEST_BYTES:
            raise Refused.too_large(size)
        return self.store.put(kind.key, new, size=size)

    def _admit(self, kind: Kind, namespace: str, name: str) -> None:
        """Raises Refused: nothing new comes into what is going."""
        if kind.terminating:
            why = "create not allowed while custom resource definition is terminating"
            raise Refused.forbidden(kind, name, why)
        if not kind.namespaced:
            return
        live = self.store.get(NAMESPACE.key, ("", namespace))
        if live is None:
            raise Refused.not_found(NAMESPACE, namespace)
        if "deletionTimestamp" in live["metadata"]:
            why = (
                f"unable to create new content in namespace {namespace} because it is being"
                " terminated"
            )
            refused = Refused.forbidden(kind, name, why)
            told = f"namespace {namespace} is being terminated"
            cause = Cause("NamespaceTerminating", told, "metadata.namespace")
            refused.details = {**(refused.details or {}), "causes": [cause._asdict()]}
            raise refused


def _entries(live: Json, sent: list[Json] | None, subresource: str) -> list[Json]:
    """Left out they stay as they are, and where they make no sense; one that is empty is "none"."""
    if sent == [{}] and not subresource:
        return []
    if sent is None or subresource or not ownership.are_readable(sent):
        return list(live.get("managedFields", []))
    return sent


def _require_readable(kind: Kind, name: str, patched: Json) -> None:
    """Raises Refused: 422. What is sent whole and can't be read is a 400."""
    try:
        strategy.readable(kind, patched)
    except decoding.UnreadableError as why:
        cause = Cause("FieldValueInvalid", f"Invalid value: {why}", "patch")
        raise Refused.invalid(kind, name, [cause]) from why

"""Creates, updates, applies and deletes objects: the order of checks is the real server's."""

import secrets
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from responder.sandbox.api import ownership, rules, structural
from responder.sandbox.api.failures import Cause, Refused
from responder.sandbox.api.field_sets import Shape
from responder.sandbox.api.kinds import BUILT_IN, Kind, defined
from responder.sandbox.api.ownership import Writer
from responder.sandbox.api.store import Change, Store

Json = dict[str, Any]
_ALPHABET: Final = "bcdfghjklmnpqrstvwxz2456789"
_GIVEN: Final = (
    *("name", "namespace", "uid", "creationTimestamp", "deletionTimestamp"),
    *("deletionGracePeriodSeconds", "generation"),
)
_ANSWERED_WITH_OBJECT: Final = frozenset({"namespaces", "pods", "services", "serviceaccounts"})
DEFINITION: Final = next(kind for kind in BUILT_IN if kind.kind == "CustomResourceDefinition")
NAMESPACE: Final = next(kind for kind in BUILT_IN if kind.kind == "Namespace")


@dataclass(frozen=True, slots=True)
class Options:
    """What a write's query says; `strict` refuses unknown fields, `warn` collects them."""

    manager: str = "unknown"
    dry_run: bool = False
    force: bool = False
    validation: str = "Warn"
    warnings: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Objects:
    """Everything that writes goes through here; nothing waits in between."""

    store: Store
    _kinds: dict[tuple[str, str, str], Kind] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for kind in BUILT_IN:
            self._kinds[kind.group, kind.version, kind.plural] = kind
        for definition in self.store.listed(DEFINITION.key):
            self._serve(definition)
        self.store.listen(self._noticed)

    def kinds(self) -> list[Kind]:
        return list(self._kinds.values())

    def kind(self, group: str, version: str, plural: str) -> Kind | None:
        return self._kinds.get((group, version, plural))

    def kind_of(self, api_version: str, name: str) -> Kind | None:
        """The kind that an ownerReference or a scaleTargetRef names."""
        group, _, version = api_version.rpartition("/")
        return next(
            (k for k in self.kinds() if (k.group, k.version, k.kind) == (group, version, name)),
            None,
        )

    def get(self, kind: Kind, namespace: str, name: str) -> Json:
        """Raises Refused: 404."""
        body = self.store.get(kind.key, (namespace, name))
        if body is None:
            raise Refused.not_found(kind, name)
        return body

    def create(self, kind: Kind, namespace: str, body: Json, options: Options) -> Json:
        """Raises Refused: 400, 403, 404, 409, 422."""
        body = self._readable(kind, body, options)
        meta = dict(body.get("metadata") or {})
        body["metadata"] = meta
        if meta.get("resourceVersion"):
            raise Refused(500, "", "resourceVersion should not be set on objects to be created")
        meta.pop("resourceVersion", None)
        _same_namespace(kind, namespace, meta)
        if not meta.get("name"):
            meta["name"] = _generated(kind, meta)
        self._namespace_takes(kind, namespace, meta["name"])
        if self.store.get(kind.key, (namespace, meta["name"])) is not None:
            taken = Refused.exists(kind, meta["name"])
            self._valid(kind, rules.defaulted(kind, body), None)
            raise taken
        if "status" in kind.subresources:
            body.pop("status", None)
        body = self._defaulted(kind, body)
        meta.pop("managedFields", None)
        meta = body["metadata"]
        meta |= {"uid": str(uuid.uuid4()), "creationTimestamp": now()}
        meta.pop("deletionTimestamp", None)
        if kind.namespaced:
            meta["namespace"] = namespace
        if kind.generation:
            meta["generation"] = 1
        self._valid(kind, body, None)
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
        if not replaces and (why := rules.unreadable(kind, changed)):
            cause = Cause("FieldValueInvalid", f"Invalid value: {why}", "patch")
            raise Refused.invalid(kind, name, [cause])
        new = self._readable(kind, changed, options)
        meta = dict(new.get("metadata") or {})
        new["metadata"] = meta
        if meta.get("name", name) != name:
            told = (
                f"the name of the object ({meta['name']}) does not match the name on the URL"
                f" ({name})"
            )
            raise Refused.bad_request(told)
        _same_namespace(kind, namespace, meta)
        live = old["metadata"]
        if replaces and not meta.get("resourceVersion") and kind.versioned_updates:
            told = "Invalid value: 0: must be specified for an update"
            cause = Cause("FieldValueInvalid", told, "metadata.resourceVersion")
            raise Refused.invalid(kind, name, [cause])
        if (meta.get("resourceVersion") or live["resourceVersion"]) != live["resourceVersion"]:
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
        # Left out they stay as they are; an empty list, or one empty entry, is "none".
        entries = live.get("managedFields", []) if sent is None or subresource else sent
        managed = {} if entries == [{}] else ownership.read(entries, shape)
        new = self._kept(kind, old, new)
        self._valid(kind, new, old)
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
        manifest = self._readable(kind, manifest, options)
        meta = dict(manifest.get("metadata") or {})
        if meta.get("managedFields"):
            raise Refused.bad_request("metadata.managedFields must be nil")
        if not meta.get("name"):
            told = f"the name of the object ({name} based on URL) was undeterminable"
            raise Refused.bad_request(f"{told}: name must be provided")
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
            new = self._kept(kind, old, new)
            self._valid(kind, new, old)
            return self._commit(kind, old, new, managed, options), False
        self._namespace_takes(kind, namespace, name)
        new = self._defaulted(kind, new)
        new["metadata"] |= {"uid": str(uuid.uuid4()), "creationTimestamp": now()}
        new["metadata"] |= {"namespace": namespace} if kind.namespaced else {}
        new["metadata"] |= {"generation": 1} if kind.generation else {}
        self._valid(kind, new, None)
        return self._commit(kind, None, new, managed, options), True

    def delete(self, kind: Kind, namespace: str, name: str, wish: Mapping[str, Any]) -> Json:
        """`wish` is a DeleteOptions. Returns the object or a Status. Raises Refused."""
        old = self.get(kind, namespace, name)
        meta = old["metadata"]
        demanded = wish.get("preconditions") or {}
        if (demanded.get("uid") or meta["uid"]) != meta["uid"]:
            told = (
                f"the UID in the precondition ({demanded['uid']}) does not match the UID in record"
                f" ({meta['uid']}). The object might have been deleted and then recreated"
            )
            raise Refused.stale_delete(kind, name, told)
        version = demanded.get("resourceVersion") or meta["resourceVersion"]
        if version != meta["resourceVersion"]:
            told = (
                f"the ResourceVersion in the precondition ({version}) does not match the"
                f" ResourceVersion in record ({meta['resourceVersion']}). The object might have"
                " been modified"
            )
            raise Refused.stale_delete(kind, name, told)
        finalizers = list(meta.get("finalizers", ()))
        policy = wish.get("propagationPolicy")
        if policy in ("Foreground", "Orphan"):
            further = "foregroundDeletion" if policy == "Foreground" else "orphan"
            finalizers += [further] if further not in finalizers else []
        if kind == NAMESPACE:
            finalizers += ["kubernetes"]
        if not finalizers:
            if not wish.get("dryRun"):
                self.store.remove(kind.key, (namespace, name))
            return old if kind.plural in _ANSWERED_WITH_OBJECT else _success(kind, meta)
        if "deletionTimestamp" in meta:
            return old
        leaving = {**meta, "deletionTimestamp": now(), "deletionGracePeriodSeconds": 0}
        if kind == NAMESPACE:
            leaving.pop("deletionGracePeriodSeconds")
            old = {**old, "status": {"phase": "Terminating"}}
        else:
            leaving["finalizers"] = finalizers
        if "generation" in meta:
            leaving["generation"] = meta["generation"] + 1
        new = {**old, "metadata": leaving}
        return new if wish.get("dryRun") else self.store.put(kind.key, new)

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
                managed, entries, api_version=kind.api_version, now=now(), shape=shape
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
        return self.store.put(kind.key, new)

    def _kept(self, kind: Kind, old: Json, new: Json) -> Json:
        """With what a client may not change as it was, and the generation counted."""
        meta, live = new["metadata"], old["metadata"]
        for name in _GIVEN:
            meta.pop(name, None)
            if name in live:
                meta[name] = live[name]
        meta.pop("resourceVersion", None)
        new = self._defaulted(kind, {**new, "apiVersion": kind.api_version, "kind": kind.kind})
        if "generation" in live and _counted(kind, new) != _counted(kind, old):
            new["metadata"]["generation"] = live["generation"] + 1
        added = set(meta.get("finalizers", ())) - set(live.get("finalizers", ()))
        if "deletionTimestamp" in live and added:
            told = (
                "Forbidden: no new finalizers can be added if the object is being deleted,"
                f" found new finalizers []string{{{', '.join(map(_quoted, sorted(added)))}}}"
            )
            cause = Cause("FieldValueForbidden", told, "metadata.finalizers")
            raise Refused.invalid(kind, live["name"], [cause])
        return new

    def _readable(self, kind: Kind, body: Json, options: Options) -> Json:
        """Decoded as the kind; unknown fields of a custom one are pruned, warned of, refused."""
        for key, wanted in (("apiVersion", kind.api_version), ("kind", kind.kind)):
            if (body.get(key) or wanted) != wanted:
                told = f"the object provided is unrecognized (must be of type {kind.kind})"
                raise Refused.bad_request(told)
        body = {**body, "apiVersion": kind.api_version, "kind": kind.kind}
        if kind.schema is not None:
            body, unknown = structural.pruned(body, kind.schema)
            strange = [f'unknown field "{name}"' for name in unknown]
            if strange and options.validation == "Strict":
                message = f'{kind.kind} in version "{kind.version}" cannot be handled as a'
                message += f" {kind.kind}: strict decoding error: {', '.join(strange)}"
                raise Refused.bad_request(message)
            if options.validation == "Warn":
                options.warnings.extend(strange)
        if why := rules.unreadable(kind, body):
            message = (
                f'{kind.kind} in version "{kind.version}" cannot be handled as a {kind.kind}: {why}'
            )
            raise Refused.bad_request(message)
        return body

    def _defaulted(self, kind: Kind, body: Json) -> Json:
        body = rules.defaulted(kind, body)
        return body if kind.schema is None else structural.defaulted(body, kind.schema)

    def _valid(self, kind: Kind, body: Json, old: Json | None) -> None:
        causes = list(rules.mistakes(kind, body, old))
        if kind.schema is not None:
            causes += structural.mistakes(body, kind.schema)
            causes += structural.changed_for_ever(body, old, kind.schema)
        if causes:
            raise Refused.invalid(kind, body["metadata"]["name"], causes)

    def _namespace_takes(self, kind: Kind, namespace: str, name: str) -> None:
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

    def _noticed(self, change: Change) -> None:
        if change.key != DEFINITION.key:
            return
        if change.old is not None:
            for kind in defined(change.old):
                self._kinds.pop((kind.group, kind.version, kind.plural), None)
        if change.new is not None:
            self._serve(change.new)
        elif change.old is not None:
            for kind in defined(change.old):
                for body in self.store.listed(kind.key):
                    meta = body["metadata"]
                    self.store.remove(kind.key, (meta.get("namespace", ""), meta["name"]))

    def _serve(self, definition: Json) -> None:
        for kind in defined(definition):
            self._kinds[kind.group, kind.version, kind.plural] = kind


def now() -> str:
    """As metadata has it: whole seconds."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _quoted(text: str) -> str:
    return f'"{text}"'


def _counted(kind: Kind, body: Json) -> Json:
    """What the generation counts the changes of."""
    if kind.schema is not None:
        hidden = ("metadata", "status") if "status" in kind.subresources else ("metadata",)
        return {key: value for key, value in body.items() if key not in hidden}
    counted = {"spec": body.get("spec")}
    if kind.kind == "Deployment":
        counted["annotations"] = body["metadata"].get("annotations")
    return counted


def _generated(kind: Kind, meta: Json) -> str:
    if prefix := str(meta.get("generateName") or ""):
        return prefix + "".join(secrets.choice(_ALPHABET) for _ in range(5))
    message = "Required value: name or generateName is required"
    raise Refused.invalid(kind, "", [Cause("FieldValueRequired", message, "metadata.name")])


def _same_namespace(kind: Kind, namespace: str, meta: Json) -> None:
    if kind.namespaced and (meta.get("namespace") or namespace) != namespace:
        raise Refused.bad_request(
            "the namespace of the provided object does not match the namespace sent on the request"
        )


def _success(kind: Kind, meta: Json) -> Json:
    details = {"name": meta["name"], "group": kind.group, "kind": kind.plural, "uid": meta["uid"]}
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success",
        "details": {key: value for key, value in details.items() if value},
    }

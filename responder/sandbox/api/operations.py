"""What requests do: create, read, change and delete objects, by Kubernetes' rules.

Synchronous and whole: between a check and its commit nothing else happens.
"""

import copy
import re
import secrets
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from responder.sandbox.api import managed_fields
from responder.sandbox.api.failures import (
    Cause,
    Refused,
    Subject,
    already_exists,
    bad_request,
    conflict,
    invalid,
    modified,
    not_found,
)
from responder.sandbox.api.field_sets import Json, Path
from responder.sandbox.api.kinds import Kind, Kinds
from responder.sandbox.api.managed_fields import FieldsOfOthersError, Writer
from responder.sandbox.api.patching import (
    PatchError,
    TestFailedError,
    json_patched,
    merged,
    strategically_merged,
)
from responder.sandbox.api.store import Place, Store

_NAME = re.compile(r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$")
_LONGEST_NAME: Final = 253
_RANDOM: Final = "bcdfghjklmnpqrstvwxz2456789"
_LARGEST_BYTES: Final = 1_500_000
_SET_BY_US: Final = (
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
)

_PRECONDITIONS: Final = (
    ("uid", "UID", "deleted and then recreated"),
    ("resourceVersion", "ResourceVersion", "modified"),
)

MERGE: Final = "application/merge-patch+json"
STRATEGIC: Final = "application/strategic-merge-patch+json"
JSON_PATCH: Final = "application/json-patch+json"
APPLY: Final = "application/apply-patch+yaml"


@dataclass(frozen=True, slots=True)
class Options:
    """How a write is meant."""

    manager: str = "unknown"
    dry_run: bool = False
    force: bool = False


class Operations:
    """All writes go through here, and the reads that can be refused."""

    def __init__(
        self,
        store: Store,
        kinds: Kinds,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.store = store
        self.kinds = kinds
        self._now = now

    def moment(self) -> str:
        return self._now().strftime("%Y-%m-%dT%H:%M:%SZ")

    # -- reading

    def get(self, kind: Kind, namespace: str, name: str) -> Json:
        """Give an object; raises Refused."""
        found = self.store.get(Place(kind.resource, namespace, name))
        if found is None:
            raise not_found(Subject(kind.group, kind.plural, name))
        return found

    # -- creating

    def create(self, kind: Kind, namespace: str, body: Json, options: Options) -> Json:
        """Create an object; raises Refused."""
        new = self._readable(kind, namespace, body)
        metadata = dict(new["metadata"])
        if not metadata.get("name") and metadata.get("generateName"):
            suffix = "".join(secrets.choice(_RANDOM) for _ in range(5))
            metadata["name"] = f"{metadata['generateName']}{suffix}"
        name = str(metadata.get("name") or "")
        subject = Subject(kind.group, kind.plural, name)
        if metadata.get("resourceVersion"):
            raise bad_request("resourceVersion should not be set on objects to be created")
        self._require_namespace(kind, namespace, metadata)
        place = Place(kind.resource, namespace, name)
        for key in _SET_BY_US:
            metadata.pop(key, None)
        metadata["uid"] = str(uuid.uuid4())
        metadata["creationTimestamp"] = self.moment()
        if kind.counts_generations:
            metadata["generation"] = 1
        new["metadata"] = metadata
        if kind.has_status:
            new.pop("status", None)
        new = kind.default(_tidied(new))
        self._check(kind, new, old=None)
        if self.store.get(place) is not None:
            raise already_exists(subject)
        managed = managed_fields.created(new, writer=Writer(options.manager))
        return self._commit(kind, place, new, managed=managed, entries=[], options=options)

    def _readable(self, kind: Kind, namespace: str, body: Any) -> Json:  # noqa: ANN401 -- any JSON
        if not isinstance(body, dict):
            raise bad_request("the object provided is unrecognized: must be a JSON object")
        told = (body.get("apiVersion", kind.api_version), body.get("kind", kind.kind))
        if told != (kind.api_version, kind.kind):
            wanted = f"({kind.api_version}, Kind={kind.kind})"
            raise bad_request(
                f"the API version in the data ({told[0]}, Kind={told[1]})"
                f" does not match the expected API version {wanted}"
            )
        new = copy.deepcopy(body)
        new["apiVersion"], new["kind"] = kind.api_version, kind.kind
        metadata = new.setdefault("metadata", {})
        if not isinstance(metadata, dict):
            raise bad_request("metadata must be an object")
        if kind.namespaced:
            if metadata.get("namespace") not in (None, "", namespace):
                raise bad_request(
                    "the namespace of the provided object does not match the namespace"
                    " sent on the request"
                )
            metadata["namespace"] = namespace
        return new

    def _require_namespace(self, kind: Kind, namespace: str, metadata: Mapping[str, Any]) -> None:
        if not kind.namespaced:
            return
        found = self.store.get(Place("namespaces", "", namespace))
        if found is None:
            raise not_found(Subject("", "namespaces", namespace))
        if found["metadata"].get("deletionTimestamp"):
            subject = Subject(kind.group, kind.plural, str(metadata.get("name", "")))
            why = f"unable to create new content in namespace {namespace}"
            told = f'{subject.qualified} "{subject.name}" is forbidden: {why}'
            raise Refused(403, f"{told} because it is being terminated", subject=subject)

    def _check(self, kind: Kind, new: Json, *, old: Json | None) -> None:
        metadata = new["metadata"]
        name = str(metadata.get("name") or "")
        causes = [*_wrong_metadata(metadata), *kind.check(new, old)]
        if causes:
            raise invalid(Subject(kind.group, kind.kind, name), causes)

    # -- changing

    def update(
        self, kind: Kind, namespace: str, name: str, body: Json, options: Options, *, part: str = ""
    ) -> Json:
        """Replace an object, or its status; raises Refused."""
        live = self.get(kind, namespace, name)
        new = self._readable(kind, namespace, body)
        self._require_name(new, name)
        if not new["metadata"].get("resourceVersion") and not kind.unconditional_update:
            told = "Invalid value: 0: must be specified for an update"
            subject = Subject(kind.group, kind.kind, name)
            raise invalid(subject, [Cause("metadata.resourceVersion", told)])
        return self._change(kind, live, new, options, part=part)

    def _require_name(self, body: Json, name: str) -> None:
        told = body["metadata"].get("name")
        if told and told != name:
            raise bad_request(
                f"the name of the object ({told}) does not match the name on the URL ({name})"
            )

    def patch(
        self,
        kind: Kind,
        namespace: str,
        name: str,
        patch: Any,  # noqa: ANN401 -- any JSON
        options: Options,
        *,
        content_type: str,
        part: str = "",
    ) -> Json:
        """Change a part of an object; raises Refused."""
        if content_type == APPLY:
            return self.apply(kind, namespace, name, patch, options, part=part)
        live = self.get(kind, namespace, name)
        strategic = not kind.custom
        new = self.patched(live, patch, content_type=content_type, strategic=strategic)
        self._require_name(new, name)
        return self._change(kind, live, self._readable(kind, namespace, new), options, part=part)

    def patched(
        self,
        live: Json,
        patch: Any,  # noqa: ANN401 -- any JSON
        *,
        content_type: str,
        strategic: bool = True,
    ) -> Json:
        """Give what a patch makes of an object; raises Refused."""
        try:
            if content_type == MERGE:
                new = merged(live, patch)
            elif content_type == STRATEGIC and strategic:
                new = strategically_merged(live, patch)
            elif content_type == JSON_PATCH:
                new = json_patched(live, patch)
            else:
                told = f"{MERGE}, {JSON_PATCH}, {APPLY}"
                message = f"the body of the request was in an unknown format - accepted: {told}"
                raise Refused(415, message)
        except TestFailedError as error:
            told = "the server rejected our request due to an error in our request"
            raise Refused(422, told, reason="Invalid") from error
        except PatchError as error:
            raise bad_request(str(error)) from error
        if not isinstance(new, dict) or not isinstance(new.get("metadata"), dict):
            raise bad_request("the patch does not leave an object")
        return new

    def apply(
        self,
        kind: Kind,
        namespace: str,
        name: str,
        manifest: Any,  # noqa: ANN401 -- any YAML
        options: Options,
        *,
        part: str = "",
    ) -> Json:
        """Server-side apply: creates what isn't there; raises Refused."""
        wanted = self._readable(kind, namespace, manifest)
        if wanted["metadata"].get("managedFields"):
            raise bad_request("metadata.managedFields must be nil")
        wanted["metadata"].setdefault("name", name)
        writer = Writer(options.manager, "Apply", part)
        live = self.store.get(Place(kind.resource, namespace, name))
        if live is None:
            return self._apply_new(kind, namespace, wanted, writer, options)
        entries = list(live["metadata"].get("managedFields") or ())
        try:
            new, managed = managed_fields.applied(
                _bare(live),
                _bare(wanted),
                managed=managed_fields.read(entries),
                writer=writer,
                force=options.force,
            )
        except FieldsOfOthersError as error:
            raise _in_conflict(Subject(kind.group, kind.plural, name), error.fields) from error
        new["metadata"].pop("managedFields", None)
        return self._change(kind, live, new, options, part=part, managed=managed)

    def _apply_new(
        self, kind: Kind, namespace: str, wanted: Json, writer: Writer, options: Options
    ) -> Json:
        made = self.create(kind, namespace, wanted, Options(options.manager, options.dry_run))
        if options.dry_run:
            return made
        place = Place(kind.resource, namespace, str(made["metadata"]["name"]))
        entries = list(made["metadata"].get("managedFields") or ())
        (owned,) = managed_fields.read(entries).values() or (set(),)
        managed = {writer: owned}
        return self._commit(kind, place, _bare(made), managed=managed, entries=[], options=options)

    def _change(
        self,
        kind: Kind,
        live: Json,
        new: Json,
        options: Options,
        *,
        part: str = "",
        managed: managed_fields.Managed | None = None,
    ) -> Json:
        metadata, before = new["metadata"], live["metadata"]
        name = str(before["name"])
        subject = Subject(kind.group, kind.plural, name)
        wanted = metadata.get("resourceVersion")
        if wanted and wanted != before["resourceVersion"]:
            raise modified(subject)
        if not part and metadata.get("uid") not in (None, "", before["uid"]):
            told = f'Invalid value: "{metadata["uid"]}": field is immutable'
            raise invalid(Subject(kind.group, kind.kind, name), [Cause("metadata.uid", told)])
        try:
            entries = managed_fields.sent(new, live)
            known = managed_fields.read(entries)
        except ValueError as error:
            raise bad_request("metadata.managedFields can't be read") from error
        if part == "status":
            kept = _bare(live)
            kept["status"] = new.get("status")
            new = kept
        elif kind.has_status:
            new = {**new, "status": live.get("status")}
        new = kind.default(_tidied(_fixed(new, before)))
        self._check(kind, new, old=live)
        self._guard_deletion(subject, before, new["metadata"])
        if managed is None:
            writer = Writer(options.manager, "Update", part)
            managed = managed_fields.updated(_bare(live), _bare(new), managed=known, writer=writer)
        if kind.counts_generations and _counted(kind, new) != _counted(kind, live):
            new["metadata"]["generation"] = int(before.get("generation", 0)) + 1
        place = Place(kind.resource, str(before.get("namespace", "")), name)
        if before.get("deletionTimestamp") and not new["metadata"].get("finalizers"):
            return live if options.dry_run else self.store.remove(place)
        return self._commit(
            kind, place, new, managed=managed, entries=entries, options=options, live=live
        )

    def _guard_deletion(
        self, subject: Subject, before: Mapping[str, Any], after: Mapping[str, Any]
    ) -> None:
        """What is being deleted gets no further finalizers."""
        if not before.get("deletionTimestamp"):
            return
        more = [
            name
            for name in after.get("finalizers") or ()
            if name not in (before.get("finalizers") or ())
        ]
        if more:
            told = (
                "Forbidden: no new finalizers can be added if the object is being deleted,"
                f" found new finalizers {more!r}"
            )
            kind = Subject(subject.group, subject.resource, subject.name)
            raise invalid(kind, [Cause("metadata.finalizers", told, "FieldValueForbidden")])

    def _commit(
        self,
        kind: Kind,
        place: Place,
        new: Json,
        *,
        managed: managed_fields.Managed,
        entries: list[Json],
        options: Options,
        live: Json | None = None,
    ) -> Json:
        written = managed_fields.written(
            entries, managed, api_version=kind.api_version, now=self.moment()
        )
        metadata = {key: value for key, value in new["metadata"].items() if key != "managedFields"}
        if written:
            metadata["managedFields"] = written
        new = {**new, "metadata": metadata}
        if len(repr(new)) > _LARGEST_BYTES:
            raise Refused(500, "etcdserver: request is too large", reason="InternalError")
        if live is not None and _same(new, live):
            return live
        return new if options.dry_run else self.store.put(place, new)

    # -- deleting

    def delete(
        self,
        kind: Kind,
        namespace: str,
        name: str,
        *,
        dry_run: bool = False,
        preconditions: Mapping[str, Any] | None = None,
    ) -> Json:
        """Delete an object, or mark it where finalizers are left; raises Refused."""
        live = self.get(kind, namespace, name)
        metadata = live["metadata"]
        for key, shown, why in _PRECONDITIONS:
            wanted = (preconditions or {}).get(key)
            if wanted and wanted != metadata[key]:
                named = Subject("", kind.kind, name)
                raise conflict(
                    named,
                    f"the {shown} in the precondition ({wanted}) does not match"
                    f" the {shown} in record ({metadata[key]}). The object might have been {why}",
                )
        if dry_run:
            return live
        place = Place(kind.resource, namespace, name)
        if not metadata.get("finalizers"):
            return self.store.remove(place)
        if metadata.get("deletionTimestamp"):
            return live
        marked = {**metadata, "deletionTimestamp": self.moment(), "deletionGracePeriodSeconds": 0}
        if kind.counts_generations:
            marked["generation"] = int(metadata.get("generation", 0)) + 1
        return self.store.put(place, {**live, "metadata": marked})


def _bare(body: Mapping[str, Any]) -> Json:
    """Give an object without its managedFields."""
    metadata = {k: v for k, v in (body.get("metadata") or {}).items() if k != "managedFields"}
    return {**body, "metadata": metadata}


def _fixed(new: Json, before: Mapping[str, Any]) -> Json:
    """Give the object with what no client may change."""
    metadata = {key: value for key, value in new["metadata"].items() if key not in _SET_BY_US}
    metadata |= {key: before[key] for key in _SET_BY_US if key in before}
    metadata["name"] = before["name"]
    return {**new, "metadata": metadata}


def _tidied(body: Json) -> Json:
    """Leave out what is empty, as Go's `omitempty` does."""
    metadata = {
        key: value
        for key, value in body["metadata"].items()
        if value not in (None, {}, []) and value != ""
    }
    kept = {key: value for key, value in body.items() if value is not None}
    for key in ("data", "binaryData", "status"):
        if kept.get(key) in ({}, None):
            kept.pop(key, None)
    return {**kept, "metadata": metadata}


def _counted(kind: Kind, body: Mapping[str, Any]) -> object:
    """Give what a generation counts: of a Deployment its annotations too."""
    rest = {key: value for key, value in body.items() if key not in ("metadata", "status")}
    if kind.plural == "deployments":
        return rest, body["metadata"].get("annotations") or {}
    return rest


def _same(new: Mapping[str, Any], live: Mapping[str, Any]) -> bool:
    def seen(body: Mapping[str, Any]) -> Json:
        metadata = {k: v for k, v in body["metadata"].items() if k != "resourceVersion"}
        return {**body, "metadata": metadata}

    return seen(new) == seen(live)


def _wrong_metadata(metadata: Mapping[str, Any]) -> list[Cause]:
    name = str(metadata.get("name") or "")
    if not name:
        told = "Required value: name or generateName is required"
        return [Cause("metadata.name", told, "FieldValueRequired")]
    found: list[Cause] = []
    if len(name) > _LONGEST_NAME or _NAME.match(name) is None:
        told = f'Invalid value: "{name}": a lowercase RFC 1123 subdomain must consist of lower case'
        found.append(Cause("metadata.name", f"{told} alphanumeric characters, '-' or '.'"))
    for part in ("labels", "annotations"):
        for key, value in (metadata.get(part) or {}).items():
            if not isinstance(value, str):
                raise bad_request(f"metadata.{part}.{key} must be a string")
    return found


def _in_conflict(subject: Subject, fields: Mapping[Path, str]) -> Refused:
    causes = [
        Cause(
            "." + ".".join(path),
            f'conflict with "{manager}"',
            "FieldManagerConflict",
        )
        for path, manager in sorted(fields.items())
    ]
    told = "\n".join(f"- {cause.message}: {cause.field}" for cause in causes)
    count = f"{len(causes)} conflict" + ("s" if len(causes) > 1 else "")
    message = f"Apply failed with {count}: {told}"
    return Refused(409, message, subject=subject, causes=causes)

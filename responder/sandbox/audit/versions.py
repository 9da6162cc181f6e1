"""One version of one object, and who wrote what of it, by its managedFields."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

Json = dict[str, Any]
Path = tuple[str, ...]

PREFIX = "campaign-responder.dev/"
LEDGER = PREFIX + "ledger"
LEDGER_PATH = ("metadata", "annotations", LEDGER)
HOLDER = "campaign-responder"
GIVER = "campaign-responder-give-back"

DEPLOYMENT = "Deployment"
AUTOSCALER = "HorizontalPodAutoscaler"
CONFIG_MAP = "ConfigMap"
INCIDENT = "Incident"

_NUMBERS = {DEPLOYMENT: ("replicas",), AUTOSCALER: ("maxReplicas", "minReplicas")}


class Writer(StrEnum):
    """Whose doing a change was."""

    HOLDER = HOLDER
    GIVER = GIVER
    AUTOSCALER = "an autoscaler"
    SCALER = "a scale in nobody's name"
    """The API server keeps no record of one where nobody owned the number before it, as after a
    give-back; any other write of it would bear a name."""
    OTHER = "somebody else"

    @property
    def ours(self) -> bool:
        return self in (Writer.HOLDER, Writer.GIVER)


@dataclass(frozen=True, slots=True)
class Version:
    """An object as it stood from `revision` on."""

    kind: str
    name: str
    uid: str
    revision: int
    """resourceVersion: one count for the whole cluster, so all versions are in one order."""
    seen: float
    """When we learnt of it, monotonic seconds."""
    body: Json
    deleted: bool = False
    after_gap: bool = False
    """There may have been versions before it that nobody can tell us of any more."""
    by_others: bool = False
    """A test says that whatever vanished here was taken away by somebody else."""

    @property
    def metadata(self) -> Json:
        found: Json = self.body.get("metadata") or {}
        return found

    @property
    def labels(self) -> Mapping[str, str]:
        return self.metadata.get("labels") or {}

    @property
    def annotations(self) -> Mapping[str, str]:
        return self.metadata.get("annotations") or {}

    @property
    def spec(self) -> Json:
        found: Json = self.body.get("spec") or {}
        return found

    @property
    def fields(self) -> Mapping[str, Any]:
        """Give everything that could be held, by its name in a ledger."""
        if self.kind == CONFIG_MAP:
            return self.body.get("data") or {}
        return {name: self.spec.get(name) for name in _NUMBERS.get(self.kind, ())}

    @property
    def ledger(self) -> Mapping[str, Json] | None:
        """Give the entries of the ledger by field; None where there is none that can be read."""
        try:
            entries: dict[str, Json] = json.loads(self.annotations[LEDGER])["fields"]
        except (KeyError, TypeError, ValueError):
            return None
        if not any(entry.get("carried") for entry in entries.values()):
            return entries
        return {name: _unladen(entry, self.fields.get(name)) for name, entry in entries.items()}

    @property
    def entries(self) -> list[Json]:
        return self.metadata.get("managedFields") or []

    def path_of(self, name: str) -> Path:
        return ("data" if self.kind == CONFIG_MAP else "spec", name)

    def owners(self, path: Path) -> Iterator[Json]:
        """Give the entries of managedFields that a field belongs to."""
        for entry in self.entries:
            found = entry.get("fieldsV1") or {}
            for step in path:
                found = found.get(f"f:{step}") if isinstance(found, dict) else None
            if found is not None:
                yield entry

    def is_ours(self, path: Path) -> bool:
        """Tell whether the value in force there is one that we hold."""
        return any(entry["manager"] == HOLDER for entry in self.owners(path))

    @property
    def traces(self) -> list[str]:
        """Name whatever of ours is on it, beside values."""
        found = ["the ledger"] if LEDGER in self.annotations else []
        return found + [
            f"managedFields of {entry['manager']}"
            for entry in self.entries
            if entry["manager"] in (HOLDER, GIVER)
        ]


def _unladen(entry: Json, value: Any) -> Json:  # noqa: ANN401 -- of any field
    """Give an entry with the baseline that its hold document carries, for want of room.

    The document may be another one by now: then the entry tells of none.
    """
    try:
        document = json.loads(value)
        before = document.pop("before")
    except (ValueError, TypeError, AttributeError, KeyError):
        return entry
    if not entry.get("carried") or json.dumps(document, ensure_ascii=False) != entry["applied"]:
        return entry
    return {**entry, "baseline": before, "applied": value}


@dataclass(frozen=True, slots=True)
class Change:
    """One field's change from one version to the next."""

    field: str
    before: Any
    after: Any
    by: Writer

    def __str__(self) -> str:
        """Render for the report."""
        return f"{self.field} {shown(self.before)} -> {shown(self.after)} by {self.by}"


def shown(value: object) -> str:
    return "absent" if value is None else str(value)[:160]


def changes(before: Version | None, after: Version) -> list[Change]:
    """Give what changed of the fields that could be held, and of the ledger."""
    was = {} if before is None else before.fields
    found = [
        Change(name, was.get(name), after.fields.get(name), _writer(before, after, name))
        for name in sorted(was.keys() | after.fields.keys())
        if was.get(name) != after.fields.get(name)
    ]
    text = None if before is None else before.annotations.get(LEDGER)
    if text != after.annotations.get(LEDGER):
        by = _writer(before, after, LEDGER)
        found.append(Change(LEDGER, text, after.annotations.get(LEDGER), by))
    return found


def _writer(before: Version | None, after: Version, field: str) -> Writer:
    path = LEDGER_PATH if field == LEDGER else after.path_of(field)
    owners = list(after.owners(path))
    managers = {entry["manager"] for entry in owners}
    if HOLDER in managers:
        return Writer.HOLDER
    if GIVER in managers:
        return Writer.GIVER
    if any(
        entry["manager"] == "kube-controller-manager" and entry.get("subresource") == "scale"
        for entry in owners
    ):
        return Writer.AUTOSCALER
    if not managers and before is not None and _is_our_removal(before, after):
        return Writer.GIVER
    if not managers and field == "replicas" and before is not None and after.entries:
        return Writer.SCALER
    return Writer.OTHER


def _is_our_removal(before: Version, after: Version) -> bool:
    """Tell a give-back from anybody else's removal: nobody owns what is gone.

    A give-back takes what the ledger names, and the ledger or its entry with it, and nothing else.
    """
    entries = before.ledger
    if entries is None or after.by_others:
        return False
    gone = {name for name in before.fields if name not in after.fields}
    kept = {name: value for name, value in before.fields.items() if name not in gone}
    still = after.ledger or {}
    return (
        gone <= entries.keys()
        and not gone & still.keys()
        and len(still) < len(entries)
        and (not gone or kept == after.fields)
        and before.labels == after.labels
        and _without_ledger(before.annotations) == _without_ledger(after.annotations)
        and _strangers(before) == _strangers(after)
        # Someone who takes the ledger alone away leaves in our name what is held.
        and not any(after.is_ours(after.path_of(name)) for name in entries if name not in still)
    )


def _without_ledger(annotations: Mapping[str, str]) -> Json:
    return {key: value for key, value in annotations.items() if key != LEDGER}


def _strangers(version: Version) -> list[Json]:
    return [entry for entry in version.entries if entry["manager"] not in (HOLDER, GIVER)]


def is_tidying(before: Version, after: Version) -> bool:
    """Tell the patch that takes our entries out of managedFields and changes nothing else."""
    return not changes(before, after) and (
        [entry for entry in before.entries if entry["manager"] in (HOLDER, GIVER)]
        != [entry for entry in after.entries if entry["manager"] in (HOLDER, GIVER)]
    )


def by_us(before: Version | None, after: Version) -> bool:
    """Tell whether the step from one version to the next is a write of ours."""
    if after.after_gap:
        return False
    found = changes(before, after)
    return any(change.by.ours for change in found) or (
        before is not None and not found and is_tidying(before, after)
    )


def beyond_fields(version: Version) -> Json:
    """Give everything of an object that is never ours to change, status and counters left out."""
    metadata = {
        key: version.metadata.get(key)
        for key in ("labels", "ownerReferences", "finalizers", "deletionTimestamp")
    }
    body = {
        key: value
        for key, value in version.body.items()
        if key not in ("metadata", "status", "apiVersion", "kind")
    }
    if version.kind == CONFIG_MAP:
        body.pop("data", None)
    else:
        names = _NUMBERS.get(version.kind, ())
        body["spec"] = {key: value for key, value in version.spec.items() if key not in names}
    return {"metadata": metadata, "annotations": _without_ledger(version.annotations), **body}

"""What metadata demands: names, keys of labels and annotations, finalizers, owners."""

import re
from collections.abc import Iterator
from typing import Any, Final

from responder.sandbox.api.failures import Cause
from responder.sandbox.api.kinds import DEFINITION, Kind

Json = dict[str, Any]
_LABEL: Final = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN: Final = re.compile(rf"{_LABEL}(\.{_LABEL})*")
_DNS_LABEL: Final = re.compile(_LABEL)
_NAME: Final = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
_VALUE: Final = re.compile(rf"({_NAME.pattern})?")
_SUBDOMAIN_BYTES: Final = 253
_LABEL_BYTES: Final = 63
_ANNOTATIONS_BYTES: Final = 2**18
_STANDARD_FINALIZERS: Final = ("kubernetes", "orphan", "foregroundDeletion")
_CONTROLLED: Final = "and must start and end with an alphanumeric character"
_SUBDOMAIN_TOLD: Final = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or"
    f" '.', {_CONTROLLED} (e.g. 'example.com', regex used for validation is"
    r" '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
_DNS_LABEL_TOLD: Final = (
    f"a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-',"
    f" {_CONTROLLED} (e.g. 'my-name',  or '123-abc', regex used for validation is '{_LABEL}')"
)
_NAME_TOLD: Final = (
    f"must consist of alphanumeric characters, '-', '_' or '.', {_CONTROLLED} (e.g. 'MyName',  or"
    " 'my.name',  or '123-abc', regex used for validation is"
    " '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)
_VALUE_TOLD: Final = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.',"
    f" {_CONTROLLED} (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is"
    " '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)


def mistakes(kind: Kind, meta: Json) -> Iterator[Cause]:
    """What is wrong with the metadata of an object."""
    if prefix := meta.get("generateName"):
        # What it ends with goes on.
        whole = f"{prefix[:-1]}a" if prefix.endswith("-") else prefix
        yield from _invalid("metadata.generateName", prefix, name_faults(kind, whole))
    yield from _invalid("metadata.name", meta["name"], name_faults(kind, meta["name"]))
    for key, value in sorted(meta.get("labels", {}).items()):
        yield from _invalid("metadata.labels", key, key_faults(key))
        yield from _invalid("metadata.labels", value, value_faults(value))
    yield from _annotations(meta.get("annotations", {}))
    for owner in meta.get("ownerReferences", ()):
        for key in ("apiVersion", "kind", "name", "uid"):
            if not owner.get(key):
                told = "version must not be empty" if key == "apiVersion" else "must not be empty"
                yield from _invalid(f"metadata.ownerReferences.{key}", "", [told])
    for at, name in enumerate(meta.get("finalizers", ())):
        yield from _invalid("metadata.finalizers", name, key_faults(name))
        if _of_core(kind) and "/" not in name and name not in _STANDARD_FINALIZERS:
            told = "name is neither a standard finalizer name nor is it fully qualified"
            yield from _invalid(f"metadata.finalizers[{at}]", name, [told])


def _of_core(kind: Kind) -> bool:
    """Whether its finalizers have to say whose they are."""
    return not kind.custom and kind != DEFINITION


def _annotations(annotations: Json) -> Iterator[Cause]:
    for key in sorted(annotations):
        yield from _invalid("metadata.annotations", key, key_faults(key.lower()))
    size = sum(len(f"{key}{value}".encode()) for key, value in annotations.items())
    if size > _ANNOTATIONS_BYTES:
        told = f"Too long: may not be more than {_ANNOTATIONS_BYTES} bytes"
        yield Cause("FieldValueTooLong", told, "metadata.annotations")


def _invalid(field: str, value: str, faults: list[str]) -> Iterator[Cause]:
    for fault in faults:
        yield Cause("FieldValueInvalid", f'Invalid value: "{value}": {fault}', field)


def name_faults(kind: Kind, name: str) -> list[str]:
    """Why nothing of the kind may be called so."""
    if kind.group == "rbac.authorization.k8s.io":
        if name in (".", ".."):
            return [f"may not be '{name}'"]
        return [f"may not contain '{letter}'" for letter in "/%" if letter in name]
    if kind.kind == "Namespace":
        if len(name) > _LABEL_BYTES:
            return ["must be no more than 63 characters"]
        return [] if _DNS_LABEL.fullmatch(name) else [_DNS_LABEL_TOLD]
    return _subdomain_faults(name)


def _subdomain_faults(name: str) -> list[str]:
    faults = [] if _SUBDOMAIN.fullmatch(name) else [_SUBDOMAIN_TOLD]
    long = len(name.encode()) > _SUBDOMAIN_BYTES
    return [*(["must be no more than 253 bytes"] if long else []), *faults]


def key_faults(key: str) -> list[str]:
    """Why it is no key of a label."""
    *above, name = key.split("/")
    if len(above) > 1:
        with_prefix = "with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
        return [f"a valid label key {_NAME_TOLD} {with_prefix}"]
    faults = []
    if above:
        told = _subdomain_faults(above[0]) if above[0] else ["must be non-empty"]
        faults += [f"prefix part {fault}" for fault in told]
    if not name:
        faults.append("name part must be non-empty")
    elif len(name.encode()) > _LABEL_BYTES:
        faults.append("name part must be no more than 63 bytes")
    return faults if _NAME.fullmatch(name) else [*faults, f"name part {_NAME_TOLD}"]


def value_faults(value: str) -> list[str]:
    """Why it is no value of a label."""
    long = len(value.encode()) > _LABEL_BYTES
    faults = [] if _VALUE.fullmatch(value) else [_VALUE_TOLD]
    return [*(["must be no more than 63 bytes"] if long else []), *faults]

"""What a CustomResourceDefinition demands: without it, what it defines could not be served."""

import re
from collections.abc import Iterator
from typing import Any, Final

from responder.sandbox.api.failures import Cause

Json = dict[str, Any]
_TYPES: Final = ("array", "boolean", "integer", "number", "object", "string")
_SCOPES: Final = ("Cluster", "Namespaced")
_LABEL: Final = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_LABEL_TOLD: Final = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an"
    " alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123',"
    " regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')"
)


def mistakes(definition: Json) -> Iterator[Cause]:
    """What is wrong with it."""
    name, spec = definition["metadata"]["name"], definition.get("spec", {})
    names = spec.get("names", {})
    if name != f"{names.get('plural', '')}.{spec.get('group', '')}":
        yield _invalid("metadata.name", f'"{name}"', 'must be spec.names.plural+"."+spec.group')
    if not spec.get("group"):
        yield _required("spec.group")
    if spec.get("scope") not in _SCOPES:
        yield _unsupported("spec.scope", spec.get("scope"), _SCOPES)
    for key in ("plural", "kind"):
        if not names.get(key):
            yield _required(f"spec.names.{key}")
    versions = spec.get("versions", [])
    if sum(bool(version.get("storage")) for version in versions) != 1:
        told = "must have exactly one version marked as storage version"
        yield _invalid("spec.versions", "[]", told)
    for at, version in enumerate(versions):
        yield from _version(version, f"spec.versions[{at}]")


def _version(version: Json, at: str) -> Iterator[Cause]:
    name = version.get("name", "")
    if not _LABEL.fullmatch(name):
        yield _invalid(f"{at}.name", f'"{name}"', _LABEL_TOLD)
    for number, column in enumerate(version.get("additionalPrinterColumns", ())):
        for key in ("name", "type", "jsonPath"):
            if not column.get(key):
                yield _required(f"{at}.additionalPrinterColumns[{number}].{key}")
    schema = version.get("schema", {}).get("openAPIV3Schema")
    if schema is None:
        yield _required(f"{at}.schema.openAPIV3Schema")
        return
    root = "spec.validation.openAPIV3Schema"
    if not schema.get("type"):
        told = "Required value: must not be empty at the root"
        yield Cause("FieldValueRequired", told, f"{root}.type")
    elif schema["type"] != "object":
        yield _invalid(f"{root}.type", f'"{schema["type"]}"', "must be object at the root")
    yield from _schema(schema, root)


def _schema(schema: Json, at: str) -> Iterator[Cause]:
    if schema.get("type") and schema["type"] not in _TYPES:
        yield _unsupported(f"{at}.type", schema["type"], _TYPES)
    try:
        re.compile(schema.get("pattern", ""))
    except re.error as error:
        told = f"must be a valid regular expression, but isn't: {error}"
        yield _invalid(f"{at}.pattern", f'"{schema["pattern"]}"', told)
    for name, inner in schema.get("properties", {}).items():
        yield from _schema(inner, f"{at}.properties[{name}]")
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            yield from _schema(schema[key], f"{at}.{key}")


def _required(field: str) -> Cause:
    return Cause("FieldValueRequired", "Required value", field)


def _invalid(field: str, value: str, why: str) -> Cause:
    return Cause("FieldValueInvalid", f"Invalid value: {value}: {why}", field)


def _unsupported(field: str, value: object, allowed: tuple[str, ...]) -> Cause:
    if not value:
        return _required(field)
    listed = ", ".join(f'"{one}"' for one in allowed)
    told = f'Unsupported value: "{value}": supported values: {listed}'
    return Cause("FieldValueNotSupported", told, field)

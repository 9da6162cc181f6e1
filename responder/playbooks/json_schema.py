"""Formats of files as JSON Schema, for editors and for checks without this program.

The schema says what single values and keys may be. What it can't say (keys that exclude each other,
labels outside of `incidentPer`, names that are taken) `responder check` does.
"""

import json
from functools import cache
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema


class _WithoutNull(GenerateJsonSchema):
    """An optional key is left out, never written as null; a key's title would only repeat it."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def field_title_should_be_set(self, _schema: Any) -> bool:  # noqa: ANN401 -- pydantic's own
        return False


@cache
def schema_of(model: type[BaseModel]) -> dict[str, Any]:
    """Give a format's schema, draft 2020-12. The one dict is shared: don't change it."""
    generated = model.model_json_schema(by_alias=True, schema_generator=_WithoutNull)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **{key: value for key, value in generated.items() if key != "$defs"},
        "$defs": generated["$defs"],
    }


def published(model: type[BaseModel]) -> str:
    """Give the text of the published file of a format."""
    return json.dumps(schema_of(model), indent=2, ensure_ascii=False) + "\n"

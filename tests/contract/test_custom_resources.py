"""Schemas of custom resources: pruned, defaulted, validated."""

from typing import Any

import pytest

from tests.contract.servers import Api


def widget(**spec: Any) -> dict[str, Any]:  # noqa: ANN401
    return {
        "apiVersion": "contract.test/v1",
        "kind": "Widget",
        "metadata": {"name": "w"},
        "spec": {"size": 3, **spec},
    }


async def test_defaults_are_filled_in(widgets: Api) -> None:
    answer = await widgets.create("widgets", widget())
    assert answer.body["spec"] == {"size": 3, "colour": "red"}
    assert answer.body["metadata"]["generation"] == 1


async def test_unknown_fields_are_pruned_with_a_warning(widgets: Api) -> None:
    answer = await widgets.create("widgets", widget(strange=1))
    assert "strange" not in answer.body["spec"]
    assert answer.headers["Warning"] == '299 - "unknown field \\"spec.strange\\""'


async def test_unknown_fields_are_pruned_without_a_word(widgets: Api) -> None:
    answer = await widgets.create("widgets", widget(strange=1), fieldValidation="Ignore")
    assert "strange" not in answer.body["spec"]
    assert "Warning" not in answer.headers


async def test_unknown_fields_are_400_if_asked(widgets: Api) -> None:
    answer = await widgets.create("widgets", widget(strange=1), fieldValidation="Strict")
    assert (answer.code, answer.status["reason"]) == (400, "BadRequest")
    assert 'strict decoding error: unknown field "spec.strange"' in answer.status["message"]


async def test_free_fields_are_kept(widgets: Api) -> None:
    free = {"any": [1, {"thing": True}]}
    answer = await widgets.create("widgets", widget(free=free))
    assert answer.body["spec"]["free"] == free


@pytest.mark.parametrize(
    ("spec", "reason", "field"),
    [
        ({"size": 0}, "FieldValueInvalid", "spec.size"),
        ({"size": 10}, "FieldValueInvalid", "spec.size"),
        ({"size": "3"}, "FieldValueTypeInvalid", "spec.size"),
        ({"colour": "blue"}, "FieldValueNotSupported", "spec.colour"),
        ({"name": "toolong"}, "FieldValueTooLong", "spec.name"),
        ({"name": ""}, "FieldValueInvalid", "spec.name"),
        ({"name": "A"}, "FieldValueInvalid", "spec.name"),
        ({"tags": ["a", "b", "c"]}, "FieldValueTooMany", "spec.tags"),
        ({"tags": [1]}, "FieldValueTypeInvalid", "spec.tags[0]"),
        ({"when": "noon"}, "FieldValueTypeInvalid", "spec.when"),
        ({"when": "2026-01-01"}, "FieldValueTypeInvalid", "spec.when"),
        ({"parts": [{"name": "a"}, {"name": "a"}]}, "FieldValueDuplicate", "spec.parts[1]"),
    ],
    ids=[
        "minimum",
        "maximum",
        "type",
        "enum",
        "length",
        "least",
        "pattern",
        "items",
        "item",
        "time",
        "day",
        "twice",
    ],
)
async def test_schema_is_kept_to(
    widgets: Api, spec: dict[str, Any], reason: str, field: str
) -> None:
    answer = await widgets.create("widgets", widget(**spec))
    assert (answer.code, answer.status["reason"]) == (422, "Invalid")
    details = answer.status["details"]
    assert (details["name"], details["group"], details["kind"]) == ("w", "contract.test", "Widget")
    assert (details["causes"][0]["reason"], details["causes"][0]["field"]) == (reason, field)


async def test_required_field(widgets: Api) -> None:
    body = widget()
    del body["spec"]["size"]
    answer = await widgets.create("widgets", body)
    assert answer.status["message"] == (
        'Widget.contract.test "w" is invalid: spec.size: Required value'
    )
    assert answer.status["details"]["causes"] == [
        {"reason": "FieldValueRequired", "message": "Required value", "field": "spec.size"}
    ]


async def test_patch_is_validated_too(widgets: Api) -> None:
    await widgets.create("widgets", widget())
    assert (await widgets.patch("widgets", "w", {"spec": {"size": 10}})).code == 422


async def test_generation_counts_spec_but_not_metadata(widgets: Api) -> None:
    await widgets.create("widgets", widget())
    labels = await widgets.patch("widgets", "w", {"metadata": {"labels": {"a": "b"}}})
    assert labels.body["metadata"]["generation"] == 1
    spec = await widgets.patch("widgets", "w", {"spec": {"size": 4}})
    assert spec.body["metadata"]["generation"] == 2


async def test_discovery_tells_of_the_kind(widgets: Api) -> None:
    listed = (await widgets.ask("GET", "/apis/contract.test/v1")).body["resources"]
    found = {entry["name"]: entry for entry in listed}
    assert (found["widgets"]["kind"], found["widgets"]["shortNames"]) == ("Widget", ["wg"])
    assert "widgets/status" in found


async def test_list_of_widgets(widgets: Api) -> None:
    await widgets.create("widgets", widget())
    answer = await widgets.get("widgets")
    assert (answer.body["kind"], answer.body["apiVersion"]) == ("WidgetList", "contract.test/v1")
    assert answer.body["items"][0]["kind"] == "Widget"


async def test_items_of_a_list_say_what_they_are(widgets: Api) -> None:
    made = (await widgets.create("widgets", widget(size=1))).body
    found = (await widgets.get("widgets")).body["items"]
    assert found == [made]

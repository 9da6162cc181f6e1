"""What is sent is read as what it is for; what can't be is refused, and nothing is broken by it."""

from typing import Any

import pytest

from tests.contract.conftest import WIDGET
from tests.contract.manifests import autoscaler, configmap, deployment
from tests.contract.servers import APPLY, JSON_PATCH, MERGE, Api

JUNK: tuple[Any, ...] = (1, "x", [1], {"a": 1}, True)
ABOUT: dict[str, Any] = {"deployments": deployment, "horizontalpodautoscalers": autoscaler}


def changed(body: dict[str, Any], path: str, value: object) -> dict[str, Any]:
    *above, last = path.split(".")
    node = body
    for step in above:
        node = node[step]
    node[last] = value
    return body


@pytest.mark.parametrize(
    ("plural", "path"),
    [
        ("configmaps", "metadata"),
        ("configmaps", "metadata.finalizers"),
        ("configmaps", "metadata.ownerReferences"),
        ("configmaps", "metadata.managedFields"),
        ("deployments", "spec"),
        ("deployments", "spec.selector"),
        ("deployments", "spec.template"),
        ("deployments", "spec.template.metadata"),
        ("deployments", "spec.template.spec.containers"),
        ("horizontalpodautoscalers", "spec.scaleTargetRef"),
        ("horizontalpodautoscalers", "spec.metrics"),
    ],
)
async def test_junk_instead_of_a_field_is_400(api: Api, plural: str, path: str) -> None:
    make = ABOUT.get(plural, configmap)
    for junk in JUNK:
        if isinstance(junk, dict) and not path.endswith(("s", "containers")):
            continue  # unknown fields of an object are another matter
        answer = await api.create(plural, changed(make(), path, junk))
        assert (answer.code, answer.status["reason"]) == (400, "BadRequest"), junk
    assert (await api.create(plural, make())).code == 201


async def test_nulls_are_as_if_absent(api: Api) -> None:
    body = {**configmap(), "immutable": None, "binaryData": None}
    body["metadata"] |= {"labels": None, "annotations": None, "finalizers": None}
    made = (await api.create("configmaps", body)).body
    assert {"immutable", "binaryData"}.isdisjoint(made)
    assert {"labels", "annotations", "finalizers"}.isdisjoint(made["metadata"])


@pytest.mark.parametrize("key", ["apiVersion", "kind"])
async def test_custom_resource_says_what_it_is(widgets: Api, key: str) -> None:
    body = {name: value for name, value in WIDGET.items() if name != key}
    answer = await widgets.create("widgets", body)
    assert (answer.code, answer.status["reason"]) == (400, "BadRequest")


async def test_apply_says_what_it_is(api: Api) -> None:
    answer = await api.patch("configmaps", "c", configmap(), content=APPLY, fieldManager="a")
    assert (answer.code, answer.status["reason"]) == (400, "BadRequest")
    assert answer.status["message"].startswith("invalid object type")


async def test_nulls_that_a_schema_does_not_provide_for_go(widgets: Api) -> None:
    spec = {"size": 2, "colour": None, "name": None, "whole": {"a": None}}
    made = await widgets.create("widgets", {**WIDGET, "spec": spec})
    assert (made.code, made.body["spec"]) == (201, {"size": 2, "colour": "red", "whole": {}})


async def test_whole_number_is_one_however_it_is_written(widgets: Api) -> None:
    made = await widgets.create("widgets", {**WIDGET, "spec": {"size": 2.0}})
    assert (made.code, repr(made.body["spec"]["size"])) == (201, "2")


@pytest.mark.parametrize("steps", [["x"], [{"op": 1}], [{"op": "add", "path": 1, "value": 1}]])
async def test_json_patch_of_junk_is_400(api: Api, steps: list[Any]) -> None:
    await api.create("configmaps", configmap())
    answer = await api.patch("configmaps", "c", steps, content=JSON_PATCH)
    assert (answer.code, answer.status["reason"]) == (400, "BadRequest")


@pytest.mark.parametrize(
    "step",
    [
        {"op": "zap", "path": "/data/a"},
        {"op": "add", "path": "", "value": {}},
        {"op": "replace", "path": "", "value": 1},
        {"op": "test", "path": "/spec/nope", "value": None},
        {"op": "add", "path": "/metadata/managedFields/x", "value": {}},
        {"op": "remove", "path": "/metadata/managedFields/x"},
        {"op": "copy", "from": "", "path": "/data/b"},
    ],
)
async def test_json_patch_that_can_not_be_is_422(api: Api, step: dict[str, Any]) -> None:
    await api.create("configmaps", configmap())
    answer = await api.patch("configmaps", "c", [step], content=JSON_PATCH)
    assert (answer.code, answer.status["reason"]) == (422, "Invalid")


async def test_json_patch_replaces_the_whole(api: Api) -> None:
    made = (await api.create("configmaps", configmap())).body
    step = {"op": "replace", "path": "", "value": {**made, "data": {"b": "2"}}}
    answer = await api.patch("configmaps", "c", [step], content=JSON_PATCH)
    assert (answer.code, answer.body.get("data")) == (200, {"b": "2"})


async def test_key_that_is_not_there_tests_as_null(api: Api) -> None:
    await api.create("configmaps", configmap())
    step = {"op": "test", "path": "/data/nope", "value": None}
    assert (await api.patch("configmaps", "c", [step], content=JSON_PATCH)).code == 200


@pytest.mark.parametrize(
    "query",
    [{"limit": "x"}, {"watch": "1", "timeoutSeconds": "x"}, {"resourceVersion": "-1"}],
    ids=["limit", "timeoutSeconds", "resourceVersion"],
)
async def test_bad_number_of_a_query_is_400(api: Api, query: dict[str, str]) -> None:
    answer = await api.ask("GET", api.at("configmaps"), **query)
    assert (answer.code, answer.status["reason"]) == (400, "BadRequest")


async def test_body_of_another_media_type_is_415(api: Api) -> None:
    answer = await api.ask("POST", api.at("configmaps"), configmap(), content="text/html")
    assert (answer.code, answer.status["reason"]) == (415, "UnsupportedMediaType")


async def test_put_that_names_nothing_is_400(api: Api) -> None:
    await api.create("configmaps", configmap())
    answer = await api.put("configmaps", "c", {"metadata": {}, "data": {"a": "2"}})
    assert answer.status["message"] == (
        "the name of the object (c based on URL) was undeterminable: name must be provided"
    )


async def test_scale_that_names_nothing_is_400(api: Api) -> None:
    await api.create("deployments", deployment())
    answer = await api.ask("PUT", api.at("deployments", "d") + "/scale", {"spec": {"replicas": 3}})
    assert (answer.code, answer.status["reason"]) == (400, "BadRequest")


@pytest.mark.parametrize("part", ["scale", "status"])
async def test_part_of_an_object_can_not_be_deleted(api: Api, part: str) -> None:
    await api.create("deployments", deployment())
    answer = await api.ask("DELETE", f"{api.at('deployments', 'd')}/{part}")
    assert answer.code == 405
    assert (await api.get("deployments", "d")).code == 200


async def test_version_0_is_none(api: Api) -> None:
    await api.create("deployments", deployment())
    patch = {"metadata": {"resourceVersion": "0"}, "spec": {"replicas": 1}}
    assert (await api.patch("deployments", "d", patch, content=MERGE)).code == 200

"""What can be read and may not be: names, and what each kind demands."""

from typing import Any

import pytest

from tests.contract.conftest import WIDGET
from tests.contract.manifests import autoscaler, configmap, deployment
from tests.contract.servers import Answer, Api

OWNER = {"apiVersion": "v1", "kind": "ConfigMap", "name": "o", "uid": "u"}


def fields(answer: Answer) -> set[str]:
    assert (answer.code, answer.status["reason"]) == (422, "Invalid")
    return {cause["field"] for cause in answer.status["details"]["causes"]}


@pytest.mark.parametrize("key", ["", "a b", "-a", "a/b/c", "/a", "a/", "A/b", "x" * 64, "é", "a\n"])
async def test_key_of_a_label_is_validated(api: Api, key: str) -> None:
    body = configmap()
    body["metadata"]["labels"] = {key: "v"}
    assert fields(await api.create("configmaps", body)) == {"metadata.labels"}


async def test_fault_of_a_key_is_told(api: Api) -> None:
    body = configmap()
    body["metadata"]["labels"] = {"A/": "v"}
    answer = await api.create("configmaps", body)
    told = [cause["message"] for cause in answer.status["details"]["causes"]]
    start = 'Invalid value: "A/": '
    assert [text.removeprefix(start).split(" must ")[0] for text in told] == [
        "prefix part a lowercase RFC 1123 subdomain",
        "name part",
        "name part",
    ]


@pytest.mark.parametrize("value", ["-a", "a/b", "x" * 64, "é", "a\n"])
async def test_value_of_a_label_is_validated(api: Api, value: str) -> None:
    body = configmap()
    body["metadata"]["labels"] = {"a": value}
    assert fields(await api.create("configmaps", body)) == {"metadata.labels"}


async def test_key_of_an_annotation_may_have_capitals_anywhere(api: Api) -> None:
    body = configmap()
    body["metadata"]["annotations"] = {"A.B/c": "v"}
    assert (await api.create("configmaps", body)).code == 201
    body["metadata"] = {"name": "d", "annotations": {"a b": "v"}}
    assert fields(await api.create("configmaps", body)) == {"metadata.annotations"}


async def test_finalizer_says_whose_it_is(api: Api) -> None:
    body = configmap()
    body["metadata"]["finalizers"] = ["mine"]
    assert fields(await api.create("configmaps", body)) == {"metadata.finalizers[0]"}
    body["metadata"]["finalizers"] = ["a.b/"]
    assert fields(await api.create("configmaps", body)) == {"metadata.finalizers"}


@pytest.mark.parametrize("key", ["apiVersion", "kind", "name", "uid"])
async def test_owner_is_named_in_full(api: Api, key: str) -> None:
    body = configmap()
    body["metadata"]["ownerReferences"] = [{k: v for k, v in OWNER.items() if k != key}]
    assert fields(await api.create("configmaps", body)) == {f"metadata.ownerReferences.{key}"}


async def test_generated_name_is_validated(api: Api) -> None:
    answer = await api.create("configmaps", {"metadata": {"generateName": "A b"}})
    assert fields(answer) == {"metadata.generateName", "metadata.name"}


async def test_name_of_a_namespace_is_short(api: Api) -> None:
    for name in ("a.b", "a" * 64):
        answer = await api.create("namespaces", {"metadata": {"name": name}})
        assert "metadata.name" in fields(answer)


async def test_key_is_text_or_bytes(api: Api) -> None:
    answer = await api.create("configmaps", {**configmap(), "binaryData": {"a": "YQ=="}})
    assert fields(answer) == {"data[a]"}


async def test_bytes_are_base64(api: Api) -> None:
    answer = await api.create("configmaps", {**configmap(), "binaryData": {"b": "!"}})
    assert (answer.code, answer.status["reason"]) == (400, "BadRequest")


async def test_selector_of_a_deployment_selects(api: Api) -> None:
    body = deployment()
    body["spec"]["selector"] = {}
    assert "spec.selector" in fields(await api.create("deployments", body))


@pytest.mark.parametrize("key", ["name", "image"])
async def test_container_has_a_name_and_an_image(api: Api, key: str) -> None:
    body = deployment()
    del body["spec"]["template"]["spec"]["containers"][0][key]
    found = fields(await api.create("deployments", body))
    assert f"spec.template.spec.containers[0].{key}" in found


async def test_target_of_an_autoscaler_is_in_a_group(api: Api) -> None:
    body = autoscaler()
    body["spec"]["scaleTargetRef"]["apiVersion"] = "v1"
    answer = await api.create("horizontalpodautoscalers", body)
    assert fields(answer) == {"spec.scaleTargetRef.apiVersion"}


async def test_binding_is_of_a_role(api: Api) -> None:
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Thing"}
    answer = await api.create("rolebindings", {"metadata": {"name": "b"}, "roleRef": role})
    assert fields(answer) == {"roleRef.kind", "roleRef.name"}


async def test_review_asks_something(api: Api) -> None:
    path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    assert fields(await api.ask("POST", path, {"spec": {}})) == {"spec.resourceAttributes"}


async def test_review_of_a_token_has_one(api: Api) -> None:
    answer = await api.ask("POST", "/apis/authentication.k8s.io/v1/tokenreviews", {"spec": {}})
    assert answer.status["message"] == "token is required for TokenReview in authentication"
    assert answer.code == 400


async def test_deletion_has_options(api: Api) -> None:
    await api.create("configmaps", configmap())
    for options, field in (
        ({"propagationPolicy": "Zap"}, "propagationPolicy"),
        ({"dryRun": ["Some"]}, "dryRun"),
        ({"propagationPolicy": "Orphan", "orphanDependents": True}, "propagationPolicy"),
    ):
        answer = await api.ask("DELETE", api.at("configmaps", "c"), options)
        assert fields(answer) == {field}


async def test_options_of_a_deletion_come_from_its_body_or_its_query(api: Api) -> None:
    await api.create("configmaps", configmap())
    path = api.at("configmaps", "c")
    assert (await api.ask("DELETE", path, "", dryRun="All")).code == 200
    assert (await api.get("configmaps", "c")).code == 200
    assert (await api.ask("DELETE", path, {}, dryRun="All")).code == 200
    assert (await api.get("configmaps", "c")).code == 404


def definition(**changes: Any) -> dict[str, Any]:  # noqa: ANN401
    schema = {"openAPIV3Schema": {"type": "object"}}
    spec = {
        "group": "bad.test",
        "scope": "Namespaced",
        "names": {"kind": "Thing", "plural": "things"},
        "versions": [{"name": "v1", "served": True, "storage": True, "schema": schema}],
    }
    return {"metadata": {"name": "things.bad.test"}, "spec": {**spec, **changes}}


def version(**changes: Any) -> list[dict[str, Any]]:  # noqa: ANN401
    return [{**definition()["spec"]["versions"][0], **changes}]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"group": ""}, "spec.group"),
        ({"group": "other.test"}, "metadata.name"),
        ({"scope": None}, "spec.scope"),
        ({"names": {"kind": "Thing"}}, "spec.names.plural"),
        ({"names": {"plural": "things"}}, "spec.names.kind"),
        ({"versions": []}, "spec.versions"),
        ({"versions": version(storage=False)}, "spec.versions"),
        ({"versions": version(name="1")}, "spec.versions[0].name"),
        ({"versions": version(schema=None)}, "spec.versions[0].schema.openAPIV3Schema"),
    ],
)
async def test_definition_is_validated(api: Api, changes: dict[str, Any], field: str) -> None:
    answer = await api.create("customresourcedefinitions", definition(**changes), dryRun="All")
    assert field in fields(answer)


@pytest.mark.parametrize("pattern", ["(", "[z-a]"])
async def test_pattern_of_a_definition_compiles(api: Api, pattern: str) -> None:
    inner = {"type": "string", "pattern": pattern}
    schema = {"openAPIV3Schema": {"type": "object", "properties": {"spec": inner}}}
    body = definition(versions=version(schema=schema))
    answer = await api.create("customresourcedefinitions", body, dryRun="All")
    assert fields(answer) == {"spec.validation.openAPIV3Schema.properties[spec].pattern"}


async def test_changed_value_of_a_custom_resource_changes_hands(widgets: Api) -> None:
    await widgets.create("widgets", {**WIDGET, "metadata": {"name": "hands"}}, fieldManager="one")
    patch = {"spec": {"size": 4, "colour": "green"}}
    answer = await widgets.patch("widgets", "hands", patch, fieldManager="two")
    owned = {
        e["manager"]: e["fieldsV1"]["f:spec"] for e in answer.body["metadata"]["managedFields"]
    }
    assert owned == {"one": {}, "two": {"f:size": {}, "f:colour": {}}}


async def test_removed_part_of_a_custom_resource_is_nobodys(widgets: Api) -> None:
    body = {**WIDGET, "metadata": {"name": "nobodys"}, "spec": {"size": 2, "whole": {"a": "1"}}}
    await widgets.create("widgets", body, fieldManager="one")
    answer = await widgets.patch("widgets", "nobodys", {"spec": {"whole": None}})
    (entry,) = answer.body["metadata"]["managedFields"]
    assert entry["fieldsV1"] == {"f:spec": {".": {}, "f:colour": {}, "f:size": {}}}

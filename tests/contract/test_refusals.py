"""What is refused, word for word."""

import pytest

from tests.contract.manifests import autoscaler, configmap, deployment
from tests.contract.servers import STRATEGIC, Api

_AT_LEAST = "must be greater than or equal to"


async def test_missing_object_is_404(api: Api) -> None:
    answer = await api.get("configmaps", "none")
    assert answer.code == 404
    assert answer.status == {
        "status": "Failure",
        "message": 'configmaps "none" not found',
        "reason": "NotFound",
        "details": {"name": "none", "kind": "configmaps"},
        "code": 404,
    }


@pytest.mark.parametrize("method", ["GET", "DELETE", "PATCH", "PUT"])
async def test_missing_object_of_a_group_names_the_group(api: Api, method: str) -> None:
    content = "application/merge-patch+json" if method == "PATCH" else "application/json"
    body = deployment("none") if method in ("PATCH", "PUT") else None
    if body:
        body["metadata"]["resourceVersion"] = "1"
    answer = await api.ask(method, api.at("deployments", "none"), body, content=content)
    assert answer.code == 404
    assert answer.status["message"] == 'deployments.apps "none" not found'
    assert answer.status["details"] == {"name": "none", "group": "apps", "kind": "deployments"}


@pytest.mark.parametrize("path", ["/nowhere", "/apis/no.such/v1", "/apis/no.such/v1/things"])
async def test_unknown_path_is_plain_text(api: Api, path: str) -> None:
    answer = await api.ask("GET", path)
    assert (answer.code, answer.body) == (404, "404 page not found\n")
    assert answer.headers["Content-Type"].startswith("text/plain")


async def test_unknown_resource_of_a_known_version_is_404(api: Api) -> None:
    assert (await api.ask("GET", "/apis/apps/v1/nothings")).code == 404


async def test_second_create_is_409(api: Api) -> None:
    assert (await api.create("configmaps", configmap())).code == 201
    answer = await api.create("configmaps", configmap())
    assert answer.status == {
        "status": "Failure",
        "message": 'configmaps "c" already exists',
        "reason": "AlreadyExists",
        "details": {"name": "c", "kind": "configmaps"},
        "code": 409,
    }


async def test_second_create_that_is_invalid_too_is_422(api: Api) -> None:
    await api.create("deployments", deployment())
    assert (await api.create("deployments", deployment(replicas=-1))).code == 422


async def test_create_in_a_namespace_that_is_not_there_is_404(api: Api) -> None:
    path = api.at("configmaps", namespace="not-there")
    answer = await api.ask("POST", path, configmap())
    assert answer.code == 404
    assert answer.status["message"] == 'namespaces "not-there" not found'
    assert answer.status["details"] == {"name": "not-there", "kind": "namespaces"}


async def test_negative_replicas_are_422_with_the_cause(api: Api) -> None:
    answer = await api.create("deployments", deployment(replicas=-1))
    told = "Invalid value: -1: must be greater than or equal to 0"
    assert answer.status == {
        "status": "Failure",
        "message": f'Deployment.apps "d" is invalid: spec.replicas: {told}',
        "reason": "Invalid",
        "details": {
            "name": "d",
            "group": "apps",
            "kind": "Deployment",
            "causes": [{"reason": "FieldValueInvalid", "message": told, "field": "spec.replicas"}],
        },
        "code": 422,
    }


async def test_bad_name_is_422(api: Api) -> None:
    answer = await api.create("configmaps", configmap("Not_Valid"))
    assert answer.code == 422
    (cause,) = answer.status["details"]["causes"]
    assert (cause["reason"], cause["field"]) == ("FieldValueInvalid", "metadata.name")
    assert cause["message"].startswith('Invalid value: "Not_Valid": a lowercase RFC 1123 subdomain')


async def test_bad_label_is_422(api: Api) -> None:
    body = configmap()
    body["metadata"]["labels"] = {"a": "not valid"}
    answer = await api.create("configmaps", body)
    assert answer.code == 422
    assert answer.status["details"]["causes"][0]["field"] == "metadata.labels"


async def test_no_name_is_422(api: Api) -> None:
    answer = await api.create("configmaps", {"metadata": {}})
    told = "Required value: name or generateName is required"
    assert answer.status["message"] == f'ConfigMap "" is invalid: metadata.name: {told}'
    assert answer.status["details"]["causes"] == [
        {"reason": "FieldValueRequired", "message": told, "field": "metadata.name"}
    ]


async def test_bad_json_is_400(api: Api) -> None:
    answer = await api.ask("POST", api.at("configmaps"), "{")
    assert (answer.code, answer.status["reason"]) == (400, "BadRequest")


async def test_wrong_type_is_400(api: Api) -> None:
    body = {"metadata": {"name": "c"}, "data": {"a": 1}}
    answer = await api.create("configmaps", body)
    assert (answer.code, answer.status["reason"]) == (400, "BadRequest")
    assert answer.status["message"].startswith('ConfigMap in version "v1" cannot be handled as')


async def test_wrong_type_in_a_patch_is_refused(api: Api) -> None:
    await api.create("deployments", deployment())
    answer = await api.patch("deployments", "d", {"spec": {"replicas": "2"}})
    assert (answer.code, answer.status["reason"]) == (422, "Invalid")
    assert [cause["field"] for cause in answer.status["details"]["causes"]] == ["patch"]


async def test_wrong_kind_is_400(api: Api) -> None:
    body = {"apiVersion": "v1", "kind": "Secret", **configmap()}
    assert (await api.create("configmaps", body)).code == 400


async def test_other_namespace_than_the_paths_is_400(api: Api) -> None:
    body = configmap()
    body["metadata"]["namespace"] = "default"
    answer = await api.create("configmaps", body)
    assert answer.status == {
        "status": "Failure",
        "message": "the namespace of the provided object does not match the namespace sent on"
        " the request",
        "reason": "BadRequest",
        "code": 400,
    }


async def test_other_name_than_the_paths_is_400(api: Api) -> None:
    await api.create("configmaps", configmap())
    answer = await api.put("configmaps", "c", configmap("other"))
    assert answer.status == {
        "status": "Failure",
        "message": "the name of the object (other) does not match the name on the URL (c)",
        "reason": "BadRequest",
        "code": 400,
    }


async def test_unknown_patch_type_is_415(api: Api) -> None:
    await api.create("configmaps", configmap())
    answer = await api.patch("configmaps", "c", {}, content="application/json")
    assert answer.status["reason"] == "UnsupportedMediaType"
    assert answer.code == 415
    assert answer.status["message"] == "415: Unsupported Media Type"


async def test_strategic_patch_of_a_custom_resource_is_415(widgets: Api) -> None:
    answer = await widgets.patch("widgets", "w", {}, content=STRATEGIC)
    assert answer.code == 415


async def test_put_of_a_collection_is_405(api: Api) -> None:
    answer = await api.ask("PUT", api.at("configmaps"), configmap())
    assert answer.status == {
        "status": "Failure",
        "message": "the server does not allow this method on the requested resource",
        "reason": "MethodNotAllowed",
        "details": {},
        "code": 405,
    }


async def test_body_over_the_limit_is_413(api: Api) -> None:
    answer = await api.create("configmaps", configmap(a="x" * (3 * 2**20 + 10)))
    assert (answer.code, answer.status["reason"]) == (413, "RequestEntityTooLarge")
    assert answer.status["message"] == "Request entity too large: limit is 3145728"


async def test_object_that_etcd_does_not_take_is_500(api: Api) -> None:
    large = {"metadata": {"name": "l"}, "spec": {"holderIdentity": "x" * 1_600_000}}
    told = {"status": "Failure", "message": "etcdserver: request is too large", "code": 500}
    assert (await api.create("leases", large)).status == told
    assert (await api.get("leases", "l")).code == 404
    assert (await api.create("leases", large, dryRun="All")).code == 201


async def test_object_that_becomes_too_large_stays_as_it_was(api: Api) -> None:
    made = await api.create("leases", {"metadata": {"name": "l"}})
    answer = await api.patch("leases", "l", {"spec": {"holderIdentity": "x" * 1_600_000}})
    assert answer.code == 500
    assert (await api.get("leases", "l")).body == made.body


async def test_object_that_does_not_even_reach_etcd_is_500(api: Api) -> None:
    large = {"metadata": {"name": "l"}, "spec": {"holderIdentity": "x" * 2_200_000}}
    answer = await api.create("leases", large)
    assert answer.code == 500
    assert answer.status["message"].startswith(
        "rpc error: code = ResourceExhausted desc = trying to send message larger than max"
    )


async def test_object_of_a_megabyte_is_taken(api: Api) -> None:
    large = {"metadata": {"name": "l"}, "spec": {"holderIdentity": "x" * 1_500_000}}
    assert (await api.create("leases", large)).code == 201


async def test_configmap_of_more_than_a_mebibyte_is_422(api: Api) -> None:
    assert (await api.create("configmaps", configmap("most", a="x" * 2**20))).code == 201
    answer = await api.create("configmaps", configmap(a="x" * 2**19, b="x" * (2**19 + 1)))
    told = "Too long: may not be more than 1048576 bytes"
    assert answer.status["message"] == f'ConfigMap "c" is invalid: []: {told}'
    assert answer.status["details"]["causes"] == [
        {"reason": "FieldValueTooLong", "message": told, "field": "[]"}
    ]


async def test_annotations_of_more_than_a_quarter_of_that_are_422(api: Api) -> None:
    body = configmap()
    body["metadata"]["annotations"] = {"a": "x" * 2**18}
    answer = await api.create("configmaps", body)
    assert answer.status["details"]["causes"] == [
        {
            "reason": "FieldValueTooLong",
            "message": "Too long: may not be more than 262144 bytes",
            "field": "metadata.annotations",
        }
    ]


@pytest.mark.parametrize(
    ("query", "field", "reason"),
    [
        ({"dryRun": "Some"}, "dryRun", "FieldValueNotSupported"),
        ({"fieldValidation": "Loose"}, "fieldValidation", "FieldValueNotSupported"),
        ({"fieldManager": "m" * 129}, "fieldManager", "FieldValueTooLong"),
    ],
    ids=["dryRun", "fieldValidation", "fieldManager"],
)
async def test_bad_option_is_422(api: Api, query: dict[str, str], field: str, reason: str) -> None:
    answer = await api.create("configmaps", configmap(), **query)
    details = answer.status["details"]
    assert (answer.code, details["group"], details["kind"]) == (
        422,
        "meta.k8s.io",
        "CreateOptions",
    )
    assert [(c["field"], c["reason"]) for c in details["causes"]] == [(field, reason)]


@pytest.mark.parametrize(
    ("least", "most", "field", "told"),
    [
        (0, 3, "spec.minReplicas", "Invalid value: 0: must be greater than or equal to 1"),
        (4, 3, "spec.maxReplicas", f"Invalid value: 3: {_AT_LEAST} `minReplicas`"),
        (-1, 3, "spec.minReplicas", "Invalid value: -1: must be greater than or equal to 1"),
    ],
    ids=["zero", "crossed", "negative"],
)  # fmt: skip
async def test_autoscaler_bounds_are_validated(
    api: Api, least: int | None, most: int, field: str, told: str
) -> None:
    answer = await api.create("horizontalpodautoscalers", autoscaler(least=least, most=most))
    assert (answer.code, answer.status["reason"]) == (422, "Invalid")
    causes = answer.status["details"]["causes"]
    assert {"reason": "FieldValueInvalid", "message": told, "field": field} in causes


async def test_autoscaler_bounds_are_patched_together(api: Api) -> None:
    await api.create("horizontalpodautoscalers", autoscaler(least=3, most=5))
    one = await api.patch("horizontalpodautoscalers", "h", {"spec": {"maxReplicas": 1}})
    assert one.code == 422
    both = {"spec": {"maxReplicas": 1, "minReplicas": 1}}
    answer = await api.patch("horizontalpodautoscalers", "h", both)
    assert (answer.code, answer.body["spec"]["maxReplicas"]) == (200, 1)


async def test_autoscaler_without_minimum_gets_one(api: Api) -> None:
    answer = await api.create("horizontalpodautoscalers", autoscaler(least=None))
    assert answer.body["spec"]["minReplicas"] == 1


async def test_immutable_configmap_is_422(api: Api) -> None:
    await api.create("configmaps", {**configmap(), "immutable": True})
    answer = await api.patch("configmaps", "c", {"data": {"a": "2"}})
    told = "Forbidden: field is immutable when `immutable` is set"
    assert answer.status == {
        "status": "Failure",
        "message": f'ConfigMap "c" is invalid: data: {told}',
        "reason": "Invalid",
        "details": {
            "name": "c",
            "kind": "ConfigMap",
            "causes": [{"reason": "FieldValueForbidden", "message": told, "field": "data"}],
        },
        "code": 422,
    }


async def test_immutable_stays_immutable(api: Api) -> None:
    await api.create("configmaps", {**configmap(), "immutable": True})
    answer = await api.patch("configmaps", "c", {"immutable": None})
    assert answer.status["details"]["causes"][0]["field"] == "immutable"


async def test_immutable_configmap_takes_annotations(api: Api) -> None:
    await api.create("configmaps", {**configmap(), "immutable": True})
    answer = await api.patch("configmaps", "c", {"metadata": {"annotations": {"a": "b"}}})
    assert answer.code == 200


async def test_bad_key_of_a_configmap_is_422(api: Api) -> None:
    answer = await api.create("configmaps", configmap(**{"a b": "1"}))
    (cause,) = answer.status["details"]["causes"]
    assert cause["field"] == "data[a b]"


async def test_selector_of_a_deployment_is_immutable(api: Api) -> None:
    await api.create("deployments", deployment())
    labels = {"app": "other"}
    patch = {
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}},
        }
    }
    answer = await api.patch("deployments", "d", patch)
    assert answer.code == 422
    assert answer.status["details"]["causes"][0]["field"] == "spec.selector"


async def test_deployment_must_select_its_own_pods(api: Api) -> None:
    body = deployment()
    body["spec"]["template"]["metadata"]["labels"] = {"app": "other"}
    answer = await api.create("deployments", body)
    (cause,) = answer.status["details"]["causes"]
    assert cause == {
        "reason": "FieldValueInvalid",
        "message": 'Invalid value: {"app":"other"}: `selector` does not match template `labels`',
        "field": "spec.template.metadata.labels",
    }


async def test_unknown_token_is_401(api: Api) -> None:
    api.token = "nobody"
    answer = await api.get("configmaps")
    assert answer.status == {
        "status": "Failure",
        "message": "Unauthorized",
        "reason": "Unauthorized",
        "code": 401,
    }


async def test_no_token_is_403(api: Api) -> None:
    api.token = ""
    answer = await api.get("configmaps")
    who = 'User "system:anonymous" cannot list resource "configmaps" in API group ""'
    assert answer.status == {
        "status": "Failure",
        "message": f'configmaps is forbidden: {who} in the namespace "{api.namespace}"',
        "reason": "Forbidden",
        "details": {"kind": "configmaps"},
        "code": 403,
    }


async def test_autoscaler_without_a_maximum_is_422(api: Api) -> None:
    answer = await api.create("horizontalpodautoscalers", autoscaler(least=None, most=0))
    cause = answer.status["details"]["causes"][0]
    assert (answer.code, cause["reason"], cause["field"]) == (
        422,
        "FieldValueRequired",
        "spec.maxReplicas",
    )

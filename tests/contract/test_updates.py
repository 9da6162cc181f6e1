"""Versions, patches, PUT, status, scale, dry run and generated names."""

from typing import Any

import pytest

from tests.contract.manifests import autoscaler, configmap, deployment
from tests.contract.servers import JSON_PATCH, STRATEGIC, Api


async def test_created_object_has_what_the_server_gives(api: Api) -> None:
    answer = await api.create("configmaps", configmap())
    meta = answer.body["metadata"]
    assert (answer.code, answer.body["kind"], answer.body["apiVersion"]) == (201, "ConfigMap", "v1")
    assert meta["namespace"] == api.namespace
    assert {"uid", "resourceVersion", "creationTimestamp", "managedFields"} <= set(meta)
    assert "generation" not in meta


async def test_each_write_has_a_later_version(api: Api) -> None:
    first = (await api.create("configmaps", configmap())).body["metadata"]["resourceVersion"]
    second = (await api.patch("configmaps", "c", {"data": {"a": "2"}})).body["metadata"]
    assert int(second["resourceVersion"]) > int(first)


async def test_write_that_changes_nothing_keeps_the_version(api: Api) -> None:
    first = (await api.create("configmaps", configmap())).body
    again = (await api.patch("configmaps", "c", {"data": {"a": "1"}})).body
    assert again == first


@pytest.mark.parametrize("kind", ["merge", "strategic", "put"])
async def test_stale_version_is_409(api: Api, kind: str) -> None:
    old = (await api.create("configmaps", configmap())).body
    await api.patch("configmaps", "c", {"data": {"a": "2"}})
    stale = {
        "metadata": {"resourceVersion": old["metadata"]["resourceVersion"]},
        "data": {"a": "3"},
    }
    if kind == "put":
        answer = await api.put("configmaps", "c", {**old, "data": {"a": "3"}})
    else:
        content = STRATEGIC if kind == "strategic" else "application/merge-patch+json"
        answer = await api.patch("configmaps", "c", stale, content=content)
    assert answer.status == {
        "status": "Failure",
        "message": 'Operation cannot be fulfilled on configmaps "c": the object has been modified;'
        " please apply your changes to the latest version and try again",
        "reason": "Conflict",
        "details": {"name": "c", "kind": "configmaps"},
        "code": 409,
    }
    assert (await api.get("configmaps", "c")).body["data"] == {"a": "2"}


async def test_present_version_is_taken(api: Api) -> None:
    old = (await api.create("configmaps", configmap())).body
    answer = await api.put("configmaps", "c", {**old, "data": {"a": "3"}})
    assert (answer.code, answer.body["data"]) == (200, {"a": "3"})


async def test_put_without_a_version_wins(api: Api) -> None:
    await api.create("configmaps", configmap())
    answer = await api.put("configmaps", "c", configmap(b="2"))
    assert (answer.code, answer.body["data"]) == (200, {"b": "2"})


async def test_patch_of_another_uid_is_422(api: Api) -> None:
    await api.create("configmaps", configmap())
    answer = await api.patch("configmaps", "c", {"metadata": {"uid": "other"}})
    assert (answer.code, answer.status["reason"]) == (422, "Invalid")
    assert answer.status["details"]["causes"][0] == {
        "reason": "FieldValueInvalid",
        "message": 'Invalid value: "other": field is immutable',
        "field": "metadata.uid",
    }


async def test_put_of_another_uid_is_409(api: Api) -> None:
    await api.create("configmaps", configmap())
    body = configmap(a="2")
    body["metadata"]["uid"] = "other"
    answer = await api.put("configmaps", "c", body)
    assert (answer.code, answer.status["reason"]) == (409, "Conflict")
    assert "Precondition failed: UID in precondition: other" in answer.status["message"]


async def test_create_with_a_version_is_refused(api: Api) -> None:
    body = configmap()
    body["metadata"]["resourceVersion"] = "7"
    answer = await api.create("configmaps", body)
    told = "resourceVersion should not be set on objects to be created"
    assert answer.status == {"status": "Failure", "message": told, "code": 500}


async def test_merge_patch_removes_by_null(api: Api) -> None:
    await api.create("configmaps", configmap(a="1", b="2"))
    answer = await api.patch("configmaps", "c", {"data": {"a": None}})
    assert answer.body["data"] == {"b": "2"}


async def test_data_that_becomes_empty_goes(api: Api) -> None:
    await api.create("configmaps", configmap(a="1"))
    answer = await api.patch("configmaps", "c", {"data": {"a": None}})
    assert "data" not in answer.body


async def test_half_of_a_pair_is_stored_as_no_character(api: Api) -> None:
    answer = await api.create("configmaps", configmap(a="x\ud800y", b="\N{PILE OF POO}"))
    assert answer.body["data"] == {"a": "x\N{REPLACEMENT CHARACTER}y", "b": "\N{PILE OF POO}"}


async def test_merge_patch_replaces_lists(api: Api) -> None:
    await api.create("deployments", deployment())
    containers = [{"name": "other", "image": "none"}]
    patch = {"spec": {"template": {"spec": {"containers": containers}}}}
    answer = await api.patch("deployments", "d", patch)
    assert [c["name"] for c in answer.body["spec"]["template"]["spec"]["containers"]] == ["other"]


async def test_strategic_patch_merges_containers_by_name(api: Api) -> None:
    await api.create("deployments", deployment())
    containers = [{"name": "main", "image": "new"}, {"name": "side", "image": "none"}]
    patch = {"spec": {"template": {"spec": {"containers": containers}}}}
    answer = await api.patch("deployments", "d", patch, content=STRATEGIC)
    got = answer.body["spec"]["template"]["spec"]["containers"]
    assert {c["name"]: c["image"] for c in got} == {"main": "new", "side": "none"}


async def test_strategic_patch_deletes_by_directive(api: Api) -> None:
    body = deployment()
    body["spec"]["template"]["spec"]["containers"].append({"name": "side", "image": "none"})
    await api.create("deployments", body)
    containers = [{"$patch": "delete", "name": "side"}]
    patch = {"spec": {"template": {"spec": {"containers": containers}}}}
    answer = await api.patch("deployments", "d", patch, content=STRATEGIC)
    assert [c["name"] for c in answer.body["spec"]["template"]["spec"]["containers"]] == ["main"]


@pytest.mark.parametrize(
    ("steps", "data"),
    [
        ([{"op": "add", "path": "/data/b", "value": "2"}], {"a": "1", "b": "2"}),
        ([{"op": "replace", "path": "/data/a", "value": "2"}], {"a": "2"}),
        ([{"op": "replace", "path": "/data/b", "value": "2"}], {"a": "1", "b": "2"}),
        ([{"op": "add", "path": "/data/b", "value": "2"}, {"op": "remove", "path": "/data/a"}],
         {"b": "2"}),
        ([{"op": "move", "from": "/data/a", "path": "/data/c"}], {"c": "1"}),
        ([{"op": "copy", "from": "/data/a", "path": "/data/c"}], {"a": "1", "c": "1"}),
        ([{"op": "test", "path": "/data/a", "value": "1"},
          {"op": "replace", "path": "/data/a", "value": "9"}], {"a": "9"}),
    ],
    ids=["add", "replace", "replace-nothing", "remove", "move", "copy", "test"],
)  # fmt: skip
async def test_json_patch(api: Api, steps: list[dict[str, Any]], data: dict[str, str]) -> None:
    await api.create("configmaps", configmap())
    answer = await api.patch("configmaps", "c", steps, content=JSON_PATCH)
    assert (answer.code, answer.body["data"]) == (200, data)


@pytest.mark.parametrize(
    "steps",
    [
        [{"op": "test", "path": "/data/a", "value": "9"}],
        [{"op": "remove", "path": "/data/none"}],
        [{"op": "add", "path": "/none/below", "value": "9"}],
    ],
    ids=["test", "remove", "add"],
)
async def test_json_patch_that_does_not_fit_is_422(api: Api, steps: list[dict[str, Any]]) -> None:
    await api.create("configmaps", configmap())
    answer = await api.patch("configmaps", "c", steps, content=JSON_PATCH)
    assert (answer.code, answer.status["reason"]) == (422, "Invalid")
    assert (await api.get("configmaps", "c")).body["data"] == {"a": "1"}


async def test_json_patch_that_is_no_list_is_400(api: Api) -> None:
    await api.create("configmaps", configmap())
    answer = await api.patch("configmaps", "c", {"op": "add"}, content=JSON_PATCH)
    assert answer.code == 400


async def test_deployment_gets_one_replica(api: Api) -> None:
    answer = await api.create("deployments", deployment(replicas=None))
    assert answer.body["spec"]["replicas"] == 1


async def test_generation_counts_specs(api: Api) -> None:
    first = await api.create("deployments", deployment())
    assert first.body["metadata"]["generation"] == 1
    spec = await api.patch("deployments", "d", {"spec": {"replicas": 3}})
    assert spec.body["metadata"]["generation"] == 2
    labels = await api.patch("deployments", "d", {"metadata": {"labels": {"a": "b"}}})
    assert labels.body["metadata"]["generation"] == 2


async def test_generation_counts_annotations_of_deployments(api: Api) -> None:
    await api.create("deployments", deployment())
    answer = await api.patch("deployments", "d", {"metadata": {"annotations": {"a": "b"}}})
    assert answer.body["metadata"]["generation"] == 2


async def test_status_of_a_create_is_dropped(widgets: Api) -> None:
    body = {"metadata": {"name": "w"}, "spec": {"size": 1}, "status": {"phase": "Done"}}
    answer = await widgets.create("widgets", _widget(body))
    assert (answer.code, answer.body.get("status")) == (201, None)


async def test_status_of_a_plain_patch_is_dropped(widgets: Api) -> None:
    await widgets.create("widgets", _widget({"metadata": {"name": "w"}, "spec": {"size": 1}}))
    patch = {"spec": {"size": 2}, "status": {"phase": "Done"}}
    answer = await widgets.patch("widgets", "w", patch)
    assert (answer.body["spec"]["size"], answer.body.get("status")) == (2, None)


async def test_status_patch_changes_nothing_but_status(widgets: Api) -> None:
    await widgets.create("widgets", _widget({"metadata": {"name": "w"}, "spec": {"size": 1}}))
    patch = {
        "metadata": {"labels": {"a": "b"}, "annotations": {"a": "b"}, "finalizers": ["a.b/c"]},
        "spec": {"size": 2},
        "status": {"phase": "Done"},
    }
    answer = await widgets.patch("widgets", "w", patch, "status")
    meta = answer.body["metadata"]
    assert not {"labels", "annotations", "finalizers"} & set(meta)
    assert (answer.body["spec"]["size"], answer.body["status"]) == (1, {"phase": "Done"})
    assert meta["generation"] == 1


async def test_status_patch_is_guarded_by_version(widgets: Api) -> None:
    made = await widgets.create(
        "widgets", _widget({"metadata": {"name": "w"}, "spec": {"size": 1}})
    )
    version = made.body["metadata"]["resourceVersion"]
    await widgets.patch("widgets", "w", {"spec": {"size": 2}})
    patch = {"metadata": {"resourceVersion": version}, "status": {"phase": "Done"}}
    assert (await widgets.patch("widgets", "w", patch, "status")).code == 409


async def test_status_patch_ignores_another_uid(widgets: Api) -> None:
    await widgets.create("widgets", _widget({"metadata": {"name": "w"}, "spec": {"size": 1}}))
    patch = {"metadata": {"uid": "other"}, "status": {"phase": "Done"}}
    assert (await widgets.patch("widgets", "w", patch, "status")).code == 200


async def test_put_keeps_the_status(widgets: Api) -> None:
    await widgets.create("widgets", _widget({"metadata": {"name": "w"}, "spec": {"size": 1}}))
    live = (await widgets.patch("widgets", "w", {"status": {"phase": "Done"}}, "status")).body
    answer = await widgets.put("widgets", "w", {**live, "status": {}, "spec": {"size": 5}})
    assert (answer.body["status"], answer.body["spec"]["size"]) == ({"phase": "Done"}, 5)


def _widget(body: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "contract.test/v1", "kind": "Widget", **body}


async def test_scale_is_read(api: Api) -> None:
    await api.create("deployments", deployment())
    scale = (await api.ask("GET", api.at("deployments", "d", "scale"))).body
    assert (scale["kind"], scale["apiVersion"]) == ("Scale", "autoscaling/v1")
    assert (scale["spec"], scale["status"]["selector"]) == ({"replicas": 2}, "app=d")


async def test_scale_is_written(api: Api) -> None:
    await api.create("deployments", deployment())
    answer = await api.patch("deployments", "d", {"spec": {"replicas": 4}}, "scale")
    assert (answer.code, answer.body["spec"]["replicas"]) == (200, 4)
    assert (await api.get("deployments", "d")).body["spec"]["replicas"] == 4


async def test_scale_takes_no_annotations(api: Api) -> None:
    await api.create("deployments", deployment())
    patch = {"metadata": {"annotations": {"mine": "1"}}, "spec": {"replicas": 4}}
    await api.patch("deployments", "d", patch, "scale")
    annotations = (await api.get("deployments", "d")).body["metadata"].get("annotations", {})
    assert "mine" not in annotations


async def test_scale_is_guarded_by_version(api: Api) -> None:
    await api.create("deployments", deployment())
    patch = {"metadata": {"resourceVersion": "1"}, "spec": {"replicas": 4}}
    answer = await api.patch("deployments", "d", patch, "scale")
    assert (answer.code, answer.status["reason"]) == (409, "Conflict")


async def test_scale_below_zero_is_422(api: Api) -> None:
    await api.create("deployments", deployment())
    answer = await api.patch("deployments", "d", {"spec": {"replicas": -1}}, "scale")
    assert answer.code == 422
    told = "Invalid value: -1: must be greater than or equal to 0"
    assert answer.status["message"] == f'Scale.autoscaling "d" is invalid: spec.replicas: {told}'


async def test_scale_of_a_configmap_is_404(api: Api) -> None:
    await api.create("configmaps", configmap())
    assert (await api.ask("GET", api.at("configmaps", "c", "scale"))).code == 404


async def test_dry_run_create_stores_nothing(api: Api) -> None:
    answer = await api.create("configmaps", configmap(), dryRun="All")
    assert (answer.code, "uid" in answer.body["metadata"]) == (201, True)
    assert "resourceVersion" not in answer.body["metadata"]
    assert (await api.get("configmaps", "c")).code == 404


async def test_dry_run_patch_stores_nothing(api: Api) -> None:
    made = (await api.create("configmaps", configmap())).body
    answer = await api.patch("configmaps", "c", {"data": {"a": "2"}}, dryRun="All")
    assert (answer.code, answer.body["data"]) == (200, {"a": "2"})
    assert (await api.get("configmaps", "c")).body == made


async def test_dry_run_delete_deletes_nothing(api: Api) -> None:
    await api.create("configmaps", configmap())
    assert (await api.delete("configmaps", "c", dryRun="All")).code == 200
    assert (await api.get("configmaps", "c")).code == 200


async def test_dry_run_validates(api: Api) -> None:
    answer = await api.create("deployments", deployment(replicas=-1), dryRun="All")
    assert answer.code == 422


async def test_generated_names_differ(api: Api) -> None:
    body = {"metadata": {"generateName": "made-"}}
    names = [(await api.create("configmaps", body)).body["metadata"]["name"] for _ in range(3)]
    assert len(set(names)) == 3
    assert all(name.startswith("made-") and len(name) == len("made-") + 5 for name in names)


async def test_name_goes_before_generated_name(api: Api) -> None:
    body = {"metadata": {"generateName": "made-", "name": "given"}}
    assert (await api.create("configmaps", body)).body["metadata"]["name"] == "given"


async def test_what_is_given_can_not_be_patched(api: Api) -> None:
    made = (await api.create("configmaps", configmap())).body["metadata"]
    patch = {"metadata": {"creationTimestamp": "2001-01-01T00:00:00Z", "generation": 7}}
    meta = (await api.patch("configmaps", "c", patch)).body["metadata"]
    assert meta["creationTimestamp"] == made["creationTimestamp"]


async def test_empty_labels_go(api: Api) -> None:
    body = configmap()
    body["metadata"]["labels"] = {"a": "b"}
    await api.create("configmaps", body)
    answer = await api.patch("configmaps", "c", {"metadata": {"labels": {"a": None}}})
    assert "labels" not in answer.body["metadata"]


async def test_autoscaler_takes_bounds(api: Api) -> None:
    await api.create("horizontalpodautoscalers", autoscaler())
    answer = await api.patch("horizontalpodautoscalers", "h", {"spec": {"maxReplicas": 9}})
    assert (answer.code, answer.body["spec"]["maxReplicas"]) == (200, 9)


async def test_lease_renews_with_six_digits(api: Api) -> None:
    spec = {"holderIdentity": "me", "leaseDurationSeconds": 15}
    spec["renewTime"] = "2026-01-01T00:00:00.000001Z"
    made = await api.create("leases", {"metadata": {"name": "l"}, "spec": spec})
    assert made.code == 201, made
    renewed = {"spec": {"renewTime": "2026-01-01T00:00:02.000001Z"}}
    answer = await api.patch("leases", "l", renewed)
    assert answer.body["spec"]["renewTime"] == "2026-01-01T00:00:02.000001Z"


@pytest.mark.parametrize("time", ["2026-01-01T00:00:00.001Z", "yesterday"])
async def test_lease_with_another_time_is_400(api: Api, time: str) -> None:
    body = {"metadata": {"name": "l"}, "spec": {"renewTime": time}}
    assert (await api.create("leases", body)).code == 400


async def test_lease_has_a_duration(api: Api) -> None:
    body = {"metadata": {"name": "l"}, "spec": {"leaseDurationSeconds": 0}}
    answer = await api.create("leases", body)
    assert answer.status["details"]["causes"][0] == {
        "reason": "FieldValueInvalid",
        "message": "Invalid value: 0: must be greater than 0",
        "field": "spec.leaseDurationSeconds",
    }


async def test_two_can_not_take_one_lease(api: Api) -> None:
    made = await api.create("leases", {"metadata": {"name": "l"}, "spec": {"holderIdentity": ""}})
    version = made.body["metadata"]["resourceVersion"]
    codes = [
        (
            await api.patch(
                "leases",
                "l",
                {"metadata": {"resourceVersion": version}, "spec": {"holderIdentity": who}},
            )
        ).code
        for who in ("one", "two")
    ]
    assert codes == [200, 409]

"""Who owns which field, after updates and after server-side applies."""

from typing import Any

import pytest

from tests.contract.manifests import autoscaler, configmap, deployment, managers
from tests.contract.servers import APPLY, Api, Json

REPLICAS = ("f:spec", "f:replicas")
A = ("f:data", "f:a")
B = ("f:data", "f:b")
D = "deployments"
C = "configmaps"


async def test_creator_owns_what_it_sets(api: Api) -> None:
    answer = await api.create(D, deployment(), fieldManager="maker")
    assert managers(answer.body, *REPLICAS) == ["maker/Update"]
    (entry,) = answer.body["metadata"]["managedFields"]
    assert (entry["apiVersion"], entry["fieldsType"]) == ("apps/v1", "FieldsV1")
    assert entry["time"]


async def test_manager_is_the_agent_by_default(api: Api) -> None:
    api.agent = "somebody/1.0"
    answer = await api.create(C, configmap())
    assert managers(answer.body, *A) == ["somebody/Update"]


async def test_whole_entry_of_a_configmap(api: Api) -> None:
    body = configmap(a="1", b="2")
    body["metadata"] |= {"labels": {"x": "y"}, "annotations": {"p": "q"}}
    (entry,) = (await api.create(C, body)).body["metadata"]["managedFields"]
    assert entry["fieldsV1"] == {
        "f:data": {".": {}, "f:a": {}, "f:b": {}},
        "f:metadata": {
            "f:annotations": {".": {}, "f:p": {}},
            "f:labels": {".": {}, "f:x": {}},
        },
    }


async def test_changed_value_changes_hands(api: Api) -> None:
    await api.create(D, deployment(), fieldManager="maker")
    answer = await api.patch(D, "d", {"spec": {"replicas": 3}}, fieldManager="other")
    assert managers(answer.body, *REPLICAS) == ["other/Update"]


async def test_same_value_changes_no_hands(api: Api) -> None:
    await api.create(D, deployment(), fieldManager="maker")
    answer = await api.patch(D, "d", {"spec": {"replicas": 2}}, fieldManager="other")
    assert managers(answer.body, *REPLICAS) == ["maker/Update"]


async def test_scale_has_an_entry_of_its_own(api: Api) -> None:
    await api.create(D, deployment(), fieldManager="maker")
    await api.patch(D, "d", {"spec": {"replicas": 3}}, "scale", fieldManager="maker")
    body = (await api.get(D, "d")).body
    owners = [
        entry.get("subresource")
        for entry in body["metadata"]["managedFields"]
        if "f:replicas" in entry["fieldsV1"].get("f:spec", {})
    ]
    assert owners == ["scale"]


async def test_scale_of_what_nobody_owns_is_in_nobodys_name(api: Api) -> None:
    live = (await api.create(D, deployment(), fieldManager="maker")).body
    entries = [e for e in live["metadata"]["managedFields"] if e["manager"] == "maker"]
    for entry in entries:
        del entry["fieldsV1"]["f:spec"]["f:replicas"]
    await api.patch(D, "d", {"metadata": {"managedFields": entries}})
    await api.patch(D, "d", {"spec": {"replicas": 3}}, "scale", fieldManager="other")
    body = (await api.get(D, "d")).body
    assert (body["spec"]["replicas"], managers(body, *REPLICAS)) == (3, [])
    answer = await api.patch(D, "d", {"spec": {"replicas": 4}}, fieldManager="third")
    assert managers(answer.body, *REPLICAS) == ["third/Update"]


async def test_status_has_an_entry_of_its_own(widgets: Api) -> None:
    await widgets.create("widgets", _widget(), fieldManager="maker")
    patch = {"status": {"phase": "Done"}}
    answer = await widgets.patch("widgets", "w", patch, "status", fieldManager="maker")
    entries = answer.body["metadata"]["managedFields"]
    assert sorted(entry.get("subresource", "") for entry in entries) == ["", "status"]


async def test_removed_field_is_nobodys(api: Api) -> None:
    await api.create(C, configmap(a="1", b="2"), fieldManager="maker")
    answer = await api.patch(C, "c", {"data": {"a": None}}, fieldManager="other")
    assert managers(answer.body, *A) == []
    assert managers(answer.body, *B) == ["maker/Update"]


async def test_entry_that_owns_nothing_goes(api: Api) -> None:
    await api.create(C, configmap(a="1"), fieldManager="maker")
    await api.patch(C, "c", {"data": {"b": "2"}}, fieldManager="other")
    answer = await api.patch(C, "c", {"data": {"b": "3"}}, fieldManager="third")
    names = [entry["manager"] for entry in answer.body["metadata"]["managedFields"]]
    assert "other" not in names


async def test_put_without_managed_fields_keeps_them(api: Api) -> None:
    await api.create(C, configmap(), fieldManager="maker")
    answer = await api.put(C, "c", configmap(a="1", b="2"), fieldManager="other")
    assert managers(answer.body, *A) == ["maker/Update"]
    assert managers(answer.body, *B) == ["other/Update"]


async def test_entry_is_dropped_by_a_patch_of_managed_fields(api: Api) -> None:
    await api.create(D, deployment(), fieldManager="maker")
    live = (await api.patch(D, "d", {"spec": {"replicas": 3}}, fieldManager="other")).body
    meta = live["metadata"]
    kept = [entry for entry in meta["managedFields"] if entry["manager"] != "other"]
    patch = {"metadata": {"managedFields": kept}}
    answer = await api.patch(D, "d", patch, fieldManager="other")
    assert (answer.code, managers(answer.body, *REPLICAS)) == (200, [])


async def test_one_empty_entry_empties_managed_fields(api: Api) -> None:
    await api.create(C, configmap(), fieldManager="maker")
    answer = await api.patch(C, "c", {"metadata": {"managedFields": [{}]}})
    assert "managedFields" not in answer.body["metadata"]


async def test_empty_list_empties_managed_fields(api: Api) -> None:
    await api.create(C, configmap(), fieldManager="maker")
    answer = await api.patch(C, "c", {"metadata": {"managedFields": []}})
    assert managers(answer.body, *A) == []


@pytest.mark.parametrize("nothing", [[{}], []], ids=["one-empty-entry", "empty-list"])
async def test_what_changes_beside_a_reset_is_nobodys(api: Api, nothing: list[object]) -> None:
    await api.create(C, configmap(), fieldManager="maker")
    patch = {"metadata": {"managedFields": nothing}, "data": {"b": "2"}}
    answer = await api.patch(C, "c", patch, fieldManager="other")
    assert answer.body["data"] == {"a": "1", "b": "2"}
    assert "managedFields" not in answer.body["metadata"]


async def test_apply_names_its_object(api: Api) -> None:
    body = {"apiVersion": "v1", "kind": "ConfigMap"}
    answer = await api.patch(C, "c", body, content=APPLY, fieldManager="flux")
    told = "the name of the object (c based on URL) was undeterminable: name must be provided"
    assert (answer.code, answer.status["message"]) == (400, told)


async def test_apply_creates(api: Api) -> None:
    answer = await api.apply(C, "c", {"data": {"a": "1"}}, manager="flux")
    assert (answer.code, managers(answer.body, *A)) == (201, ["flux/Apply"])


async def test_apply_needs_a_manager(api: Api) -> None:
    answer = await api.apply(C, "c", {"data": {"a": "1"}}, manager="")
    told = "Required value: is required for apply patch"
    assert answer.status == {
        "status": "Failure",
        "message": f'PatchOptions.meta.k8s.io "" is invalid: fieldManager: {told}',
        "reason": "Invalid",
        "details": {
            "group": "meta.k8s.io",
            "kind": "PatchOptions",
            "causes": [{"reason": "FieldValueRequired", "message": told, "field": "fieldManager"}],
        },
        "code": 422,
    }


async def test_force_is_for_applies_only(api: Api) -> None:
    await api.create(C, configmap())
    answer = await api.patch(C, "c", {"data": {"a": "2"}}, force="true")
    assert answer.status["details"]["causes"] == [
        {
            "reason": "FieldValueForbidden",
            "message": "Forbidden: may not be specified for non-apply patch",
            "field": "force",
        }
    ]


async def test_apply_conflicts_with_an_updater(api: Api) -> None:
    await api.create(D, deployment(), fieldManager="maker")
    answer = await api.apply(D, "d", {"spec": {"replicas": 5}}, manager="flux")
    assert (answer.code, answer.status["reason"]) == (409, "Conflict")
    (cause,) = answer.status["details"]["causes"]
    assert (cause["reason"], cause["field"]) == ("FieldManagerConflict", ".spec.replicas")
    assert cause["message"].startswith('conflict with "maker"')
    assert answer.status["message"].startswith(
        'Apply failed with 1 conflict: conflict with "maker"'
    )
    assert (await api.get(D, "d")).body["spec"]["replicas"] == 2


async def test_apply_conflicts_with_another_applier(api: Api) -> None:
    await api.apply(C, "c", {"data": {"a": "1"}}, manager="one")
    answer = await api.apply(C, "c", {"data": {"a": "2"}}, manager="two")
    assert answer.status == {
        "status": "Failure",
        "message": 'Apply failed with 1 conflict: conflict with "one": .data.a',
        "reason": "Conflict",
        "details": {
            "causes": [
                {
                    "reason": "FieldManagerConflict",
                    "message": 'conflict with "one"',
                    "field": ".data.a",
                }
            ]
        },
        "code": 409,
    }


async def test_several_conflicts_are_all_told(api: Api) -> None:
    await api.apply(C, "c", {"data": {"a": "1", "b": "1"}}, manager="one")
    answer = await api.apply(C, "c", {"data": {"a": "2", "b": "2"}}, manager="two")
    fields = [cause["field"] for cause in answer.status["details"]["causes"]]
    assert fields == [".data.a", ".data.b"]
    assert answer.status["message"].startswith("Apply failed with 2 conflicts: conflicts with")


async def test_forced_apply_takes_the_field(api: Api) -> None:
    await api.create(D, deployment(), fieldManager="maker")
    answer = await api.apply(D, "d", {"spec": {"replicas": 5}}, manager="flux", force="true")
    assert answer.body["spec"]["replicas"] == 5
    assert managers(answer.body, *REPLICAS) == ["flux/Apply"]


async def test_apply_of_the_same_value_shares_the_field(api: Api) -> None:
    await api.create(D, deployment(), fieldManager="maker")
    answer = await api.apply(D, "d", {"spec": {"replicas": 2}}, manager="flux")
    assert managers(answer.body, *REPLICAS) == ["flux/Apply", "maker/Update"]


async def test_shared_field_is_lost_by_both_when_it_changes(api: Api) -> None:
    await api.create(D, deployment(), fieldManager="maker")
    await api.apply(D, "d", {"spec": {"replicas": 2}}, manager="flux")
    answer = await api.patch(D, "d", {"spec": {"replicas": 7}}, fieldManager="third")
    assert managers(answer.body, *REPLICAS) == ["third/Update"]


async def test_apply_removes_what_it_no_longer_names(api: Api) -> None:
    await api.apply(C, "c", {"data": {"a": "1", "b": "2"}}, manager="flux")
    answer = await api.apply(C, "c", {"data": {"b": "2"}}, manager="flux")
    assert answer.body["data"] == {"b": "2"}


async def test_apply_keeps_what_others_own_too(api: Api) -> None:
    await api.apply(C, "c", {"data": {"a": "1", "b": "2"}}, manager="one")
    await api.apply(C, "c", {"data": {"a": "1"}}, manager="two")
    answer = await api.apply(C, "c", {"data": {"b": "2"}}, manager="one")
    assert answer.body["data"] == {"a": "1", "b": "2"}
    assert managers(answer.body, *A) == ["two/Apply"]


async def test_apply_leaves_alone_what_it_never_named(api: Api) -> None:
    await api.create(C, configmap(a="1"), fieldManager="maker")
    answer = await api.apply(C, "c", {"data": {"b": "2"}}, manager="flux")
    assert answer.body["data"] == {"a": "1", "b": "2"}


async def test_omitted_replicas_fall_to_one(api: Api) -> None:
    body = deployment(replicas=5)
    await api.apply(D, "d", body, manager="flux")
    del body["spec"]["replicas"]
    answer = await api.apply(D, "d", body, manager="flux")
    assert answer.body["spec"]["replicas"] == 1


async def test_update_takes_the_field_from_an_applier(api: Api) -> None:
    await api.apply(C, "c", {"data": {"a": "1"}}, manager="flux")
    answer = await api.patch(C, "c", {"data": {"a": "2"}}, fieldManager="other")
    assert managers(answer.body, *A) == ["other/Update"]
    again = await api.apply(C, "c", {"data": {"a": "1"}}, manager="flux")
    assert again.code == 409


async def test_same_apply_changes_nothing(api: Api) -> None:
    first = await api.apply(C, "c", {"data": {"a": "1"}}, manager="flux")
    again = await api.apply(C, "c", {"data": {"a": "1"}}, manager="flux")
    assert (again.code, again.body) == (200, first.body)


async def test_apply_without_managed_fields_meets_before_first_apply(api: Api) -> None:
    await api.create(C, configmap())
    await api.patch(C, "c", {"metadata": {"managedFields": [{}]}})
    answer = await api.apply(C, "c", {"data": {"a": "2"}}, manager="flux")
    assert answer.code == 409
    assert '"before-first-apply"' in answer.status["details"]["causes"][0]["message"]


async def test_nothing_is_managed_after_a_reset_until_an_apply(api: Api) -> None:
    await api.create(C, configmap())
    await api.patch(C, "c", {"metadata": {"managedFields": [{}]}})
    answer = await api.patch(C, "c", {"data": {"a": "2"}})
    assert "managedFields" not in answer.body["metadata"]


async def test_a_patch_that_brings_managed_fields_along_begins_them(api: Api) -> None:
    await api.create(C, {"metadata": {"name": "c"}})
    claim = {
        "manager": "us",
        "operation": "Update",
        "apiVersion": "v1",
        "fieldsType": "FieldsV1",
        "fieldsV1": {"f:metadata": {"f:annotations": {"f:x": {}}}},
    }
    metadata = {"annotations": {"x": "y"}, "managedFields": [claim]}
    patch = {"metadata": metadata, "data": {"a": "1"}}
    (entry,) = (await api.patch(C, "c", patch, fieldManager="us")).body["metadata"]["managedFields"]
    assert entry["fieldsV1"] == {
        "f:data": {".": {}, "f:a": {}},
        "f:metadata": {"f:annotations": {".": {}, "f:x": {}}},
    }
    assert entry["time"]
    answer = await api.patch(C, "c", {"data": {"b": "2"}}, fieldManager="other")
    assert managers(answer.body, *A) == ["us/Update"]
    assert managers(answer.body, *B) == ["other/Update"]


async def test_apply_names_containers_by_name(api: Api) -> None:
    body = deployment()
    await api.apply(D, "d", body, manager="flux")
    side = {"name": "side", "image": "none"}
    template = {"template": {"spec": {"containers": [side]}}}
    answer = await api.apply(D, "d", {"spec": template}, manager="other")
    names = [c["name"] for c in answer.body["spec"]["template"]["spec"]["containers"]]
    assert sorted(names) == ["main", "side"]
    path = ("f:spec", "f:template", "f:spec", "f:containers", 'k:{"name":"side"}', "f:image")
    assert managers(answer.body, *path) == ["other/Apply"]


async def test_apply_takes_its_container_away(api: Api) -> None:
    body = deployment()
    containers = body["spec"]["template"]["spec"]["containers"]
    containers.append({"name": "side", "image": "none"})
    await api.apply(D, "d", body, manager="flux")
    containers.pop()
    answer = await api.apply(D, "d", body, manager="flux")
    assert [c["name"] for c in answer.body["spec"]["template"]["spec"]["containers"]] == ["main"]


async def test_apply_of_finalizers_joins_sets(api: Api) -> None:
    await api.apply(C, "c", {"metadata": {"finalizers": ["a.test/one"]}}, manager="one")
    second = {"metadata": {"finalizers": ["a.test/two"]}}
    answer = await api.apply(C, "c", second, manager="two")
    assert sorted(answer.body["metadata"]["finalizers"]) == ["a.test/one", "a.test/two"]
    await api.patch(C, "c", {"metadata": {"finalizers": None}})


async def test_atomic_map_has_one_owner(widgets: Api) -> None:
    spec: dict[str, Any] = {"size": 1, "whole": {"a": "1"}}
    await widgets.apply("widgets", "w", {"spec": spec}, manager="one")
    other = {"spec": {"size": 1, "whole": {"b": "2"}}}
    answer = await widgets.apply("widgets", "w", other, manager="two")
    assert [c["field"] for c in answer.status["details"]["causes"]] == [".spec.whole"]


async def test_entry_of_an_autoscaler(api: Api) -> None:
    plural = "horizontalpodautoscalers"
    answer = await api.create(plural, autoscaler(), fieldManager="maker")
    (entry,) = answer.body["metadata"]["managedFields"]
    assert entry["fieldsV1"]["f:spec"] == {
        "f:metrics": {},
        "f:maxReplicas": {},
        "f:minReplicas": {},
        "f:scaleTargetRef": {"f:apiVersion": {}, "f:kind": {}, "f:name": {}},
    }


async def test_stale_version_of_an_apply_is_409(api: Api) -> None:
    made = await api.apply(C, "c", {"data": {"a": "1"}}, manager="flux")
    version = made.body["metadata"]["resourceVersion"]
    await api.patch(C, "c", {"data": {"b": "2"}})
    body = {"metadata": {"resourceVersion": version}, "data": {"a": "1"}}
    assert (await api.apply(C, "c", body, manager="flux")).code == 409


async def test_dry_apply_stores_nothing(api: Api) -> None:
    answer = await api.apply(C, "c", {"data": {"a": "1"}}, manager="flux", dryRun="All")
    assert answer.code in (200, 201)
    assert (await api.get(C, "c")).code == 404


async def test_apply_with_managed_fields_is_400(api: Api) -> None:
    body = {"metadata": {"managedFields": [{"manager": "x"}]}, "data": {"a": "1"}}
    answer = await api.apply(C, "c", body, manager="flux")
    assert (answer.code, answer.status["message"]) == (
        400,
        "metadata.managedFields must be nil",
    )


def _widget() -> dict[str, Any]:
    meta = {"name": "w"}
    return {
        "apiVersion": "contract.test/v1",
        "kind": "Widget",
        "metadata": meta,
        "spec": {"size": 1},
    }


_ENTRY: Json = {
    "manager": "x",
    "operation": "Update",
    "apiVersion": "v1",
    "fieldsType": "FieldsV1",
    "fieldsV1": {"f:data": {"f:a": {}}},
}


@pytest.mark.parametrize(
    "changes",
    [
        {"operation": "Zap"},
        {"apiVersion": ""},
        {"fieldsType": "FieldsV2"},
        {"fieldsV1": 1},
        {"fieldsV1": {"a": {}}},
        {"fieldsV1": {"f:data": {"k:x": {}}}},
    ],
)
async def test_entry_that_makes_no_sense_changes_nothing(api: Api, changes: Json) -> None:
    await api.create("configmaps", configmap(), fieldManager="one")
    patch = {"metadata": {"managedFields": [{**_ENTRY, **changes}]}}
    answer = await api.patch("configmaps", "c", patch, fieldManager="two")
    assert [entry["manager"] for entry in answer.body["metadata"]["managedFields"]] == ["one"]


async def test_applier_owns_its_keys_and_not_the_map_around_them(api: Api) -> None:
    body = {"apiVersion": "v1", "kind": "ConfigMap", **configmap()}
    answer = await api.patch("configmaps", "c", body, content=APPLY, fieldManager="a")
    (entry,) = answer.body["metadata"]["managedFields"]
    assert entry["fieldsV1"] == {"f:data": {"f:a": {}}}

"""Finalizers, preconditions, owners and namespaces."""

from typing import Any

import pytest

from tests.contract.manifests import configmap, deployment
from tests.contract.servers import Api
from tests.controlplane.eventually import eventually

FINALIZER = "contract.test/hold"


def finalized() -> dict[str, Any]:
    body = configmap()
    body["metadata"]["finalizers"] = [FINALIZER]
    return body


async def until_gone(api: Api, plural: str, name: str) -> None:
    async def is_gone() -> bool:
        return (await api.get(plural, name)).code == 404

    await eventually(is_gone, within_seconds=20)


async def test_delete_answers_success(api: Api) -> None:
    made = (await api.create("configmaps", configmap())).body["metadata"]
    answer = await api.delete("configmaps", "c")
    assert answer.code == 200
    assert answer.status == {
        "status": "Success",
        "details": {"name": "c", "kind": "configmaps", "uid": made["uid"]},
    }
    assert (await api.get("configmaps", "c")).code == 404


async def test_second_delete_is_404(api: Api) -> None:
    await api.create("configmaps", configmap())
    await api.delete("configmaps", "c")
    assert (await api.delete("configmaps", "c")).code == 404


async def test_finalizer_keeps_the_object(api: Api) -> None:
    await api.create("configmaps", finalized())
    answer = await api.delete("configmaps", "c")
    meta = answer.body["metadata"]
    assert (answer.code, answer.body["kind"]) == (200, "ConfigMap")
    assert meta["finalizers"] == [FINALIZER]
    assert (bool(meta["deletionTimestamp"]), meta["deletionGracePeriodSeconds"]) == (True, 0)
    assert (await api.get("configmaps", "c")).code == 200


async def test_deletion_that_waits_counts_in_the_generation(api: Api) -> None:
    await api.create("deployments", deployment(finalizers=[FINALIZER]))
    answer = await api.delete("deployments", "d")
    again = await api.delete("deployments", "d")
    # A controller of the real one may have written in between.
    assert [one.body["metadata"]["generation"] for one in (answer, again)] == [2, 2]
    moments = {one.body["metadata"]["deletionTimestamp"] for one in (answer, again)}
    assert len(moments) == 1
    await api.patch("deployments", "d", {"metadata": {"finalizers": None}})


async def test_last_finalizer_lets_it_go(api: Api) -> None:
    await api.create("configmaps", finalized())
    await api.delete("configmaps", "c")
    answer = await api.patch("configmaps", "c", {"metadata": {"finalizers": None}})
    assert answer.code == 200
    assert (await api.get("configmaps", "c")).code == 404


async def test_finalizer_that_is_removed_in_time_keeps_nothing(api: Api) -> None:
    await api.create("configmaps", finalized())
    await api.patch("configmaps", "c", {"metadata": {"finalizers": None}})
    assert (await api.delete("configmaps", "c")).status["status"] == "Success"


async def test_no_finalizer_is_added_to_what_goes(api: Api) -> None:
    await api.create("configmaps", finalized())
    await api.delete("configmaps", "c")
    patch = {"metadata": {"finalizers": [FINALIZER, "contract.test/more"]}}
    answer = await api.patch("configmaps", "c", patch)
    cause = answer.status["details"]["causes"][0]
    assert (answer.code, cause["reason"], cause["field"]) == (
        422,
        "FieldValueForbidden",
        "metadata.finalizers",
    )
    assert cause["message"] == (
        "Forbidden: no new finalizers can be added if the object is being deleted, found new"
        ' finalizers []string{"contract.test/more"}'
    )


async def test_deletion_is_not_taken_back(api: Api) -> None:
    await api.create("configmaps", finalized())
    await api.delete("configmaps", "c")
    answer = await api.patch("configmaps", "c", {"metadata": {"deletionTimestamp": None}})
    assert "deletionTimestamp" in answer.body["metadata"]


async def test_what_goes_can_be_changed(api: Api) -> None:
    await api.create("configmaps", finalized())
    await api.delete("configmaps", "c")
    answer = await api.patch("configmaps", "c", {"data": {"a": "2"}})
    assert (answer.code, answer.body["data"]) == (200, {"a": "2"})


async def test_create_of_what_goes_is_409(api: Api) -> None:
    await api.create("configmaps", finalized())
    await api.delete("configmaps", "c")
    answer = await api.create("configmaps", configmap())
    assert (answer.code, answer.status["reason"]) == (409, "AlreadyExists")
    told = 'object is being deleted: configmaps "c" already exists'
    assert answer.status["message"] == told


async def test_watch_tells_of_a_deletion_in_two_steps(api: Api) -> None:
    made = await api.create("configmaps", finalized())
    version = made.body["metadata"]["resourceVersion"]
    query = {"fieldSelector": "metadata.name=c", "resourceVersion": version}
    async with api.watch("configmaps", **query) as watch:
        await api.delete("configmaps", "c")
        await api.patch("configmaps", "c", {"metadata": {"finalizers": None}})
        assert await watch.names(2) == [("MODIFIED", "c"), ("DELETED", "c")]


@pytest.mark.parametrize("what", ["uid", "resourceVersion"])
async def test_precondition_that_fails_is_409(api: Api, what: str) -> None:
    await api.create("configmaps", configmap())
    wish = {"kind": "DeleteOptions", "apiVersion": "v1", "preconditions": {what: "1"}}
    answer = await api.delete("configmaps", "c", wish)
    assert (answer.code, answer.status["reason"]) == (409, "Conflict")
    assert answer.status["details"] == {"name": "c", "kind": "ConfigMap"}
    name = "UID" if what == "uid" else "ResourceVersion"
    assert (
        f"the {name} in the precondition (1) does not match the {name} in record"
        in answer.status["message"]
    )


@pytest.mark.parametrize("what", ["uid", "resourceVersion"])
async def test_precondition_that_holds(api: Api, what: str) -> None:
    made = (await api.create("configmaps", configmap())).body["metadata"]
    wish = {"kind": "DeleteOptions", "apiVersion": "v1", "preconditions": {what: made[what]}}
    assert (await api.delete("configmaps", "c", wish)).code == 200


async def test_collection_is_deleted_by_label(api: Api) -> None:
    for name, label in (("a", "go"), ("b", "go"), ("c", "stay")):
        await api.create("leases", {"metadata": {"name": name, "labels": {"do": label}}})
    assert (await api.delete("leases", labelSelector="do=go")).code == 200
    left = (await api.get("leases")).body["items"]
    assert [item["metadata"]["name"] for item in left] == ["c"]


async def owned(api: Api, uid: str | None = None) -> None:
    owner = (await api.create("configmaps", configmap("owner"))).body["metadata"]
    body = configmap("dependent")
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner"}
    body["metadata"]["ownerReferences"] = [{**reference, "uid": uid or owner["uid"]}]
    await api.create("configmaps", body)


@pytest.mark.parametrize("policy", ["Background", "Foreground"])
async def test_dependents_go_with_their_owner(api: Api, policy: str) -> None:
    await owned(api)
    await api.delete("configmaps", "owner", propagationPolicy=policy)
    await until_gone(api, "configmaps", "dependent")
    await until_gone(api, "configmaps", "owner")


async def test_orphans_stay(api: Api) -> None:
    await owned(api)
    await api.delete("configmaps", "owner", propagationPolicy="Orphan")
    await until_gone(api, "configmaps", "owner")
    left = await api.get("configmaps", "dependent")
    assert (left.code, "ownerReferences" in left.body["metadata"]) == (200, False)


async def test_namespace_goes_with_what_is_in_it(api: Api) -> None:
    await api.create("configmaps", configmap())
    answer = await api.delete("namespaces", api.namespace)
    assert answer.body["status"]["phase"] == "Terminating"
    await until_gone(api, "configmaps", "c")
    await until_gone(api, "namespaces", api.namespace)


async def test_namespace_that_goes_takes_nothing_new(api: Api) -> None:
    await api.create("configmaps", finalized())
    await api.delete("namespaces", api.namespace)
    answer = await api.create("configmaps", configmap("late"))
    assert (answer.code, answer.status["reason"]) == (403, "Forbidden")
    causes = answer.status["details"]["causes"]
    assert causes[0]["reason"] == "NamespaceTerminating"
    await api.patch("configmaps", "c", {"metadata": {"finalizers": None}})


async def test_pods_follow_replicas(api: Api) -> None:
    await api.create("deployments", deployment(replicas=2))

    async def ready(number: int) -> None:
        async def is_ready() -> bool:
            status = (await api.get("deployments", "d")).body.get("status", {})
            return bool(status.get("readyReplicas", 0) == number == status.get("replicas", 0))

        await eventually(is_ready)

    await ready(2)
    pods = (await api.get("pods", labelSelector="app=d")).body["items"]
    assert [pod["status"]["phase"] for pod in pods] == ["Running", "Running"]
    await api.patch("deployments", "d", {"spec": {"replicas": 0}}, "scale")
    await ready(0)

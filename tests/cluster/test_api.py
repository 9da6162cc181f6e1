"""The verbs, their answers and their failures, on a real API server."""

import asyncio
import json
import time
from collections.abc import AsyncIterator

import pytest

from responder.cluster.api import KubernetesApi
from responder.cluster.connection import connect
from responder.cluster.failures import (
    AlreadyExists,
    Conflict,
    Denied,
    Gone,
    Invalid,
    NotFound,
    NotServed,
    TooLarge,
)
from responder.cluster.resources import (
    CONFIGMAPS,
    DEPLOYMENTS,
    HPAS,
    SUBJECT_ACCESS_REVIEWS,
    TOKEN_REVIEWS,
    JsonObject,
    Resource,
    is_gone,
    version_of,
)
from tests.cluster.faulty_server import Exchange, connected, faulty_server
from tests.controlplane.eventually import eventually
from tests.controlplane.kube import Kube

MANAGER = "campaign-responder"


def config(name: str, *, labels: dict[str, str] | None = None, **data: str) -> JsonObject:
    return {"metadata": {"name": name, "labels": labels or {}}, "data": data}


def deployment(name: str) -> JsonObject:
    labels = {"app": name}
    container = {"name": "main", "image": "none.invalid/none"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    return {
        "metadata": {"name": name},
        "spec": {"replicas": 0, "selector": {"matchLabels": labels}, "template": template},
    }


class Space:
    """The test's namespace."""

    def __init__(self, api: KubernetesApi, kube: Kube) -> None:
        self.api = api
        self.kube = kube
        self.namespace = kube.namespace

    async def create(self, body: JsonObject, *, of: Resource = CONFIGMAPS) -> JsonObject:
        return await self.api.create(of, namespace=self.namespace, body=body, field_manager=MANAGER)

    async def get(self, name: str, *, of: Resource = CONFIGMAPS) -> JsonObject:
        return await self.api.get(of, namespace=self.namespace, name=name)

    async def patch(
        self,
        name: str,
        body: JsonObject,
        *,
        of: Resource = CONFIGMAPS,
        subresource: str | None = None,
        dry_run: bool = False,
    ) -> JsonObject:
        return await self.api.merge_patch(
            of,
            namespace=self.namespace,
            name=name,
            body=body,
            field_manager=MANAGER,
            subresource=subresource,
            dry_run=dry_run,
        )

    async def delete(
        self, name: str, *, uid: str | None = None, resource_version: str | None = None
    ) -> None:
        await self.api.delete(
            CONFIGMAPS,
            namespace=self.namespace,
            name=name,
            uid=uid,
            resource_version=resource_version,
        )


@pytest.fixture
def space(api: KubernetesApi, kube: Kube) -> Space:
    return Space(api, kube)


async def test_what_is_created_is_read_back_under_our_manager(space: Space) -> None:
    made = await space.create(config("a", key="é\u2028"))
    assert await space.get("a") == made
    assert made["data"] == {"key": "é\u2028"}
    assert [entry["manager"] for entry in made["metadata"]["managedFields"]] == [MANAGER]


async def test_a_second_create_is_told(space: Space) -> None:
    await space.create(config("a"))
    with pytest.raises(AlreadyExists) as caught:
        await space.create(config("a"))
    assert not caught.value.is_terminating
    assert (caught.value.kind, caught.value.name) == ("configmaps", "a")


async def test_a_terminating_one_still_has_its_name_until_its_last_finalizer_is_off(
    space: Space,
) -> None:
    body = config("a")
    body["metadata"]["finalizers"] = ["example.com/held"]
    await space.create(body)
    await space.delete("a")
    with pytest.raises(AlreadyExists) as caught:
        await space.create(config("a"))
    assert caught.value.is_terminating
    terminating = await space.get("a")
    assert not is_gone(terminating)
    last = await space.patch("a", {"metadata": {"finalizers": None}})
    assert is_gone(last)
    # The version from before its deletion: why no version tells that it is gone.
    assert version_of(last) == version_of(terminating)
    with pytest.raises(NotFound):
        await space.get("a")


async def test_a_patch_of_an_older_version_is_a_conflict(space: Space) -> None:
    made = await space.create(config("a", key="1"))
    guard = {"metadata": {"resourceVersion": made["metadata"]["resourceVersion"]}}
    changed = await space.patch("a", guard | {"data": {"key": "2"}})
    assert version_of(changed) > version_of(made)
    with pytest.raises(Conflict):
        await space.patch("a", guard | {"data": {"key": "3"}})
    assert (await space.get("a"))["data"] == {"key": "2"}


async def test_a_dry_run_tells_what_would_be_and_stores_nothing(space: Space) -> None:
    made = await space.create(config("a", key="1"))
    would = await space.patch("a", {"data": {"key": "2"}}, dry_run=True)
    assert would["data"] == {"key": "2"}
    assert await space.get("a") == made
    with pytest.raises(NotFound):
        await space.patch("b", {"data": {}}, dry_run=True)
    await space.api.create(
        CONFIGMAPS,
        namespace=space.namespace,
        body=config("c"),
        field_manager=MANAGER,
        dry_run=True,
    )
    with pytest.raises(NotFound):
        await space.get("c")


async def test_a_subresource_is_patched_alone(space: Space) -> None:
    await space.create(deployment("d"), of=DEPLOYMENTS)
    patch = {"spec": {"replicas": 5}, "status": {"observedGeneration": 77}}
    patched = await space.patch("d", patch, of=DEPLOYMENTS, subresource="status")
    assert patched["spec"]["replicas"] == 0
    assert patched["status"]["observedGeneration"] == 77


async def test_what_the_server_does_not_accept_is_told_with_its_fields(space: Space) -> None:
    spec = {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "d"},
        "minReplicas": 5,
        "maxReplicas": 2,
    }
    with pytest.raises(Invalid) as caught:
        await space.create({"metadata": {"name": "h"}, "spec": spec}, of=HPAS)
    assert "spec.maxReplicas" in {cause.field for cause in caught.value.causes}


async def test_a_missing_object_and_a_missing_namespace_are_told_apart(space: Space) -> None:
    with pytest.raises(NotFound) as caught:
        await space.get("missing")
    assert caught.value.kind == "configmaps"
    with pytest.raises(NotFound) as caught:
        await space.api.create(
            CONFIGMAPS, namespace="missing", body=config("a"), field_manager=MANAGER
        )
    assert caught.value.kind == "namespaces"


async def test_a_kind_that_is_not_served_is_no_missing_object(space: Space) -> None:
    unknown = Resource("example.com", "v1", "things", "Thing")
    with pytest.raises(NotServed):
        await space.get("a", of=unknown)
    with pytest.raises(NotServed):
        await space.api.list(unknown, namespace=space.namespace)


@pytest.mark.parametrize("megabytes", [2, 4])
async def test_an_object_that_etcd_or_the_server_cannot_hold_is_too_large(
    space: Space, megabytes: int
) -> None:
    body = deployment("d")
    body["spec"]["template"]["spec"]["containers"][0]["args"] = ["x" * 1_000_000] * megabytes
    with pytest.raises(TooLarge):
        await space.create(body, of=DEPLOYMENTS)


async def test_a_delete_is_of_the_one_that_was_meant(space: Space) -> None:
    made = await space.create(config("a"))
    with pytest.raises(Conflict):
        await space.delete("a", uid="another")
    with pytest.raises(Conflict):
        await space.delete("a", resource_version="1")
    await space.delete(
        "a",
        uid=made["metadata"]["uid"],
        resource_version=made["metadata"]["resourceVersion"],
    )
    with pytest.raises(NotFound):
        await space.delete("a")


async def test_a_list_of_several_pages_is_whole_and_as_its_objects_are(space: Space) -> None:
    bodies = [deployment(f"d{number:03}") for number in range(510)]
    for number, body in enumerate(bodies):
        body["metadata"]["labels"] = {"parity": str(number % 2)}
    await asyncio.gather(*(space.create(body, of=DEPLOYMENTS) for body in bodies))
    listed = await space.api.list(DEPLOYMENTS, namespace=space.namespace)
    assert [item["metadata"]["name"] for item in listed.items] == [f"d{n:03}" for n in range(510)]
    assert {(item["apiVersion"], item["kind"]) for item in listed.items} == {
        ("apps/v1", "Deployment")
    }
    assert int(listed.resource_version) >= max(map(version_of, listed.items))
    assert listed.date

    odd = await space.api.list(DEPLOYMENTS, namespace=space.namespace, label_selector="parity=1")
    assert len(odd.items) == 255

    slim = await space.api.list(DEPLOYMENTS, namespace=space.namespace, metadata_only=True)
    assert len(slim.items) == 510
    assert {"spec", "status"}.isdisjoint(slim.items[0])
    assert slim.items[0]["metadata"]["uid"] == listed.items[0]["metadata"]["uid"]

    at_least = await space.api.list(
        DEPLOYMENTS, namespace=space.namespace, resource_version=listed.resource_version
    )
    assert len(at_least.items) == 510


async def test_an_empty_list(space: Space) -> None:
    listed = await space.api.list(HPAS, namespace=space.namespace)
    assert listed.items == ()
    assert int(listed.resource_version) > 0


async def test_own_writes_are_in_the_next_list(space: Space) -> None:
    for number in range(50):
        await space.create(config(f"a{number}"))
        listed = await space.api.list(CONFIGMAPS, namespace=space.namespace)
        assert f"a{number}" in {item["metadata"]["name"] for item in listed.items}


async def test_a_list_whose_state_is_forgotten_between_pages_is_fetched_in_one() -> None:
    metadata = {"resourceVersion": "9", "continue": "token"}
    page = {"kind": "XList", "apiVersion": "v1", "metadata": metadata, "items": [{"a": 1}]}

    async def handle(exchange: Exchange) -> None:
        if exchange.query["limit"] == "0":
            await exchange.respond(200, page | {"metadata": {"resourceVersion": "10"}})
        elif "continue" in exchange.query:
            await exchange.respond(410, {"kind": "Status", "reason": "Expired"})
        else:
            await exchange.respond(200, page)

    async with faulty_server(handle) as server, connected(server.url) as connection:
        api = KubernetesApi(connection)
        listed = await api.list(CONFIGMAPS, namespace="ns", resource_version="5")
        assert (len(listed.items), listed.resource_version) == (1, "10")
        queries = [exchange.query for exchange in server.exchanges]
        assert queries[0] == {
            "limit": "500",
            "resourceVersion": "5",
            "resourceVersionMatch": "NotOlderThan",
        }
        assert queries[1] == {"limit": "500", "continue": "token"}
        with pytest.raises(Gone):
            async for _ in api.pages(CONFIGMAPS, namespace="ns"):
                pass


@pytest.fixture
async def reader(kube: Kube) -> AsyncIterator[KubernetesApi]:
    """A ServiceAccount that may get and list ConfigMaps."""
    rbac = "rbac.authorization.k8s.io/v1"
    rule = {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list"]}
    account = {"kind": "ServiceAccount", "name": "reader", "namespace": kube.namespace}
    named = {"metadata": {"name": "reader"}}
    kube.create("v1", "serviceaccounts", named)
    kube.create(rbac, "roles", {**named, "rules": [rule]})
    reference = {"apiGroup": rbac.partition("/")[0], "kind": "Role", "name": "reader"}
    kube.create(rbac, "rolebindings", {**named, "roleRef": reference, "subjects": [account]})
    kubeconfig = kube.control_plane.service_account_kubeconfig(
        namespace=kube.namespace, name="reader"
    )
    async with await connect(kubeconfig) as connection:
        api = KubernetesApi(connection)

        async def may_list() -> bool:
            try:
                await api.list(CONFIGMAPS, namespace=kube.namespace)
            except Denied:  # the authorizer sees a new binding a moment later
                return False
            return True

        await eventually(may_list)
        yield api


async def test_a_missing_permission_is_denied_and_not_by_admission(
    kube: Kube, reader: KubernetesApi
) -> None:
    with pytest.raises(Denied, match="cannot create resource") as caught:
        await reader.create(
            CONFIGMAPS, namespace=kube.namespace, body=config("a"), field_manager=MANAGER
        )
    assert not caught.value.by_admission


@pytest.mark.real_control_plane("admission policies")
async def test_a_policy_denies_by_admission(space: Space) -> None:
    policy = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": space.namespace},
        "spec": {
            "matchConstraints": {
                "resourceRules": [
                    {
                        "apiGroups": [""],
                        "apiVersions": ["v1"],
                        "operations": ["CREATE"],
                        "resources": ["configmaps"],
                    }
                ]
            },
            "validations": [
                {
                    "expression": "!object.metadata.name.startsWith('no-')",
                    "message": "not this name",
                }
            ],
        },
    }
    binding = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": space.namespace},
        "spec": {
            "policyName": space.namespace,
            "validationActions": ["Deny"],
            "matchResources": {
                "namespaceSelector": {
                    "matchLabels": {"kubernetes.io/metadata.name": space.namespace}
                }
            },
        },
    }
    space.kube.apply(policy, binding)
    try:
        denied: list[Denied] = []

        async def is_in_force() -> bool:
            try:
                await space.api.create(
                    CONFIGMAPS,
                    namespace=space.namespace,
                    body=config("no-a"),
                    field_manager=MANAGER,
                    dry_run=True,
                )
            except Denied as failure:
                denied.append(failure)
            return bool(denied)

        await eventually(is_in_force)
        assert denied[0].by_admission
        assert denied[0].status == 422  # a policy's refusal, unless it says otherwise
        assert "not this name" in denied[0].message
    finally:
        space.kube.kubectl("delete", "validatingadmissionpolicybinding", space.namespace)
        space.kube.kubectl("delete", "validatingadmissionpolicy", space.namespace)


async def test_reviews_answer_who_and_whether(kube: Kube, api: KubernetesApi) -> None:
    kube.create("v1", "serviceaccounts", {"metadata": {"name": "someone"}})
    requested = kube.create(
        "v1", "serviceaccounts/someone/token", {"spec": {"audiences": ["responder"]}}
    )
    spec = {"token": requested["status"]["token"], "audiences": ["responder"]}
    seen = await api.review(TOKEN_REVIEWS, body={"spec": spec})
    assert seen["status"]["authenticated"]
    assert seen["status"]["audiences"] == ["responder"]
    asked = {
        "user": seen["status"]["user"]["username"],
        "resourceAttributes": {"namespace": kube.namespace, "verb": "get", "resource": "pods"},
    }
    may = await api.review(SUBJECT_ACCESS_REVIEWS, body={"spec": asked})
    assert not may["status"]["allowed"]


async def test_the_servers_clock_is_this_machines(space: Space) -> None:
    assert space.api.clock.skew_seconds is None
    await space.api.list(CONFIGMAPS, namespace=space.namespace)
    assert space.api.clock.skew_seconds == pytest.approx(0.0, abs=0.5)
    assert space.api.clock.now_seconds == pytest.approx(time.time(), abs=2.0)


async def test_json_that_no_server_takes_is_not_sent(space: Space) -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        await space.create({"metadata": {"name": "a"}, "x": float("nan")})


async def test_a_lone_surrogate_of_a_hostile_label_reaches_the_server_as_text(space: Space) -> None:
    made = await space.create(config("a", key=json.loads('"\\ud800"')))
    assert made["data"]["key"] == "\N{REPLACEMENT CHARACTER}"

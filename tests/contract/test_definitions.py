"""A CustomResourceDefinition that is deleted while there are objects of its kind."""

import asyncio
import copy
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.contract.conftest import WIDGETS
from tests.contract.servers import APPLY, MERGE, Answer, Api, Watch
from tests.controlplane.eventually import eventually

DEFINITIONS = "customresourcedefinitions"
CLEANUP = "customresourcecleanup.apiextensions.k8s.io"


@dataclass
class Gadgets:
    """A kind of a test's own, with one object that has a finalizer and one that has none."""

    api: Api
    group: str

    @property
    def definition(self) -> dict[str, Any]:
        body = copy.deepcopy(WIDGETS)
        body["metadata"]["name"] = f"gadgets.{self.group}"
        names = {"kind": "Gadget", "plural": "gadgets", "singular": "gadget"}
        body["spec"] |= {"group": self.group, "names": names}
        return body

    @property
    def name(self) -> str:
        return f"gadgets.{self.group}"

    @property
    def root(self) -> str:
        return f"/apis/{self.group}/v1"

    def path(self, name: str = "") -> str:
        path = f"{self.root}/namespaces/{self.api.namespace}/gadgets"
        return f"{path}/{name}" if name else path

    async def create(self, name: str, *finalizers: str, **query: str) -> Answer:
        meta = {"name": name, "finalizers": list(finalizers)}
        body = {"apiVersion": f"{self.group}/v1", "kind": "Gadget", "metadata": meta}
        return await self.api.ask("POST", self.path(), {**body, "spec": {"size": 3}}, **query)

    async def patch(self, name: str, body: dict[str, Any]) -> Answer:
        return await self.api.ask("PATCH", self.path(name), body, content=MERGE)

    async def delete_definition(self) -> Answer:
        return await self.api.delete(DEFINITIONS, self.name)

    async def is_defined(self) -> bool:
        return (await self.api.get(DEFINITIONS, self.name)).code == 200


@pytest.fixture
async def gadgets(api: Api) -> AsyncIterator[Gadgets]:
    kind = Gadgets(api, f"{api.namespace}.test")
    assert (await api.create(DEFINITIONS, kind.definition)).code == 201

    async def is_served() -> bool:
        return (await kind.create("probe", dryRun="All")).code == 201

    await eventually(is_served, what="gadgets are served")
    assert (await kind.create("held", "contract.test/hold")).code == 201
    assert (await kind.create("free")).code == 201
    yield kind
    await kind.patch("held", {"metadata": {"finalizers": None}})
    await kind.delete_definition()


async def test_definition_waits_for_its_objects(gadgets: Gadgets) -> None:
    answer = await gadgets.delete_definition()
    meta, status = answer.body["metadata"], answer.body["status"]
    assert (answer.code, meta["finalizers"], meta["generation"]) == (200, [CLEANUP], 1)
    assert meta["deletionTimestamp"]
    assert status["conditions"][-1]["type"] == "Terminating"
    assert status["conditions"][-1]["reason"] == "InstanceDeletionPending"

    async def is_emptied() -> bool:
        live = (await gadgets.api.get(DEFINITIONS, gadgets.name)).body
        return bool(live["status"]["conditions"][-1]["reason"] == "InstanceDeletionInProgress")

    await eventually(is_emptied, what="its objects are being deleted")

    async def is_alone() -> list[str]:
        items = (await gadgets.api.ask("GET", gadgets.path())).body["items"]
        assert [item["metadata"]["name"] for item in items] == ["held"]
        return [item["metadata"]["deletionTimestamp"] for item in items]

    await eventually(is_alone, what="what nothing holds is gone, the rest is going")
    assert await gadgets.is_defined()


async def test_kind_whose_definition_goes_takes_nothing_new(gadgets: Gadgets) -> None:
    await gadgets.delete_definition()

    async def is_refused() -> bool:
        return (await gadgets.create("late", dryRun="All")).code == 403

    await eventually(is_refused, what="the real one's own watch has told it")
    answer = await gadgets.create("late")
    why = "create not allowed while custom resource definition is terminating"
    assert answer.status == {
        "status": "Failure",
        "message": f'{gadgets.name} "late" is forbidden: {why}',
        "reason": "Forbidden",
        "details": {"name": "late", "group": gadgets.group, "kind": "gadgets"},
        "code": 403,
    }
    assert (await gadgets.create("held")).code == 403
    applied = await gadgets.api.ask(
        "PATCH",
        gadgets.path("late"),
        {"apiVersion": f"{gadgets.group}/v1", "kind": "Gadget", "metadata": {"name": "late"},
         "spec": {"size": 3}},
        content=APPLY,
        fieldManager="flux",
    )  # fmt: skip
    assert applied.code == 403
    again = await gadgets.api.create(DEFINITIONS, gadgets.definition)
    assert again.code == 409
    assert again.status["message"].startswith("object is being deleted: ")


async def test_objects_can_be_changed_while_their_definition_goes(gadgets: Gadgets) -> None:
    await gadgets.delete_definition()
    assert (await gadgets.patch("held", {"spec": {"size": 4}})).code == 200

    async def verbs() -> list[str]:
        listed = (await gadgets.api.ask("GET", gadgets.root)).body["resources"]
        return [verb for entry in listed if entry["name"] == "gadgets" for verb in entry["verbs"]]

    async def takes_nothing_new() -> bool:
        return await verbs() == ["delete", "deletecollection", "get", "list", "watch"]

    await eventually(takes_nothing_new, what="discovery tells of it")


async def test_definition_goes_with_the_last_object(gadgets: Gadgets) -> None:
    api = gadgets.api
    version = (await api.ask("GET", gadgets.path())).body["metadata"]["resourceVersion"]
    async with api.session.get(
        f"{api.address.url}{gadgets.path('')}",
        params={"watch": "1", "timeoutSeconds": "600", "resourceVersion": version},
        headers={"Authorization": f"Bearer {api.address.token}"},
        ssl=api.address.tls or False,
    ) as answer:
        await gadgets.delete_definition()
        told = [await Watch(answer).next() for _ in range(2)]
        assert {(kind, body["metadata"]["name"]) for kind, body in told} == {
            ("DELETED", "free"),
            ("MODIFIED", "held"),
        }
        await gadgets.patch("held", {"metadata": {"finalizers": None}})

        async def is_gone() -> bool:
            return not await gadgets.is_defined()

        await eventually(is_gone, what="the definition is gone")
        async with asyncio.timeout(20):
            # The rest of the watch, to its end: there is nothing left to tell of.
            assert b'"DELETED"' in await answer.content.read()

    async def is_unknown() -> bool:
        answer = await api.ask("GET", gadgets.path())
        return (answer.code, answer.body) == (404, "404 page not found\n")

    await eventually(is_unknown, what="the kind is no longer served")

"""The cache equals a real API server's content through all that befalls the server."""

import asyncio
import contextlib
import shutil
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from responder.backoff import Backoff
from responder.cluster.api import KubernetesApi
from responder.cluster.failures import NotServed, TimedOut
from responder.cluster.mirror import ChangeKind, Key
from responder.cluster.resources import CONFIGMAPS, JsonObject, Resource, key_of, version_of
from responder.cluster.watch import WatchCache, WatchTimes
from tests.controlplane.control_plane import ControlPlane
from tests.controlplane.eventually import eventually
from tests.controlplane.kube import Kube

THINGS = Resource("example.com", "v1", "things", "Thing")


@dataclass
class Watching:
    """A running cache of raw objects, and what it told."""

    api: KubernetesApi
    kube: Kube
    cache: WatchCache[JsonObject]
    told: list[tuple[ChangeKind, int | None, int | None]]
    resource: Resource = CONFIGMAPS

    def server(self) -> dict[Key, JsonObject]:
        """What the server has, asked in a way of the tests' own."""
        api = self.resource.api_version
        items = self.kube.items(api, self.resource.plural)
        return {key_of(item): item for item in items}

    def equals_server(self) -> bool:
        def bare(objects: dict[Key, JsonObject]) -> dict[Key, Any]:
            return {key: (obj["metadata"], obj.get("data")) for key, obj in objects.items()}

        return bare(dict(self.cache.objects)) == bare(self.server())

    async def catches_up(self) -> None:
        await eventually(lambda: self.cache.synced and self.equals_server())

    def assert_told_once(self) -> None:
        """No version was told twice, and each change begins where the one before ended."""
        versions = [new for _, _, new in self.told if new is not None]
        assert len(versions) == len(set(versions))

    def set_data(self, name: str, value: str) -> None:
        self.kube.patch("v1", "configmaps", name, {"data": {"key": value}})

    def make(self, name: str) -> None:
        self.kube.create("v1", "configmaps", {"metadata": {"name": name}, "data": {"key": "0"}})


@contextlib.asynccontextmanager
async def watching(
    api: KubernetesApi,
    kube: Kube,
    *,
    times: WatchTimes | None = None,
    resource: Resource = CONFIGMAPS,
    label_selector: str = "",
) -> AsyncIterator[Watching]:
    told: list[tuple[ChangeKind, int | None, int | None]] = []

    def tell(kind: ChangeKind, old: JsonObject | None, new: JsonObject | None) -> None:
        told.append(
            (
                kind,
                None if old is None else version_of(old),
                None if new is None else version_of(new),
            )
        )

    cache: WatchCache[JsonObject] = WatchCache(
        api,
        resource,
        namespace=kube.namespace,
        transform=lambda obj: obj,
        on_change=tell,
        times=times,
        label_selector=label_selector,
        backoff=Backoff(longest_seconds=0.5),
    )
    running = asyncio.create_task(cache.run())
    try:
        yield Watching(api, kube, cache, told, resource)
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


@dataclass
class Etcd:
    """The data of a private control plane, to be copied, put back or thrown away."""

    plane: ControlPlane
    copy: Path = field(init=False)

    def __post_init__(self) -> None:
        self.copy = self.plane.layout.directory / "etcd-copy"

    @property
    def data(self) -> Path:
        return self.plane.layout.directory / "etcd"

    def stop(self) -> None:
        self.plane.kill_api_server()
        self.plane.etcd.kill()

    def start(self) -> None:
        self.plane.etcd.start_again()
        self.plane.start_api_server()

    def save(self) -> None:
        self.stop()
        shutil.copytree(self.data, self.copy)
        self.start()

    def put_back(self) -> None:
        self.stop()
        shutil.rmtree(self.data)
        shutil.copytree(self.copy, self.data)
        self.start()

    def throw_away(self) -> None:
        self.stop()
        shutil.rmtree(self.data)
        self.start()


async def test_it_follows_what_others_do(api: KubernetesApi, kube: Kube) -> None:
    kube.create("v1", "configmaps", {"metadata": {"name": "before"}})
    async with watching(api, kube) as it:
        await it.catches_up()
        it.make("a")
        it.set_data("a", "1")
        it.set_data("a", "2")
        it.kube.delete("v1", "configmaps", "before")
        await it.catches_up()
        it.assert_told_once()
        assert [kind for kind, _, _ in it.told[-4:]] == ["added", "modified", "modified", "deleted"]
        assert it.cache.lists == 1


async def test_an_object_enters_and_leaves_a_selection(api: KubernetesApi, kube: Kube) -> None:
    async with watching(api, kube, label_selector="held=yes") as it:
        await it.cache.wait_synced()
        it.make("a")
        kube.patch("v1", "configmaps", "a", {"metadata": {"labels": {"held": "yes"}}})
        await eventually(lambda: it.cache.get(namespace=kube.namespace, name="a"))
        kube.patch("v1", "configmaps", "a", {"metadata": {"labels": {"held": "no"}}})
        await eventually(lambda: not it.cache.objects)
        assert [kind for kind, _, _ in it.told] == ["added", "deleted"]


async def test_own_writes_are_there_at_once_in_any_order_and_told_once(
    api: KubernetesApi, kube: Kube
) -> None:
    async with watching(api, kube) as it:
        await it.cache.wait_synced()
        for number in range(30):
            name = f"own-{number}"
            body = {"metadata": {"name": name, "finalizers": ["example.com/held"]}}
            made = await api.create(
                CONFIGMAPS, namespace=kube.namespace, body=body, field_manager="me"
            )
            it.cache.observe(made)
            assert it.cache.get(namespace=kube.namespace, name=name)
            await api.delete(CONFIGMAPS, namespace=kube.namespace, name=name)
            last = await api.merge_patch(
                CONFIGMAPS,
                namespace=kube.namespace,
                name=name,
                body={"metadata": {"finalizers": None}},
                field_manager="me",
            )
            it.cache.observe(last)
            assert it.cache.get(namespace=kube.namespace, name=name) is None
            it.cache.observe(made)
            assert it.cache.get(namespace=kube.namespace, name=name) is None
        await it.catches_up()
        it.assert_told_once()
        deleted = [old for kind, old, _ in it.told if kind == "deleted"]
        assert len(deleted) == 30


async def test_watches_that_end_as_agreed_are_resumed_without_a_list(
    api: KubernetesApi, kube: Kube
) -> None:
    async with watching(api, kube, times=WatchTimes(watch=1)) as it:
        await it.cache.wait_synced()
        stop_at = time.monotonic() + 4
        number = 0
        while time.monotonic() < stop_at:
            number += 1
            await asyncio.to_thread(it.make, f"a{number}")
        await it.catches_up()
        it.assert_told_once()
        assert it.cache.lists == 1
        assert it.cache.last_failure is None


async def test_a_version_from_the_future_is_not_waited_for_in_silence(
    api: KubernetesApi, kube: Kube
) -> None:
    async with watching(api, kube, times=WatchTimes(silence=1.0)) as it:
        await it.cache.wait_synced()
    it.cache._resume_at = 10**12
    running = asyncio.create_task(it.cache.run())
    it.make("a")
    await eventually(lambda: it.cache.lists == 2)
    await it.catches_up()
    running.cancel()
    await asyncio.wait([running])


async def test_it_follows_through_kills_and_restarts(
    own_control_plane: ControlPlane, own_api: KubernetesApi, own_kube: Kube
) -> None:
    plane = own_control_plane
    async with watching(own_api, own_kube) as it:
        await it.cache.wait_synced()
        for round_ in range(2):
            it.make(f"a{round_}")
            await it.catches_up()
            plane.kill_api_server()
            await eventually(lambda: it.cache.last_failure)
            assert it.cache.objects  # goes on serving
            plane.start_api_server()
            it.set_data(f"a{round_}", "1")
            await it.catches_up()
        it.assert_told_once()
        assert it.cache.lists >= 3


async def test_it_notices_a_server_that_stopped_answering_and_one_that_goes_on(
    own_control_plane: ControlPlane, own_api: KubernetesApi, own_kube: Kube
) -> None:
    async with watching(own_api, own_kube, times=WatchTimes(silence=1.0)) as it:
        await it.cache.wait_synced()
        own_control_plane.suspend()
        await eventually(lambda: isinstance(it.cache.last_failure, TimedOut))
        assert not it.cache.synced
        own_control_plane.resume()
        it.make("a")
        await it.catches_up()


@pytest.mark.parametrize("how", ["older", "empty"])
async def test_another_etcd_behind_the_same_address(
    own_control_plane: ControlPlane, own_api: KubernetesApi, own_kube: Kube, how: str
) -> None:
    etcd = Etcd(own_control_plane)
    async with watching(own_api, own_kube) as it:
        await it.cache.wait_synced()
        it.make("kept")
        it.make("changed")
        await it.catches_up()
        if how == "older":
            etcd.save()
        for value in range(100):
            it.set_data("changed", str(value))
        it.make("lost")
        await it.catches_up()
        before = it.cache._mirror.progress
        if how == "older":
            etcd.put_back()
        else:
            etcd.throw_away()
            own_control_plane.create_namespace("test")
        own_kube.create("v1", "configmaps", {"metadata": {"name": "new"}})
        await it.catches_up()
        assert it.cache._mirror.progress < before
        names = {name for _, name in it.cache.objects}
        assert "lost" not in names
        assert "new" in names
        assert ("kept" in names) == (how == "older")
        # And it goes on from there.
        own_kube.delete("v1", "configmaps", "new")
        await it.catches_up()


async def test_a_custom_resource_that_is_served_late_and_taken_away(
    api: KubernetesApi, kube: Kube
) -> None:
    names = {"plural": "things", "singular": "thing", "kind": "Thing"}
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "things.example.com"},
        "spec": {
            "group": "example.com",
            "scope": "Namespaced",
            "names": names,
            "versions": [version],
        },
    }
    async with watching(api, kube, resource=THINGS) as it:
        await eventually(lambda: isinstance(it.cache.last_failure, NotServed))
        kube.apply(definition)
        await it.cache.wait_synced()
        await eventually(
            lambda: kube.apply(
                {"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "a"}}
            )
        )
        await it.catches_up()
        kube.kubectl("delete", "crd", "things.example.com")
        await eventually(lambda: isinstance(it.cache.last_failure, NotServed))

"""A cache of the objects of one kind in one namespace, kept equal to the server's for ever.

What may go wrong with a watch ends in the same way: the objects are listed afresh. A watch is
resumed at its last version only when it ended as agreed, after the time that was asked for. Any
other end (a broken connection, a refused one, silence, an ERROR, nonsense, an early end) may come
from a restart with an older or another etcd, and there a version of ours may lie in the future,
where the server waits in silence instead of refusing it.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Generic, TypeVar
from urllib.parse import urlencode

import aiohttp
import structlog

from responder.backoff import Backoff
from responder.cluster.api import KubernetesApi
from responder.cluster.failures import (
    ApiFailure,
    BadRequest,
    Invalid,
    TimedOut,
    Unavailable,
    unavailable,
)
from responder.cluster.mirror import ChangeKind, Key, Mirror, OnChange
from responder.cluster.resources import JsonObject, Resource, key_of, version_of
from responder.cluster.watch_stream import WatchEvent, read_events

T = TypeVar("T")

_AGREED_RATIO = 0.9
_STEADY_SECONDS = 10.0
"""A watch that lived so long ends the slowing down of retries."""


@dataclass(frozen=True, slots=True)
class WatchTimes:
    """In seconds.

    `watch`: after which the server ends a watch in order. `silence`: a bookmark comes about every
    minute, so nothing for this long means that nobody is there. `list_silence`: the same while
    objects of a list are due. `stale`: how long after an interruption the cache still counts as
    `synced`.
    """

    watch: int = 240
    silence: float = 90.0
    list_silence: float = 30.0
    stale: float = 10.0


class WatchCache(Generic[T]):
    """Lists and watches while `run` runs; `objects` is what is there, keyed by namespace and name.

    `transform` makes of an object what is kept: small, best immutable, and equal (`==`) if
    nothing that matters changed. None leaves the object out. `on_change(kind, old, new)` is
    called once for each version of an object that is new, when `objects` has it already, and
    `on_restored()` before the changes of a list from an older or another etcd, and `on_back()`
    once a watch that had failed lives again. If one of the first two raises, that is logged and
    the last value stays: one odd object must not stop the others, nor look deleted. `known`, which
    must not raise, is Mirror's.
    """

    def __init__(
        self,
        api: KubernetesApi,
        resource: Resource,
        *,
        namespace: str | None,
        transform: Callable[[JsonObject], T | None],
        on_change: OnChange[T] | None = None,
        on_restored: Callable[[], None] = lambda: None,
        on_back: Callable[[], None] = lambda: None,
        known: Callable[[JsonObject], T | None] = lambda _obj: None,
        label_selector: str = "",
        times: WatchTimes | None = None,
        backoff: Backoff | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        pause: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._api = api
        self._resource = resource
        self._namespace = namespace
        self._given_transform = transform
        self._given_on_change = on_change
        self._on_back = on_back
        self._label_selector = label_selector
        self._times = times or WatchTimes()
        self._backoff = backoff or Backoff()
        self._monotonic = monotonic
        self._pause = pause
        self._mirror: Mirror[T] = Mirror(
            transform=self._transform,
            on_change=self._on_change,
            on_restored=on_restored,
            known=known,
        )
        self._streams_lists = True
        self._resume_at: int | None = None
        self._live = asyncio.Event()
        self._fresh_until = float("-inf")
        self._alive_at = 0.0
        self._contact_at: float | None = None
        self._log = structlog.get_logger().bind(resource=resource.plural, namespace=namespace)
        self.last_failure: ApiFailure | None = None
        """Why it isn't live; None while it is."""
        self.lists = 0
        """How many times everything was listed."""

    @property
    def objects(self) -> Mapping[Key, T]:
        """A live view. Empty until the first list is whole."""
        return self._mirror.values

    def get(self, *, namespace: str, name: str) -> T | None:
        return self._mirror.values.get((namespace, name))

    @property
    def synced(self) -> bool:
        """True while the watch lives, and for `times.stale` seconds after it was interrupted.

        Not after silence: then nobody knows since when it was dead.
        """
        return self._live.is_set() or self._monotonic() < self._fresh_until

    async def wait_synced(self) -> None:
        while not self.synced:
            await self._live.wait()

    @property
    def age_seconds(self) -> float | None:
        """How long ago the server last sent something; up to a minute in a quiet namespace."""
        return None if self._contact_at is None else self._monotonic() - self._contact_at

    def observe(self, obj: JsonObject) -> None:
        """Takes in the answer to an own write, without waiting for the watch to tell it."""
        self._mirror.observe(obj)

    async def run(self) -> None:
        """Until it is cancelled; no failure of the server ends it."""
        try:
            while True:
                try:
                    await self._once()
                except ApiFailure as failure:
                    self._broken(failure)
                    await self._pause(self._backoff.next_seconds(at_least=failure.retry_after))
        finally:
            self._interrupted()

    async def _once(self) -> None:
        """One watch until it ends as agreed, with a list before it unless the last one did."""
        version, self._resume_at = self._resume_at, None
        if version is None and not self._streams_lists:
            version = await self._list()
        started_at = self._monotonic()
        await self._follow(version)
        self._interrupted()
        lived = self._monotonic() - started_at
        if lived < self._times.watch * _AGREED_RATIO:
            raise unavailable(f"the watch ended after {lived:.1f} s instead of {self._times.watch}")
        self._resume_at = self._mirror.progress

    async def _list(self) -> int:
        """Page by page, for a server that doesn't stream lists."""
        self._mirror.begin_list()
        version = 0
        async for page in self._api.pages(
            self._resource, namespace=self._namespace, label_selector=self._label_selector
        ):
            for obj in page.items:
                self._mirror.stage("ADDED", obj)
            version = int(page.resource_version)
        self._finish_list(version)
        return version

    async def _follow(self, version: int | None) -> None:
        """Without `version` the watch begins with all objects: parsed and slimmed one by one."""
        is_listing = version is None
        if is_listing:
            self._mirror.begin_list()
        response = await self._open(version)
        if not is_listing:
            self._alive()
        loop = asyncio.get_running_loop()
        try:
            async with (
                asyncio.timeout(self._times.list_silence if is_listing else None) as patience,
                aclosing(read_events(response)) as events,
            ):
                async for event in events:
                    self._contact_at = self._monotonic()
                    if not is_listing:
                        self._take(event)
                    elif not event.ends_list:
                        self._stage(event)
                        patience.reschedule(loop.time() + self._times.list_silence)
                    else:
                        self._finish_list(version_of(event.obj))
                        self._alive()
                        is_listing = False
                        patience.reschedule(None)
        except TimeoutError as error:
            self._streams_lists = False  # a server before 1.27 doesn't know the parameter
            raise unavailable("the list stopped in its middle", timed_out=True) from error
        if is_listing:
            raise unavailable("the list ended in its middle")

    async def _open(self, version: int | None) -> aiohttp.ClientResponse:
        query = {
            "watch": "1",
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(self._times.watch),
        }
        if self._label_selector:
            query["labelSelector"] = self._label_selector
        if version is None:
            query |= {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan"}
        else:
            query["resourceVersion"] = str(version)
        path = self._resource.path(self._namespace)
        try:
            return await self._api.transport.open_stream(
                f"{path}?{urlencode(query)}", silence_seconds=self._times.silence
            )
        except (BadRequest, Invalid):
            self._streams_lists = False  # its feature gate WatchList is off
            raise

    def _stage(self, event: WatchEvent) -> None:
        if event.kind != "BOOKMARK":
            self._mirror.stage(event.kind, event.obj)

    def _take(self, event: WatchEvent) -> None:
        if event.kind == "BOOKMARK":
            self._mirror.pass_by(version_of(event.obj))
        else:
            self._mirror.apply(event.kind, event.obj)

    def _finish_list(self, version: int) -> None:
        if not self._mirror.finish_list(version):
            raise unavailable("the server's versions went backwards")
        self.lists += 1
        self._contact_at = self._monotonic()

    def _alive(self) -> None:
        self._alive_at = self._monotonic()
        self._live.set()
        if self.last_failure is not None:
            self._log.info("watch_restored", objects=len(self.objects))
            self.last_failure = None
            self._on_back()

    def _interrupted(self) -> None:
        if self._live.is_set():
            self._live.clear()
            now = self._monotonic()
            self._fresh_until = now + self._times.stale
            if now - self._alive_at >= _STEADY_SECONDS:
                self._backoff.reset()

    def _broken(self, failure: ApiFailure) -> None:
        self._interrupted()
        if isinstance(failure, TimedOut):
            self._fresh_until = float("-inf")
        if isinstance(failure, Unavailable):
            self._api.outages.noticed()
        if type(failure) is not type(self.last_failure):  # not a line for every retry
            self._log.warning("watch_broken", reason=str(failure))
        self.last_failure = failure

    def _transform(self, obj: JsonObject) -> T | None:
        try:
            return self._given_transform(obj)
        except Exception:  # noqa: BLE001 -- the outermost edge of this loop
            namespace, name = key_of(obj)
            self._log.exception("object_not_understood", object_namespace=namespace, name=name)
            return self.get(namespace=namespace, name=name)

    def _on_change(self, kind: ChangeKind, old: T | None, new: T | None) -> None:
        if self._given_on_change is None:
            return
        try:
            self._given_on_change(kind, old, new)
        except Exception:  # noqa: BLE001 -- as above
            self._log.exception("change_not_taken_in", kind=kind)

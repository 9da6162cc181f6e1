"""The verbs of the API server that we use, as plain JSON.

A failed write is the caller's to decide again, on what is there by then; whether it may have been
carried out is told by `Unavailable.ambiguous`.
"""

import json
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from responder.cluster.connection import Connection
from responder.cluster.failures import Gone, unavailable
from responder.cluster.outages import Outages
from responder.cluster.resources import JsonObject, Resource
from responder.cluster.server_clock import ServerClock
from responder.cluster.transport import Answer, Limits, Transport

_NOTHING: Mapping[str, str] = {}
_JSON = {"Content-Type": "application/json"}
_MERGE_PATCH = {"Content-Type": "application/merge-patch+json"}
_METADATA_ONLY = {
    "Accept": "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"
}
_PAGE_ITEMS = 500
"""Of a list: as much JSON as is parsed in one go, some 10 ms. The parser lets nobody else run,
not even from another thread."""
_encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


@dataclass(frozen=True, slots=True)
class ListResult:
    """Objects of one state of the cluster, that state's resourceVersion, the answer's `Date`."""

    items: tuple[JsonObject, ...]
    resource_version: str
    date: str


class KubernetesApi:
    """For one server. Every method raises ApiFailure, and ValueError for an impossible name."""

    def __init__(
        self,
        connection: Connection,
        *,
        limits: Limits | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.transport = Transport(
            connection, limits=limits or Limits(), monotonic=monotonic, wall=wall
        )

    @property
    def clock(self) -> ServerClock:
        """The server's time, learned from every answer."""
        return self.transport.clock

    @property
    def outages(self) -> Outages:
        return self.transport.outages

    async def get(self, resource: Resource, *, namespace: str | None, name: str) -> JsonObject:
        """The object as it is now: a consistent read."""
        path = resource.path(namespace, name)
        return (await self.transport.send("GET", path, headers=_NOTHING)).obj

    async def list(
        self,
        resource: Resource,
        *,
        namespace: str | None,
        label_selector: str = "",
        resource_version: str = "",
        metadata_only: bool = False,
    ) -> ListResult:
        """All of them in one consistent state, fetched page by page.

        Without `resource_version` it is the state now, own writes included; with one, any state
        that isn't older, which costs the server less. Without `namespace`: of every namespace.
        """

        async def collect(page_items: int) -> ListResult:
            pages = [
                page
                async for page in self.pages(
                    resource,
                    namespace=namespace,
                    label_selector=label_selector,
                    resource_version=resource_version,
                    metadata_only=metadata_only,
                    page_items=page_items,
                )
            ]
            items = tuple(item for page in pages for item in page.items)
            return ListResult(items, pages[-1].resource_version, pages[-1].date)

        try:
            return await collect(_PAGE_ITEMS)
        except Gone:
            # The server forgot that state between two pages: all of them in one, then.
            return await collect(0)

    async def pages(
        self,
        resource: Resource,
        *,
        namespace: str | None,
        label_selector: str = "",
        resource_version: str = "",
        metadata_only: bool = False,
        page_items: int = _PAGE_ITEMS,
    ) -> AsyncIterator[ListResult]:
        """As `list`, page by page (0: all in one). Raises Gone if that takes minutes."""
        query = {"limit": str(page_items)}
        if label_selector:
            query["labelSelector"] = label_selector
        first = {}
        if resource_version:
            first = {"resourceVersion": resource_version, "resourceVersionMatch": "NotOlderThan"}
        headers = _METADATA_ONLY if metadata_only else _NOTHING
        path = resource.path(namespace)
        continued = first
        while True:
            answer = await self.transport.send(
                "GET", f"{path}?{urlencode(query | continued)}", headers=headers, is_page=True
            )
            page = _page(answer)
            yield page
            continued = {"continue": answer.obj["metadata"].get("continue", "")}
            if not continued["continue"]:
                return

    async def create(
        self,
        resource: Resource,
        *,
        namespace: str | None,
        body: JsonObject,
        field_manager: str,
        dry_run: bool = False,
    ) -> JsonObject:
        """Returns the object as it was stored; a `status` in `body` is dropped by the server."""
        path = resource.path(namespace) + _write_query(field_manager, dry_run=dry_run)
        content = _encode(body).encode()
        answer = await self.transport.send(
            "POST", path, headers=_JSON, body=content, is_write=not dry_run
        )
        return answer.obj

    async def merge_patch(
        self,
        resource: Resource,
        *,
        namespace: str | None,
        name: str,
        body: JsonObject,
        field_manager: str,
        subresource: str | None = None,
        dry_run: bool = False,
    ) -> JsonObject:
        """RFC 7396; returns the object after it, which may be gone by that (`is_gone`).

        With a `metadata.resourceVersion` in `body` it is a Conflict if that isn't the current
        one; without, the last writer wins.
        """
        path = resource.path(namespace, name, subresource)
        path += _write_query(field_manager, dry_run=dry_run)
        content = _encode(body).encode()
        answer = await self.transport.send(
            "PATCH", path, headers=_MERGE_PATCH, body=content, is_write=not dry_run
        )
        return answer.obj

    async def delete(
        self,
        resource: Resource,
        *,
        namespace: str | None,
        name: str,
        uid: str | None = None,
        resource_version: str | None = None,
    ) -> None:
        """Returns once it is deleted or, with finalizers, terminating; Conflict if it is another.

        aiohttp itself sends a DELETE (no POST or PATCH) once more when its pooled connection
        turns out to be closed, so NotFound may also mean that it was us who deleted it.
        """
        required = {"uid": uid, "resourceVersion": resource_version}
        body = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "preconditions": {key: value for key, value in required.items() if value is not None},
        }
        await self.transport.send(
            "DELETE",
            resource.path(namespace, name),
            headers=_JSON,
            body=_encode(body).encode(),
            is_write=True,
        )

    async def review(self, resource: Resource, *, body: JsonObject) -> JsonObject:
        """Asks about a token or a permission; returns it with its `status`. Nothing is stored."""
        content = _encode(body).encode()
        path = resource.path()
        return (await self.transport.send("POST", path, headers=_JSON, body=content)).obj


def _write_query(field_manager: str, *, dry_run: bool) -> str:
    query = f"?fieldManager={field_manager}"
    return f"{query}&dryRun=All" if dry_run else query


def _page(answer: Answer) -> ListResult:
    page = answer.obj
    try:
        version = page["metadata"]["resourceVersion"]
        kind, api_version = page["kind"].removesuffix("List"), page["apiVersion"]
        items: list[JsonObject] = page.get("items") or []
    except (AttributeError, KeyError, TypeError) as error:
        raise unavailable("the answer is no list") from error
    for item in items:
        # Missing in the items of a built-in kind, and there in a watch or a get.
        item.setdefault("kind", kind)
        item.setdefault("apiVersion", api_version)
    return ListResult(tuple(items), version, answer.date)

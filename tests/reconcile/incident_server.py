"""The incidents of an API server, in memory: versions, conflicts, merge patches, and what can fail.

It validates what is written by the schema of the resource as it is installed.
"""

import asyncio
import copy
import itertools
import json
from collections.abc import Callable
from typing import Any

from responder.cluster.api import KubernetesApi, ListResult
from responder.cluster.failures import (
    AlreadyExists,
    ApiFailure,
    BadRequest,
    Conflict,
    Invalid,
    NotFound,
)
from responder.cluster.resources import Resource
from responder.reconcile.preview import merged
from tests.incidents.resource_schema import fault

Json = dict[str, Any]
MOST_BYTES = 1_500_000
"""What etcd takes; the API server answers with an error beyond it."""


class IncidentServer(KubernetesApi):
    """`failures` are met by the next writes, in order: before or after they are carried out."""

    def __init__(self) -> None:
        self.stored: dict[str, Json] = {}
        self.writes: list[str] = []
        self.reads = 0
        self.not_served = False
        """The definition is terminating."""
        self.failures: list[tuple[ApiFailure, bool]] = []
        self.before_write: Callable[[], object] = lambda: None
        self._versions = itertools.count(100)

    def fail(self, failure: ApiFailure, *, carried_out: bool = False) -> None:
        self.failures.append((failure, carried_out))

    def put(self, body: Json) -> Json:
        """Store an object as somebody else's write does."""
        name = body["metadata"]["name"]
        version = str(next(self._versions))
        kept = copy.deepcopy(body)
        kept["metadata"].setdefault("uid", f"uid-{version}")
        kept["metadata"].setdefault("creationTimestamp", "2026-11-24T18:00:00Z")
        kept["metadata"]["resourceVersion"] = version
        if why := fault(kept):
            raise Invalid(why, status=422)
        if len(json.dumps(kept)) > MOST_BYTES:
            raise AssertionError("too large for etcd")
        self.stored[name] = kept
        return copy.deepcopy(kept)

    async def get(self, resource: Resource, *, namespace: str | None, name: str) -> Json:
        del resource, namespace
        self.reads += 1
        await asyncio.sleep(0)
        return copy.deepcopy(self._found(name))

    async def list(
        self,
        resource: Resource,
        *,
        namespace: str | None,
        label_selector: str = "",
        resource_version: str = "",
        metadata_only: bool = False,
    ) -> ListResult:
        del resource, namespace, label_selector, resource_version, metadata_only
        self.reads += 1
        await asyncio.sleep(0)
        return ListResult(tuple(copy.deepcopy(list(self.stored.values()))), "1", "")

    async def create(
        self,
        resource: Resource,
        *,
        namespace: str | None,
        body: Json,
        field_manager: str,
        dry_run: bool = False,
    ) -> Json:
        del resource, namespace, field_manager
        name = body["metadata"]["name"]

        def write() -> Json:
            if self.not_served:
                raise BadRequest("create not allowed while the definition goes", status=405)
            if name in self.stored:
                raise AlreadyExists(f"{name} already exists", status=409)
            return copy.deepcopy(body) if dry_run else self.put(body)

        return await self._write(f"create {name}", write)

    async def merge_patch(
        self,
        resource: Resource,
        *,
        namespace: str | None,
        name: str,
        body: Json,
        field_manager: str,
        subresource: str | None = None,
        dry_run: bool = False,
    ) -> Json:
        del resource, namespace, field_manager, subresource, dry_run

        def write() -> Json:
            found = self._found(name)
            wanted = body.get("metadata", {}).get("resourceVersion")
            if wanted not in (None, found["metadata"]["resourceVersion"]):
                raise Conflict(f"{name} has changed", status=409)
            return self.put(merged(found, body))

        return await self._write(f"patch {name}", write)

    async def _write(self, what: str, write: Callable[[], Json]) -> Json:
        # A request is under way for a while: others come in between.
        await asyncio.sleep(0)
        self.before_write()
        failure, carried_out = self.failures.pop(0) if self.failures else (None, True)
        answer: Json = {}
        if carried_out:
            answer = write()
            self.writes.append(what)
        await asyncio.sleep(0)
        if failure is not None:
            raise failure
        return answer

    def _found(self, name: str) -> Json:
        if name not in self.stored:
            raise NotFound(f"{name} not found", status=404, reason="NotFound")
        return self.stored[name]

"""Requests for objects: each verb, on one object or on all of a kind."""

import contextlib
from typing import Any, Final

from aiohttp import web

from responder.sandbox.api.access import Access
from responder.sandbox.api.answers import answer, listed, shape_for, success
from responder.sandbox.api.core_events import core_event
from responder.sandbox.api.definitions import Definitions
from responder.sandbox.api.failures import Json, Refused
from responder.sandbox.api.operations import Operations
from responder.sandbox.api.reading import page
from responder.sandbox.api.requests import (
    Concern,
    UnknownPathError,
    body_of,
    content_type_of,
    options_of,
    wants_watch,
)
from responder.sandbox.api.scale import scale_of, scaled
from responder.sandbox.api.selectors import selector_of
from responder.sandbox.api.store import Place
from responder.sandbox.api.watching import Wish, stream

_WATCH_SECONDS: Final = 1800.0
_EVENTS: Final = "events.events.k8s.io"
_NAMESPACED_PARTS: Final = 5
"""Of `api/v1/namespaces/NS/events`."""


class ResourceRequests:
    """Answers requests that are allowed already."""

    def __init__(self, operations: Operations, definitions: Definitions, access: Access) -> None:
        self._operations = operations
        self._store = operations.store
        self._definitions = definitions
        self._access = access

    async def answer(self, request: web.Request, concern: Concern) -> web.StreamResponse:
        """Answer one; raises Refused or UnknownPathError."""
        parts = {"": True, "status": concern.kind.has_status, "scale": concern.kind.scales}
        issues = concern.part == "token" and concern.kind.plural == "serviceaccounts"
        if not issues and not parts.get(concern.part, concern.part == "finalize"):
            raise UnknownPathError(request.path)
        if request.method == "GET":
            return await self._read(request, concern)
        found: web.StreamResponse
        match request.method:
            case "POST" if issues:
                found = await self._token(request, concern)
            case "POST" if not concern.name:
                found = await self._create(request, concern)
            case "PUT" | "PATCH" if concern.name:
                found = await self._change(request, concern)
            case "DELETE":
                found = await self._delete(request, concern)
            case _:
                told = "the server does not allow this method on the requested resource"
                raise Refused(405, told)
        return found

    async def _read(self, request: web.Request, concern: Concern) -> web.StreamResponse:
        if wants_watch(request):
            return await self._watch(request, concern)
        return self._get(request, concern) if concern.name else answer(self._list(request, concern))

    def _get(self, request: web.Request, concern: Concern) -> web.Response:
        found = self._operations.get(concern.kind, concern.namespace, concern.name)
        if concern.part == "scale":
            return answer(scale_of(found))
        return answer(shape_for(request, concern.kind)(found))

    def _selected(self, request: web.Request, concern: Concern) -> list[Json]:
        labels = request.query.get("labelSelector", "")
        selects = selector_of(labels, request.query.get("fieldSelector", ""))
        items = self._store.items(concern.kind.resource, concern.namespace)
        return [item for item in items if selects(item)]

    def _list(self, request: web.Request, concern: Concern) -> Json:
        query = request.query
        wanted = query.get("resourceVersion", "")
        exact = query.get("resourceVersionMatch") == "Exact"
        if exact and wanted.isdigit() and not self._store.is_remembered(int(wanted)):
            message = f"The provided resource version {wanted} is too old"
            raise Refused(410, message, reason="Expired")
        items = self._selected(request, concern)
        limit = int(query.get("limit") or 0)
        chosen, metadata = page(
            items, limit=limit, after=query.get("continue", ""), store=self._store
        )
        return listed(request, concern.kind, chosen, metadata)

    def core_events(self, request: web.Request) -> web.Response:
        parts = request.path.strip("/").split("/")
        namespace = parts[3] if len(parts) == _NAMESPACED_PARTS else ""
        found = [core_event(item) for item in self._store.items(_EVENTS, namespace)]
        selects = selector_of("", request.query.get("fieldSelector", ""))
        items = [item for item in found if selects(item)]
        metadata = {"resourceVersion": str(self._store.revision)}
        body = {"kind": "EventList", "apiVersion": "v1", "metadata": metadata, "items": items}
        return answer(body)

    async def _create(self, request: web.Request, concern: Concern) -> web.Response:
        body = await body_of(request)
        self._definitions.refuse_when_terminating(concern.kind)
        made = self._operations.create(concern.kind, concern.namespace, body, options_of(request))
        if concern.kind.plural == "namespaces" and not request.query.get("dryRun"):
            name = str(made["metadata"]["name"])
            place = Place("namespaces", "", name)
            made = self._store.put(place, {**made, "status": {"phase": "Active"}})
        return answer(shape_for(request, concern.kind)(made), status=201)

    async def _change(self, request: web.Request, concern: Concern) -> web.Response:
        options = options_of(request)
        body = await body_of(request)
        kind, namespace, name = concern.kind, concern.namespace, concern.name
        existed = self._store.get(Place(kind.resource, namespace, name)) is not None
        if concern.part == "scale":
            return await self._scale(request, concern, body)
        if request.method == "PUT":
            done = self._operations.update(kind, namespace, name, body, options, part=concern.part)
        else:
            done = self._operations.patch(
                kind,
                namespace,
                name,
                body,
                options,
                content_type=content_type_of(request),
                part=concern.part,
            )
        return answer(shape_for(request, kind)(done), status=200 if existed else 201)

    async def _scale(self, request: web.Request, concern: Concern, body: Any) -> web.Response:  # noqa: ANN401 -- JSON
        """Change the replicas through the workload's scale."""
        live = self._operations.get(concern.kind, concern.namespace, concern.name)
        scale = scale_of(live)
        if request.method == "PATCH":
            scale = self._operations.patched(scale, body, content_type=content_type_of(request))
        else:
            scale = body
        done = self._operations.update(
            concern.kind,
            concern.namespace,
            concern.name,
            scaled(live, scale),
            options_of(request),
            part="scale",
        )
        return answer(scale_of(done))

    async def _delete(self, request: web.Request, concern: Concern) -> web.Response:
        body = await body_of(request, optional=True)
        options = options_of(request)
        dry = options.dry_run or "All" in (body.get("dryRun") or ())
        kind, namespace = concern.kind, concern.namespace
        if not concern.name:
            items = self._selected(request, concern)
            for item in items:
                where = str(item["metadata"].get("namespace", ""))
                self._operations.delete(kind, where, str(item["metadata"]["name"]), dry_run=dry)
            metadata = {"resourceVersion": str(self._store.revision)}
            return answer(listed(request, kind, items, metadata))
        done = self._operations.delete(
            kind, namespace, concern.name, dry_run=dry, preconditions=body.get("preconditions")
        )
        if done["metadata"].get("deletionTimestamp"):
            return answer(done)
        subject = {"name": concern.name, "kind": kind.plural, "uid": done["metadata"]["uid"]}
        if kind.group:
            subject["group"] = kind.group
        return answer(success(subject))

    async def _token(self, request: web.Request, concern: Concern) -> web.Response:
        self._operations.get(concern.kind, concern.namespace, concern.name)
        body = await body_of(request)
        spec = body.get("spec") or {}
        status = self._access.issue(concern.namespace, concern.name, spec)
        return answer({**body, "status": status}, status=201)

    async def _watch(self, request: web.Request, concern: Concern) -> web.StreamResponse:
        query = request.query
        since = query.get("resourceVersion", "")
        initial = query.get("sendInitialEvents") in ("1", "true")
        if initial and query.get("resourceVersionMatch") != "NotOlderThan":
            told = "resourceVersionMatch must be NotOlderThan when sendInitialEvents is set"
            raise Refused(422, f"ListOptions is invalid: {told}", reason="Invalid")
        name = f"metadata.name={concern.name}" if concern.name else ""
        fields = ",".join(part for part in (query.get("fieldSelector", ""), name) if part)
        wish = Wish(
            kind=concern.kind,
            namespace=concern.namespace,
            selects=selector_of(query.get("labelSelector", ""), fields),
            since=int(since) if since.isdigit() and int(since) > 0 else None,
            sends_initial_events=initial,
            bookmarks=query.get("allowWatchBookmarks") in ("1", "true"),
            seconds=float(query.get("timeoutSeconds") or _WATCH_SECONDS),
            shape=shape_for(request, concern.kind),
        )
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        with contextlib.suppress(ConnectionResetError):
            await stream(self._store, wish, response.write)
        return response

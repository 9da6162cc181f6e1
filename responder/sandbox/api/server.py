"""The embedded API server on the loopback interface."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from aiohttp import web

from responder.sandbox.api import discovery
from responder.sandbox.api.access import Access, Attempt, User
from responder.sandbox.api.answers import answer, refusal
from responder.sandbox.api.definitions import Definitions
from responder.sandbox.api.failures import Refused, Subject, forbidden
from responder.sandbox.api.kinds import Kinds
from responder.sandbox.api.operations import Operations, Options
from responder.sandbox.api.requests import (
    UnknownPathError,
    attempt_of,
    body_of,
    concern_of,
)
from responder.sandbox.api.resource_requests import ResourceRequests
from responder.sandbox.api.store import Place, Store

_REVIEWS: Final = {
    "/apis/authentication.k8s.io/v1/tokenreviews": "tokenreviews",
    "/apis/authorization.k8s.io/v1/subjectaccessreviews": "subjectaccessreviews",
}
_PLAIN: Final = {"/healthz": "ok", "/livez": "ok", "/readyz": "ok"}
_LEAST_SLASHES: Final = 3
"""Of `/api/v1/pods`."""


class ApiServer:
    """Answers requests from one store."""

    def __init__(self, store: Store | None = None) -> None:
        self.store = store or Store()
        self.kinds = Kinds()
        self.operations = Operations(self.store, self.kinds)
        self.access = Access(self.store)
        definitions = Definitions(self.store, self.kinds, self.operations)
        self.store.follow(definitions.see)
        self._requests = ResourceRequests(self.operations, definitions, self.access)
        self.create_namespace("default")

    def create_namespace(self, name: str) -> None:
        """Create a namespace, if it isn't there."""
        place = Place("namespaces", "", name)
        if self.store.get(place) is None:
            kind = self.kinds.find("", "v1", "namespaces")
            assert kind is not None  # noqa: S101 -- built in
            body = {"metadata": {"name": name}}
            made = self.operations.create(kind, "", body, Options(manager="sandbox"))
            self.store.put(place, {**made, "status": {"phase": "Active"}})

    def application(self) -> web.Application:
        app = web.Application(client_max_size=2**31)
        app.router.add_route("*", "/{path:.*}", self._handle)
        return app

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        try:
            user = self._user(request)
            return await self._answer(request, user)
        except Refused as refused:
            return refusal(refused)
        except UnknownPathError:
            return web.Response(text="404 page not found\n", status=404)

    def _user(self, request: web.Request) -> User:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        user = self.access.user_of(token.strip() if scheme.lower() == "bearer" else "")
        if user is None:
            raise Refused(401, "Unauthorized")
        return user

    async def _answer(self, request: web.Request, user: User) -> web.StreamResponse:
        path = request.path
        if path in _PLAIN:
            return web.Response(text=_PLAIN[path])
        if path in _REVIEWS and request.method == "POST":
            return await self._review(request, _REVIEWS[path], user)
        told = discovery.found(self.kinds, path)
        if told is not None:
            return answer(told)
        if not path.startswith(("/api/", "/apis/")) or path.count("/") < _LEAST_SLASHES:
            raise UnknownPathError(path)
        if path.startswith("/api/v1/") and path.endswith("/events") and request.method == "GET":
            return self._requests.core_events(request)
        concern = concern_of(path, self.kinds)
        self._require(user, attempt_of(request, concern))
        return await self._requests.answer(request, concern)

    async def _review(self, request: web.Request, plural: str, user: User) -> web.Response:
        group = "authentication" if plural == "tokenreviews" else "authorization"
        attempt = Attempt("create", f"{group}.k8s.io", plural)
        self._require(user, attempt)
        body = await body_of(request)
        spec = body.get("spec") or {}
        review = self.access.review_token if plural == "tokenreviews" else self.access.review_access
        return answer({**body, "status": review(spec)}, status=201)

    def _require(self, user: User, attempt: Attempt) -> None:
        if self.access.allows(user, attempt):
            return
        subject = Subject(attempt.group, attempt.resource, attempt.name)
        scope = (
            f'in the namespace "{attempt.namespace}"'
            if attempt.namespace
            else "at the cluster scope"
        )
        raise forbidden(subject, user=user.name, verb=attempt.verb, scope=scope)


@asynccontextmanager
async def serving(
    server: ApiServer, *, host: str = "127.0.0.1", port: int = 0
) -> AsyncIterator[str]:
    """Serve while inside; gives the address."""
    # A watch ends with its client, and with the server.
    runner = web.AppRunner(
        server.application(), access_log=None, shutdown_timeout=0.1, handler_cancellation=True
    )
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        yield f"http://{host}:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()

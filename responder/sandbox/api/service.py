"""HTTP: who asks, for what, and the answer in the form it is asked for."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web
from aiohttp.web_request import BaseRequest

from responder.sandbox.api import (
    answers,
    discovery,
    events,
    patching,
    reading,
    requests,
    reviews,
    scale,
    shapes,
)
from responder.sandbox.api.access import ANONYMOUS, AUDIENCE, Access, Ask, User
from responder.sandbox.api.failures import Cause, Refused
from responder.sandbox.api.kinds import Kind
from responder.sandbox.api.routes import Target, target
from responder.sandbox.api.strategy import Options
from responder.sandbox.api.writing import Objects

Json = dict[str, Any]
_HEALTH: Final = ("/healthz", "/livez", "/readyz")


@dataclass(slots=True)
class Service:
    """One request in, one answer out."""

    objects: Objects
    access: Access

    async def answer(self, request: BaseRequest) -> web.StreamResponse:
        """Handles any request; every refusal becomes its Status."""
        try:
            path, token = requests.addressed(request)
            user = self._user(token)
            found = target(self.objects, path)
            self._authorize(request, found, user, path)
            if found is None:
                return self._elsewhere(path)
            return await self._to(request, found, user)
        except Refused as refused:
            return answers.refused(refused)
        except (ConnectionError, asyncio.CancelledError):
            raise  # who asked has gone, or the server ends
        except Exception as error:  # noqa: BLE001 -- the edge: whatever is sent, it is answered
            told = f"Internal error occurred: {type(error).__name__}: {error}"
            return answers.refused(Refused(500, "InternalError", told))

    def _user(self, token: str) -> User:
        if not token:
            return ANONYMOUS
        user = self.access.user(token)
        if user is None or AUDIENCE not in user.audiences:
            raise Refused(401, "Unauthorized", "Unauthorized")
        return user

    def _authorize(self, request: BaseRequest, found: Target | None, user: User, path: str) -> None:
        if found is None:
            if not self.access.allows(user, Ask(request.method.lower(), path=path)):
                why = f'User "{user.name}" cannot {request.method.lower()} path "{path}"'
                raise Refused(403, "Forbidden", f"forbidden: {why}", {})
            return
        if request.method not in ("GET", "POST", "PUT", "PATCH", "DELETE"):
            raise Refused.not_allowed()
        ask = found.ask(request.method, watch=requests.watches(request))
        if self.access.allows(user, ask):
            return
        about = f"{ask.resource}/{ask.subresource}" if ask.subresource else ask.resource
        where = (
            f'in the namespace "{found.namespace}"' if found.namespace else "at the cluster scope"
        )
        why = (
            f'User "{user.name}" cannot {ask.verb} resource "{about}" in API group'
            f' "{ask.group}" {where}'
        )
        raise Refused.forbidden(found.kind, found.name, why)

    def _elsewhere(self, path: str) -> web.Response:
        path = path.rstrip("/")
        if path in _HEALTH:
            return web.Response(text="ok")
        body = discovery.at(path, self.objects.kinds.all())
        if body is None:
            return web.Response(status=404, text="404 page not found\n")
        return answers.as_json(body)

    async def _to(  # noqa: PLR0911 -- a table of methods
        self, request: BaseRequest, to: Target, user: User
    ) -> web.StreamResponse:
        match request.method:
            case "GET" if to.name:
                return answers.shown(request, to, self._got(to))
            case "GET" if requests.watches(request):
                return await self._watch(request, to)
            case "GET":
                asked = reading.Query.of(to.kind, to.namespace, "", request.query)
                return answers.shown(request, to, reading.listed(self.objects.store, asked))
            case "POST" if not to.name or to.subresource == "token":
                return await self._create(request, to, user)
            case "PUT" if to.name:
                body = await requests.read_body(request)
                asked_for = requests.options(request)
                new = self._update(to, lambda _: body, asked_for, replaces=True)
                return answers.shown(request, to, new, warnings=asked_for.warnings)
            case "PATCH" if to.name:
                return await self._patch(request, to)
            case "DELETE" if not to.subresource:
                return await self._delete(request, to)
        raise Refused.not_allowed()

    def _got(self, to: Target) -> Json:
        body = self.objects.get(to.kind, to.namespace, to.name)
        return scale.of(body) if to.subresource == "scale" else body

    async def _create(self, request: BaseRequest, to: Target, user: User) -> web.Response:
        body = await requests.read_body(request)
        if to.subresource:
            account = self.objects.get(to.kind, to.namespace, to.name)
            body = requests.decoded(body, shapes.TOKEN_REQUEST, "TokenRequest")
            return answers.as_json(reviews.requested(body, account, self.access), status=201)
        if to.kind.verbs == ("create",):
            body = requests.decoded(body, shapes.of(to.kind), to.kind.kind)
            return answers.as_json(reviews.reviewed(to.kind, body, self.access, user), status=201)
        if to.kind.namespaced and not to.namespace:
            raise Refused.not_allowed()
        if to.kind.stored_as[1]:
            body = events.from_core(body)
        options = requests.options(request)
        new = self.objects.create(to.kind, to.namespace, body, options)
        return answers.shown(request, to, new, status=201, warnings=options.warnings)

    def _update(
        self,
        to: Target,
        change: Callable[[Json], Json],
        options: Options,
        *,
        replaces: bool = False,
    ) -> Json:
        if to.subresource != "scale":
            return self.objects.update(
                to.kind,
                to.namespace,
                to.name,
                change,
                options,
                subresource=to.subresource,
                replaces=replaces,
            )

        def rescaled(body: Json) -> Json:
            wanted = requests.decoded(change(scale.of(body)), shapes.SCALE, "Scale")
            if wanted.get("metadata", {}).get("name") != to.name:
                raise Refused.nameless(to.name)
            number = wanted.get("spec", {}).get("replicas", 0)
            if number < 0:
                told = f"Invalid value: {number}: must be greater than or equal to 0"
                cause = Cause("FieldValueInvalid", told, "spec.replicas")
                of_scale = Kind("autoscaling", "v1", "Scale", "scales")
                raise Refused.invalid(of_scale, to.name, [cause])
            return scale.into(wanted, body)

        return scale.of(
            self.objects.update(
                to.kind, to.namespace, to.name, rescaled, options, subresource="scale"
            )
        )

    async def _patch(self, request: BaseRequest, to: Target) -> web.Response:
        content_type = requests.patch_type(request, to.kind)
        applies = content_type == requests.APPLY
        options = requests.options(request, applies=applies)
        wanted = object if content_type == requests.JSON_PATCH else dict
        patch = await requests.read_body(request, kind=wanted)
        if content_type == requests.JSON_PATCH:
            patch = requests.decoded(patch, shapes.JSON_PATCH, "jsonPatchOp")
        if applies:
            new, made = self.objects.apply(
                to.kind, to.namespace, to.name, patch, options, subresource=to.subresource
            )
            status = 201 if made else 200
            return answers.shown(request, to, new, status=status, warnings=options.warnings)

        def change(old: Json) -> Json:
            try:
                if content_type == requests.JSON_PATCH:
                    return patching.json_patched(old, patch)
                merge = patching.merged if content_type == requests.MERGE else patching.strategic
                merged: Json = merge(old, patch)
            except patching.PatchError as error:
                told = "the server rejected our request due to an error in our request"
                raise Refused(422, "Invalid", told, {}) from error
            return merged

        new = self._update(to, change, options)
        return answers.shown(request, to, new, warnings=options.warnings)

    async def _delete(self, request: BaseRequest, to: Target) -> web.Response:
        wish = await requests.delete_options(request)
        if to.name:
            return answers.as_json(self.objects.delete(to.kind, to.namespace, to.name, wish))
        asked = reading.Query.of(to.kind, to.namespace, "", request.query)
        found = reading.listed(self.objects.store, asked)
        for body in found["items"]:
            meta = body["metadata"]
            self.objects.delete(to.kind, meta.get("namespace", ""), meta["name"], wish)
        return answers.shown(request, to, found)

    async def _watch(self, request: BaseRequest, to: Target) -> web.StreamResponse:
        asked = reading.Query.of(to.kind, to.namespace, to.name, request.query)
        stream = reading.watched(self.objects.store, asked)
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        response.enable_chunked_encoding()
        await response.prepare(request)
        try:
            async for kind, body in stream:
                shown = body if kind == "ERROR" else answers.form(request, to, body)
                line = json.dumps({"type": kind, "object": shown}, separators=(",", ":"))
                await response.write(line.encode() + b"\n")
        except (ConnectionResetError, ConnectionError):
            pass  # the client has gone
        finally:
            await _closed(stream)
        return response


async def _closed(stream: AsyncIterator[reading.Event]) -> None:
    close = getattr(stream, "aclose", None)
    if close is not None:
        await close()

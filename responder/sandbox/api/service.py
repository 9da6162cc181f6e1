"""HTTP: who asks, for what, and the answer in the form it is asked for."""

import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any, Final

import yaml
from aiohttp import web
from aiohttp.web_request import BaseRequest

from responder.sandbox.api import (
    discovery,
    events,
    patching,
    query,
    reading,
    reviews,
    scale,
    tables,
)
from responder.sandbox.api.access import ANONYMOUS, AUDIENCE, Access, Ask, User
from responder.sandbox.api.failures import Cause, Refused
from responder.sandbox.api.kinds import Kind
from responder.sandbox.api.routes import Target, target
from responder.sandbox.api.writing import Objects, Options

Json = dict[str, Any]
_LARGEST_BYTES: Final = 3 * 2**20
_AS: Final = "/as/"
_HEALTH: Final = ("/healthz", "/livez", "/readyz")
_JSON_PATCH, _MERGE, _STRATEGIC, _APPLY = (
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
    "application/apply-patch+yaml",
)


@dataclass(slots=True)
class Service:
    """One request in, one answer out."""

    objects: Objects
    access: Access

    async def answer(self, request: BaseRequest) -> web.StreamResponse:
        """Handles any request; every refusal becomes its Status."""
        try:
            path, token = _addressed(request)
            user = self._user(token)
            found = target(self.objects, path)
            self._authorize(request, found, user, path)
            if found is None:
                return self._elsewhere(path)
            return await self._to(request, found, user)
        except Refused as refused:
            headers = {}
            if seconds := (refused.details or {}).get("retryAfterSeconds"):
                headers["Retry-After"] = str(seconds)
            return _json(refused.body, status=refused.code, headers=headers)

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
            raise _not_allowed()
        ask = found.ask(request.method, watch=_watches(request))
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

    def _elsewhere(self, path: str) -> web.Response:  # noqa: C901 -- a table of paths
        path = path.rstrip("/")
        kinds = self.objects.kinds()
        body: Json | None = None
        if path in _HEALTH:
            return web.Response(text="ok")
        parts = path.strip("/").split("/")
        match parts:
            case ["version"]:
                body = discovery.VERSION
            case ["api"]:
                body = {"kind": "APIVersions", "versions": ["v1"]}
                body["serverAddressByClientCIDRs"] = []
            case ["apis"]:
                body = discovery.groups(kinds)
            case ["apis", name]:
                body = discovery.group(kinds, name)
            case ["api", version]:
                body = discovery.resources(kinds, version)
            case ["apis", name, version]:
                body = discovery.resources(kinds, f"{name}/{version}")
            case ["openapi", "v3"]:
                body = discovery.openapi_paths(kinds)
            case ["openapi", "v3", *root]:
                body = discovery.openapi(kinds, "/".join(root))
        if body is None:
            return web.Response(status=404, text="404 page not found\n")
        return _json(body)

    async def _to(  # noqa: PLR0911 -- a table of methods
        self, request: BaseRequest, to: Target, user: User
    ) -> web.StreamResponse:
        match request.method:
            case "GET" if to.name:
                return self._shown(request, to, self._got(to))
            case "GET" if _watches(request):
                return await self._watch(request, to)
            case "GET":
                asked = reading.Query.of(to.kind, to.namespace, "", request.query)
                return self._shown(request, to, reading.listed(self.objects.store, asked))
            case "POST" if not to.name or to.subresource == "token":
                return await self._create(request, to, user)
            case "PUT" if to.name:
                body = await _body(request)
                asked_for = _options(request)
                new = self._update(to, lambda _: body, asked_for, replaces=True)
                return self._shown(request, to, new, warnings=asked_for.warnings)
            case "PATCH" if to.name:
                return await self._patch(request, to)
            case "DELETE":
                return await self._delete(request, to)
        raise _not_allowed()

    def _got(self, to: Target) -> Json:
        body = self.objects.get(to.kind, to.namespace, to.name)
        return scale.of(body) if to.subresource == "scale" else body

    async def _create(self, request: BaseRequest, to: Target, user: User) -> web.Response:
        body = await _body(request)
        if to.subresource:
            account = self.objects.get(to.kind, to.namespace, to.name)
            return _json(reviews.requested(body, account, self.access), status=201)
        if to.kind.verbs == ("create",):
            return _json(reviews.reviewed(to.kind, body, self.access, user), status=201)
        if to.kind.namespaced and not to.namespace:
            raise _not_allowed()
        if to.kind.stored_as[1]:
            body = events.from_core(body)
        options = _options(request)
        new = self.objects.create(to.kind, to.namespace, body, options)
        return self._shown(request, to, new, status=201, warnings=options.warnings)

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
            wanted = change(scale.of(body))
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
        content_type = request.content_type
        allowed = [_JSON_PATCH, _MERGE, *([] if to.kind.custom else [_STRATEGIC]), _APPLY]
        if content_type not in allowed:
            told = "the body of the request was in an unknown format - accepted media types include"
            message = f"{told}: {', '.join([*allowed, 'application/apply-patch+cbor'])}"
            if not to.kind.custom:
                message = "415: Unsupported Media Type"
            raise Refused(415, "UnsupportedMediaType", message)
        applies = content_type == _APPLY
        options = _options(request, applies=applies)
        patch = await _body(request, kind=list if content_type == _JSON_PATCH else dict)
        if applies:
            new, made = self.objects.apply(
                to.kind, to.namespace, to.name, patch, options, subresource=to.subresource
            )
            status = 201 if made else 200
            return self._shown(request, to, new, status=status, warnings=options.warnings)

        def change(old: Json) -> Json:
            try:
                if content_type == _JSON_PATCH:
                    return patching.json_patched(old, patch)
                merge = patching.merged if content_type == _MERGE else patching.strategic
                merged: Json = merge(old, patch)
            except patching.PatchError as error:
                if not error.fits:
                    raise Refused.bad_request(str(error)) from error
                told = "the server rejected our request due to an error in our request"
                raise Refused(422, "Invalid", told, {}) from error
            return merged

        new = self._update(to, change, options)
        return self._shown(request, to, new, warnings=options.warnings)

    async def _delete(self, request: BaseRequest, to: Target) -> web.Response:
        wish: Json = {**(await _body(request, optional=True))}
        for key in ("propagationPolicy", "dryRun"):
            if key in request.query:
                wish[key] = request.query[key]
        if to.name:
            return _json(self.objects.delete(to.kind, to.namespace, to.name, wish))
        asked = reading.Query.of(to.kind, to.namespace, "", request.query)
        found = reading.listed(self.objects.store, asked)
        for body in found["items"]:
            meta = body["metadata"]
            self.objects.delete(to.kind, meta.get("namespace", ""), meta["name"], wish)
        return _json(found)

    def _shown(
        self,
        request: BaseRequest,
        to: Target,
        body: Json,
        *,
        status: int = 200,
        warnings: list[str] | None = None,
    ) -> web.Response:
        body = _form(request, to, body)
        headers = [("Warning", f'299 - "{_escaped(text)}"') for text in warnings or ()]
        return _json(body, status=status, headers=headers)

    async def _watch(self, request: BaseRequest, to: Target) -> web.StreamResponse:
        asked = reading.Query.of(to.kind, to.namespace, to.name, request.query)
        stream = reading.watched(self.objects.store, asked)
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        response.enable_chunked_encoding()
        await response.prepare(request)
        try:
            async for kind, body in stream:
                shown = body if kind == "ERROR" else _form(request, to, body)
                line = json.dumps({"type": kind, "object": shown}, separators=(",", ":"))
                await response.write(line.encode() + b"\n")
        except (ConnectionResetError, ConnectionError):
            pass  # the client has gone
        finally:
            await _closed(stream)
        return response


def _addressed(request: BaseRequest) -> tuple[str, str]:
    """The path and the token. kubectl sends no token over plain http, so a path may begin with it:
    /as/TOKEN/api/v1/...
    """
    path = request.path
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if path.startswith(_AS):
        named, _, rest = path.removeprefix(_AS).partition("/")
        return f"/{rest}", token.strip() or named
    return path, token.strip() if scheme.lower() == "bearer" else scheme


async def _closed(stream: AsyncIterator[reading.Event]) -> None:
    close = getattr(stream, "aclose", None)
    if close is not None:
        await close()


def _form(request: BaseRequest, to: Target, body: Json) -> Json:
    if to.kind.stored_as[1]:
        if "items" in body:
            body = {**body, "items": [events.as_core(item) for item in body["items"]]}
        else:
            body = events.as_core(body)
    accept = request.headers.get("Accept", "")
    if "as=Table" in accept and not to.subresource:
        return tables.table(to.kind, body, include=request.query.get("includeObject", "Metadata"))
    if "as=PartialObjectMetadata" in accept and not to.subresource:
        return tables.partial(body)
    return body


def _options(request: BaseRequest, *, applies: bool = False) -> Options:
    agent = request.headers.get("User-Agent", "")
    return query.options(request.method, request.query, agent=agent, applies=applies)


def _watches(request: BaseRequest) -> bool:
    return request.query.get("watch") in ("true", "1")


async def _body(request: BaseRequest, *, kind: type = dict, optional: bool = False) -> Any:  # noqa: ANN401
    raw = await request.read()
    if len(raw) > _LARGEST_BYTES:
        told = f"Request entity too large: limit is {_LARGEST_BYTES}"
        raise Refused(413, "RequestEntityTooLarge", told)
    if optional and not raw:
        return {}
    if "protobuf" in request.content_type:
        # kubectl's own makers (`create namespace NAME`) send it; `create -f` sends JSON.
        told = "the body of the request was in an unknown format - accepted media types include"
        raise Refused(415, "UnsupportedMediaType", f"{told}: application/json, application/yaml")
    try:
        if "yaml" in request.content_type:
            read = yaml.load(raw, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
        else:
            read = json.loads(raw)
    except (ValueError, yaml.YAMLError) as error:
        raise Refused.bad_request(f"error decoding the body: {error}") from error
    if not isinstance(read, kind):
        raise Refused.bad_request(f"the body must be a JSON {kind.__name__}")
    return read


def _not_allowed() -> Refused:
    told = "the server does not allow this method on the requested resource"
    return Refused(405, "MethodNotAllowed", told, {})


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _json(body: Json, *, status: int = 200, headers: Any = None) -> web.Response:  # noqa: ANN401
    data = json.dumps(body, separators=(",", ":")).encode() + b"\n"
    return web.Response(body=data, status=status, content_type="application/json", headers=headers)

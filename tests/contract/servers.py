"""The two servers that one suite holds to the same contract, and the client that asks them."""

import asyncio
import io
import json
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import aiohttp

Json = dict[str, Any]
JSON = "application/json"
MERGE = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
APPLY = "application/apply-patch+yaml"


class Address(NamedTuple):
    url: str
    token: str
    tls: ssl.SSLContext | None


class Answer(NamedTuple):
    code: int
    body: Any
    headers: Mapping[str, str]

    @property
    def status(self) -> Json:
        """The Status of a refusal, without what differs from one request to the next."""
        assert self.body["kind"] == "Status", self.body
        return {k: v for k, v in self.body.items() if k not in ("kind", "apiVersion", "metadata")}


@dataclass
class Api:
    """One namespace of a server, in raw JSON over HTTP."""

    session: aiohttp.ClientSession
    address: Address
    namespace: str
    agent: str = "contract"
    token: str | None = None
    taken: list[str] = field(default_factory=list)

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = None,  # noqa: ANN401 -- any JSON
        *,
        content: str = JSON,
        accept: str = JSON,
        **query: str,
    ) -> Answer:
        token = self.address.token if self.token is None else self.token
        headers = {"Content-Type": content, "Accept": accept, "User-Agent": self.agent}
        headers |= {"Authorization": f"Bearer {token}"} if token else {}
        text = body if isinstance(body, str) else json.dumps(body)
        data = None if body is None else io.BytesIO(text.encode())
        async with self.session.request(
            method,
            self.address.url + path,
            data=data,
            params=query,
            headers=headers,
            ssl=self.address.tls or False,
        ) as answer:
            text = await answer.text()
            read = json.loads(text) if answer.content_type == JSON else text
            return Answer(answer.status, read, answer.headers)

    def at(self, plural: str, name: str = "", sub: str = "", *, namespace: str = "") -> str:
        root = _ROOTS.get(plural, "/api/v1")
        within = "" if plural in _CLUSTER else f"/namespaces/{namespace or self.namespace}"
        return "/".join(part for part in (f"{root}{within}/{plural}", name, sub) if part)

    async def create(self, plural: str, body: Json, **query: str) -> Answer:
        return await self.ask("POST", self.at(plural), body, **query)

    async def get(self, plural: str, name: str = "", **query: str) -> Answer:
        return await self.ask("GET", self.at(plural, name), **query)

    async def put(self, plural: str, name: str, body: Json, sub: str = "", **query: str) -> Answer:
        return await self.ask("PUT", self.at(plural, name, sub), body, **query)

    async def patch(
        self,
        plural: str,
        name: str,
        body: Any,  # noqa: ANN401 -- any JSON
        sub: str = "",
        *,
        content: str = MERGE,
        **query: str,
    ) -> Answer:
        return await self.ask("PATCH", self.at(plural, name, sub), body, content=content, **query)

    async def apply(
        self, plural: str, name: str, body: Json, sub: str = "", *, manager: str, **query: str
    ) -> Answer:
        kind = {"deployments": ("apps/v1", "Deployment"), "widgets": ("contract.test/v1", "Widget")}
        api_version, name_of_kind = kind.get(plural, ("v1", "ConfigMap"))
        if plural == "horizontalpodautoscalers":
            api_version, name_of_kind = "autoscaling/v2", "HorizontalPodAutoscaler"
        meta = {"name": name, **body.get("metadata", {})}
        whole = {"apiVersion": api_version, "kind": name_of_kind, **body, "metadata": meta}
        return await self.patch(
            plural, name, whole, sub, content=APPLY, fieldManager=manager, **query
        )

    async def delete(
        self, plural: str, name: str = "", body: Json | None = None, **query: str
    ) -> Answer:
        return await self.ask("DELETE", self.at(plural, name), body, **query)

    @asynccontextmanager
    async def watch(self, plural: str, **query: str) -> AsyncIterator["Watch"]:
        headers = {"Authorization": f"Bearer {self.address.token}", "Accept": JSON}
        async with self.session.get(
            self.address.url + self.at(plural),
            params={"watch": "1", "timeoutSeconds": "20", **query},
            headers=headers,
            ssl=self.address.tls or False,
        ) as answer:
            yield Watch(answer)


@dataclass
class Watch:
    answer: aiohttp.ClientResponse

    @property
    def code(self) -> int:
        return self.answer.status

    async def next(self) -> tuple[str, Json]:
        async with asyncio.timeout(10):
            event = json.loads(await self.answer.content.readline())
        return event["type"], event["object"]

    async def names(self, number: int) -> list[tuple[str, str]]:
        events = [await self.next() for _ in range(number)]
        return [(kind, body["metadata"].get("name", "")) for kind, body in events]


_ROOTS = {
    "deployments": "/apis/apps/v1",
    "replicasets": "/apis/apps/v1",
    "horizontalpodautoscalers": "/apis/autoscaling/v2",
    "leases": "/apis/coordination.k8s.io/v1",
    "incidents": "/apis/campaign-responder.dev/v1alpha1",
    "widgets": "/apis/contract.test/v1",
    "customresourcedefinitions": "/apis/apiextensions.k8s.io/v1",
    "tokenreviews": "/apis/authentication.k8s.io/v1",
    "subjectaccessreviews": "/apis/authorization.k8s.io/v1",
    "selfsubjectaccessreviews": "/apis/authorization.k8s.io/v1",
    "selfsubjectrulesreviews": "/apis/authorization.k8s.io/v1",
    "roles": "/apis/rbac.authorization.k8s.io/v1",
    "rolebindings": "/apis/rbac.authorization.k8s.io/v1",
}
_CLUSTER = (
    *("namespaces", "customresourcedefinitions", "tokenreviews"),
    *("subjectaccessreviews", "selfsubjectaccessreviews", "selfsubjectrulesreviews"),
)

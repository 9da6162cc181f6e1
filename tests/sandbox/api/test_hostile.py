"""Whatever is sent, it is answered with a Status, nothing is logged, and the next one is served."""

import asyncio
import io
import json
import random
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from responder.sandbox.api.server import Running, serve
from tests.contract.manifests import autoscaler, configmap, deployment

NAMESPACES = "/api/v1/namespaces"
MAPS = f"{NAMESPACES}/n/configmaps"
DEPLOYMENTS = "/apis/apps/v1/namespaces/n/deployments"
AUTOSCALERS = "/apis/autoscaling/v2/namespaces/n/horizontalpodautoscalers"
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
ROLES = "/apis/rbac.authorization.k8s.io/v1/namespaces/n/roles"
BINDINGS = "/apis/rbac.authorization.k8s.io/v1/namespaces/n/rolebindings"
LEASES = "/apis/coordination.k8s.io/v1/namespaces/n/leases"
JUNK: tuple[Any, ...] = (None, 1, -1, 10**30, 1.5, "x", "", [], [1], [None], {}, {"a": 1}, True)
PATCHES = tuple(
    f"application/{kind}"
    for kind in (
        *("merge-patch+json", "strategic-merge-patch+json", "json-patch+json"),
        "apply-patch+yaml",
    )
)
_THING = {
    "metadata": {"name": "things.bad.test"},
    "spec": {
        "group": "bad.test",
        "scope": "Namespaced",
        "names": {"kind": "Thing", "plural": "things", "shortNames": ["th"]},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "subresources": {"status": {}},
                "additionalPrinterColumns": [{"name": "A", "type": "string", "jsonPath": ".a"}],
                "schema": {"openAPIV3Schema": {"type": "object", "properties": {"a": {}}}},
            }
        ],
    },
}
_OWNER = {"apiVersion": "v1", "kind": "ConfigMap", "name": "o", "uid": "u"}
_ROLE = {"kind": "Role", "name": "r", "apiGroup": "rbac.authorization.k8s.io"}
BODIES: dict[str, dict[str, Any]] = {
    MAPS: {
        **configmap(),
        "metadata": {"name": "c", "labels": {"a": "b"}, "ownerReferences": [_OWNER]},
    },
    DEPLOYMENTS: deployment(),
    AUTOSCALERS: autoscaler(),
    DEFINITIONS: _THING,
    ROLES: {"metadata": {"name": "r"}, "rules": [{"verbs": ["get"], "apiGroups": [""]}]},
    BINDINGS: {"metadata": {"name": "b"}, "subjects": [{"kind": "User"}], "roleRef": _ROLE},
    LEASES: {"metadata": {"name": "l"}, "spec": {"holderIdentity": "a"}},
}


class Client:
    def __init__(self, session: aiohttp.ClientSession, server: Running) -> None:
        self.session = session
        self.server = server

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = None,  # noqa: ANN401
        content: str = "application/json",
    ) -> int:
        """Gives the code, after making sure that the answer makes sense."""
        data = io.BytesIO(body if isinstance(body, bytes) else json.dumps(body).encode())
        nothing = method in ("GET", "DELETE")
        headers = {"Content-Type": content, "Authorization": f"Bearer {self.server.admin_token}"}
        async with self.session.request(
            method, self.server.url + path, data=None if nothing else data, headers=headers
        ) as answer:
            told = await answer.json(content_type=None)
        if answer.status >= 400:
            assert told["kind"] == "Status", told
            assert told.get("reason") != "InternalError", (path, body, told)
        return answer.status


@pytest.fixture
async def client(caplog: pytest.LogCaptureFixture) -> AsyncIterator[Client]:
    trouble: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, told: trouble.append(told))
    async with serve(sync_seconds=3600) as server, aiohttp.ClientSession() as session:
        client = Client(session, server)
        assert await client.ask("POST", NAMESPACES, {"metadata": {"name": "n"}}) == 201
        yield client
        server.controllers.sync()
        assert await client.ask("GET", MAPS) == 200
    assert not trouble
    assert not caplog.records


def spoilt(body: Any, dice: random.Random) -> Any:  # noqa: ANN401
    """With junk in the place of one of its parts, however deep."""
    if isinstance(body, dict) and body and dice.random() < 0.9:
        key = dice.choice(sorted(body))
        return {**body, key: spoilt(body[key], dice)}
    if isinstance(body, list) and body and dice.random() < 0.9:
        return [spoilt(body[0], dice), *body[1:]]
    return dice.choice(JUNK)


@pytest.mark.parametrize("path", BODIES)
async def test_bodies_with_junk(client: Client, path: str) -> None:
    dice = random.Random(path)
    for _ in range(250):
        body = spoilt(BODIES[path], dice)
        if await client.ask("POST", path, body) == 201:
            await client.ask("DELETE", f"{path}/{body['metadata']['name']}")


@pytest.mark.parametrize("content", PATCHES)
async def test_patches_with_junk(client: Client, content: str) -> None:
    dice = random.Random(content)
    steps = [{"op": "add", "path": "/metadata/labels", "value": {"a": "b"}, "from": "/spec"}]
    for path in (MAPS, DEPLOYMENTS, AUTOSCALERS, LEASES):
        name = BODIES[path]["metadata"]["name"]
        for _ in range(80):
            await client.ask("POST", path, BODIES[path])
            whole = steps if "json-patch" in content else BODIES[path]
            query = "?fieldManager=a&force=true" if "apply" in content else ""
            part = dice.choice(["", "/status", "/scale"]) if path == DEPLOYMENTS else ""
            patched = f"{path}/{name}{part}{query}"
            await client.ask("PATCH", patched, spoilt(whole, dice), content)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", 400),
        (b"\xff\xfe", 400),
        (b"[" * 100_000, 400),
        (b'{"a":' * 100_000, 400),
        (b'{"metadata":{"name":"a"},"data":{"a":NaN}}', 400),
        (b'{"metadata":{"name":"a"},"spec":' + b"9" * 5000 + b"}", 400),
        (b"x" * 10 * 2**20, 413),
        (b"x" * 20 * 2**20, 413),
    ],
    ids=["none", "no text", "deep", "deeper", "no number", "long number", "10 MiB", "20 MiB"],
)
async def test_bodies_that_are_no_object(client: Client, body: bytes, code: int) -> None:
    assert await client.ask("POST", MAPS, body) == code
    assert await client.ask("POST", MAPS, configmap()) == 201


async def test_an_autoscaler_of_what_can_not_be_scaled_stops_nobody(client: Client) -> None:
    await client.ask("POST", ROLES, BODIES[ROLES])
    of_a_role = autoscaler("a", 3, 5, "r")
    target = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "name": "r"}
    of_a_role["spec"]["scaleTargetRef"] = target
    assert await client.ask("POST", AUTOSCALERS, of_a_role) == 201
    await client.ask("POST", DEPLOYMENTS, deployment("d", 1))
    await client.ask("POST", AUTOSCALERS, autoscaler("h", 3, 5, "d"))
    client.server.controllers.sync()
    kind = client.server.objects.kinds.at("apps", "v1", "deployments")
    assert kind is not None
    assert client.server.objects.get(kind, "n", "d")["spec"]["replicas"] == 3


async def test_a_deployment_without_labels_gets_its_pods(client: Client) -> None:
    body = deployment()
    body["spec"]["selector"] = {"matchExpressions": [{"key": "a", "operator": "DoesNotExist"}]}
    del body["spec"]["template"]["metadata"]
    assert await client.ask("POST", DEPLOYMENTS, body) == 201
    kind = client.server.objects.kinds.at("", "v1", "pods")
    assert kind is not None
    assert len(client.server.objects.store.listed(kind.key, "n")) == 2


async def test_many_watches_that_go_without_a_word(client: Client) -> None:
    headers = {"Authorization": f"Bearer {client.server.admin_token}"}
    url = f"{client.server.url}{MAPS}?watch=1&timeoutSeconds=60"
    store = client.server.objects.store
    before = len(store._listeners)
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, headers=headers) as session:
        answers = [await session.get(url) for _ in range(200)]
        await client.ask("POST", MAPS, configmap())
        lines = [await answer.content.readline() for answer in answers]
        assert {json.loads(line)["type"] for line in lines} == {"ADDED"}
    async with asyncio.timeout(10):
        while len(store._listeners) > before:
            await client.ask("POST", MAPS, configmap())
            await client.ask("DELETE", f"{MAPS}/c")

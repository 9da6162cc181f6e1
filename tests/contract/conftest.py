"""Each case runs against the embedded server and the real one, in a namespace of its own."""

import itertools
import ssl
from collections.abc import AsyncIterator, Iterator
from typing import Any

import aiohttp
import pytest

from responder.sandbox.api.server import Running
from tests.contract.servers import Address, Api
from tests.controlplane.control_plane import ControlPlane
from tests.controlplane.embedded import running_in_thread
from tests.controlplane.eventually import eventually

_serial = itertools.count(1)
WIDGETS: dict[str, Any] = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "widgets.contract.test"},
    "spec": {
        "group": "contract.test",
        "scope": "Namespaced",
        "names": {
            "kind": "Widget",
            "plural": "widgets",
            "singular": "widget",
            "shortNames": ["wg"],
        },
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "subresources": {"status": {}},
                "additionalPrinterColumns": [
                    {"name": "Colour", "type": "string", "jsonPath": ".spec.colour"}
                ],
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "required": ["spec"],
                        "properties": {
                            "spec": {
                                "type": "object",
                                "required": ["size"],
                                "properties": {
                                    "size": {"type": "integer", "minimum": 1, "maximum": 9},
                                    "colour": {
                                        "type": "string",
                                        "enum": ["red", "green"],
                                        "default": "red",
                                    },
                                    "name": {
                                        "type": "string",
                                        "minLength": 1,
                                        "maxLength": 5,
                                        "pattern": "^[a-z]*$",
                                    },
                                    "tags": {
                                        "type": "array",
                                        "maxItems": 2,
                                        "items": {"type": "string"},
                                    },
                                    "whole": {
                                        "type": "object",
                                        "x-kubernetes-map-type": "atomic",
                                        "additionalProperties": {"type": "string"},
                                    },
                                    "when": {"type": "string", "format": "date-time"},
                                    "parts": {
                                        "type": "array",
                                        "x-kubernetes-list-type": "map",
                                        "x-kubernetes-list-map-keys": ["name"],
                                        "items": {
                                            "type": "object",
                                            "required": ["name"],
                                            "properties": {"name": {"type": "string"}},
                                        },
                                    },
                                    "free": {
                                        "type": "object",
                                        "x-kubernetes-preserve-unknown-fields": True,
                                    },
                                },
                            },
                            "status": {
                                "type": "object",
                                "properties": {"phase": {"type": "string"}},
                            },
                        },
                    }
                },
            }
        ],
    },
}


@pytest.fixture(scope="session")
def running() -> Iterator[Running]:
    # A short memory, so that what is too old is soon so.
    with running_in_thread(history=300) as server:
        yield server


@pytest.fixture(params=["embedded", "real"])
def address(request: pytest.FixtureRequest) -> Address:
    if request.param == "embedded":
        server: Running = request.getfixturevalue("running")
        return Address(server.url, server.admin_token, None)
    plane: ControlPlane = request.getfixturevalue("control_plane")
    tls = ssl.create_default_context(cafile=str(plane.cluster.certificate_authority))
    return Address(plane.url, plane.admin_token, tls)


@pytest.fixture
async def api(address: Address) -> AsyncIterator[Api]:
    name = f"contract-{next(_serial)}"
    async with aiohttp.ClientSession() as session:
        api = Api(session, address, name)
        made = await api.create("namespaces", {"metadata": {"name": name}})
        assert made.code == 201, made
        yield api
        if address.tls is None:
            await api.delete("namespaces", name)
        else:
            # See ControlPlane.clear_namespace.
            for plural in ("horizontalpodautoscalers", "deployments"):
                await api.delete(plural)


@pytest.fixture
async def widgets(api: Api) -> Api:
    """With the kind Widget defined; it stays for the run."""
    made = await api.create("customresourcedefinitions", WIDGETS)
    assert made.code in (201, 409), made

    async def is_served() -> bool:
        # Until it is served the path is unknown, then for a moment it can't be written to.
        probe = {**WIDGET, "metadata": {"name": "probe"}}
        return (await api.create("widgets", probe, dryRun="All")).code == 201

    await eventually(is_served, within_seconds=15)
    return api


WIDGET: dict[str, Any] = {
    "apiVersion": "contract.test/v1",
    "kind": "Widget",
    "metadata": {"name": "w"},
    "spec": {"size": 3},
}

"""One namespace of an API server, as its cluster-admin: what a test arranges and looks at."""

import asyncio
import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from tests.controlplane.admin_client import MERGE_PATCH
from tests.controlplane.api_server import ApiServer

Manifest = Mapping[str, Any]


@dataclasses.dataclass(frozen=True, slots=True)
class Kube:
    """`api` is "v1", "apps/v1", ...; `plural` is "configmaps", "deployments", ..."""

    control_plane: ApiServer
    namespace: str

    def kubectl(self, *arguments: str, stdin: str = "") -> str:
        return self.control_plane.kubectl(*arguments, stdin=stdin, namespace=self.namespace)

    async def kubectl_async(self, *arguments: str, stdin: str = "") -> str:
        """`kubectl` for a test whose event loop has to go on meanwhile."""
        return await asyncio.to_thread(self.kubectl, *arguments, stdin=stdin)

    def apply(self, *manifests: Manifest | str, **options: str) -> str:
        """`kubectl apply` of dicts or YAML; `server_side="true"` becomes --server-side=true."""
        texts = (text if isinstance(text, str) else json.dumps(text) for text in manifests)
        flags = (f"--{name.replace('_', '-')}={value}" for name, value in options.items())
        return self.kubectl("apply", *flags, "-f", "-", stdin="\n---\n".join(texts))

    def path(self, api: str, plural: str, name: str = "", *, subresource: str = "") -> str:
        root = f"/apis/{api}" if "/" in api else f"/api/{api}"
        return "/".join(
            part
            for part in (f"{root}/namespaces/{self.namespace}/{plural}", name, subresource)
            if part
        )

    def get(self, api: str, plural: str, name: str) -> dict[str, Any]:
        answer: dict[str, Any] = self.control_plane.request("GET", self.path(api, plural, name))
        return answer

    def items(self, api: str, plural: str) -> list[dict[str, Any]]:
        answer = self.control_plane.request("GET", self.path(api, plural))
        items: list[dict[str, Any]] = answer["items"]
        return items

    def create(self, api: str, plural: str, manifest: Manifest) -> dict[str, Any]:
        answer: dict[str, Any] = self.control_plane.request(
            "POST", self.path(api, plural), body=manifest
        )
        return answer

    def patch(self, api: str, plural: str, name: str, patch: Manifest) -> dict[str, Any]:
        """A merge patch as any other client's, under the fieldManager "test-admin"."""
        answer: dict[str, Any] = self.control_plane.request(
            "PATCH", self.path(api, plural, name), body=patch, content_type=MERGE_PATCH
        )
        return answer

    def delete(self, api: str, plural: str, name: str) -> None:
        self.control_plane.request("DELETE", self.path(api, plural, name))

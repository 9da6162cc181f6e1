"""An API server as a client sees it: requests in, status and body out."""

import contextlib
import dataclasses
import http.client
import json
import ssl
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from typing import Any

Json = dict[str, Any]
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
JSON_PATCH = "application/json-patch+json"
APPLY = "application/apply-patch+yaml"
_TIMEOUT_SECONDS = 20.0


@dataclasses.dataclass(frozen=True, slots=True)
class Reply:
    """An answer, whatever its status."""

    status: int
    text: str
    content_type: str

    @property
    def json(self) -> Any:  # noqa: ANN401 -- JSON
        return json.loads(self.text)

    @property
    def version(self) -> int:
        return int(self.json["metadata"]["resourceVersion"])

    @property
    def reason(self) -> str:
        return str(self.json["reason"])

    @property
    def causes(self) -> list[str]:
        return [cause["field"] for cause in self.json["details"]["causes"]]

    def ok(self) -> Json:
        """Give the body of what must have succeeded."""
        assert self.status in (200, 201), f"{self.status}: {self.text}"
        found: Json = self.json
        return found


@dataclasses.dataclass(frozen=True, slots=True)
class Server:
    """One of the two, seen from a namespace of the test's own, as an admin."""

    name: str
    url: str
    token: str
    namespace: str
    certificate_authority: str | None = None
    forget: Callable[[], None] = lambda: None
    """Makes it forget every version but the present ones."""

    def path(self, plural: str, name: str = "", part: str = "", *, api: str = "v1") -> str:
        root = f"/apis/{api}" if "/" in api else f"/api/{api}"
        parts = [f"{root}/namespaces/{self.namespace}/{plural}", name, part]
        return "/".join(each for each in parts if each)

    def _connection(self) -> http.client.HTTPConnection:
        address = urllib.parse.urlsplit(self.url)
        if address.scheme == "http":
            return http.client.HTTPConnection(
                address.hostname or "", address.port, timeout=_TIMEOUT_SECONDS
            )
        context = ssl.create_default_context(cafile=self.certificate_authority)
        return http.client.HTTPSConnection(
            address.hostname or "", address.port, timeout=_TIMEOUT_SECONDS, context=context
        )

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,  # noqa: ANN401 -- JSON, or bytes as they are
        *,
        content_type: str = "application/json",
        accept: str = "application/json",
        agent: str = "contract",
        token: str | None = None,
        **query: str,
    ) -> Reply:
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        told = f"?{urllib.parse.urlencode(query)}" if query else ""
        headers = {
            "Authorization": f"Bearer {self.token if token is None else token}",
            "Content-Type": content_type,
            "Accept": accept,
            "User-Agent": agent,
        }
        with contextlib.closing(self._connection()) as connection:
            connection.request(method, path + told, body=data, headers=headers)
            answer = connection.getresponse()
            text = answer.read().decode()
            return Reply(answer.status, text, answer.headers.get("Content-Type", ""))

    def get(self, path: str, **query: str) -> Reply:
        return self.send("GET", path, **query)

    def create(self, path: str, body: Mapping[str, Any], **query: str) -> Reply:
        return self.send("POST", path, body, **query)

    def patch(
        self,
        path: str,
        body: Any,  # noqa: ANN401 -- JSON
        *,
        content_type: str = MERGE,
        **query: str,
    ) -> Reply:
        return self.send("PATCH", path, body, content_type=content_type, **query)

    def apply(self, path: str, body: Mapping[str, Any], *, by: str, **query: str) -> Reply:
        return self.patch(path, body, content_type=APPLY, fieldManager=by, **query)

    def put(self, path: str, body: Mapping[str, Any], **query: str) -> Reply:
        return self.send("PUT", path, body, **query)

    def delete(self, path: str, body: Mapping[str, Any] | None = None, **query: str) -> Reply:
        return self.send("DELETE", path, body, **query)

    @contextlib.contextmanager
    def watching(self, path: str, **query: str) -> Iterator[Iterator[Json]]:
        """Give the events of a watch, as they come."""
        told = urllib.parse.urlencode({"watch": "1", "timeoutSeconds": "15", **query})
        with contextlib.closing(self._connection()) as connection:
            connection.request(
                "GET", f"{path}?{told}", headers={"Authorization": f"Bearer {self.token}"}
            )
            answer = connection.getresponse()
            assert answer.status == 200, answer.read().decode()
            yield (json.loads(line) for line in iter(answer.readline, b""))

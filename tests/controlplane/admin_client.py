"""Requests as cluster-admin, plain and blocking: 50 times as fast as a kubectl."""

import contextlib
import dataclasses
import http.client
import json
import ssl
import urllib.parse
from typing import Any

from tests.controlplane.credentials import Cluster

MERGE_PATCH = "application/merge-patch+json"


class RequestFailedError(RuntimeError):
    """The API server answered something other than 2xx."""

    def __init__(self, *, status: int, body: str) -> None:
        super().__init__(f"{status}: {body}")
        self.status = status
        self.body = body


@dataclasses.dataclass(slots=True)
class AdminClient:
    """A connection per request, so that none is left in a bad state by what tests do to servers."""

    cluster: Cluster
    token: str
    _ssl: ssl.SSLContext | None = None

    def request(
        self,
        method: str,
        path: str,
        *,
        body: Any,  # noqa: ANN401 - any JSON
        content_type: str,
        timeout_seconds: float,
    ) -> Any:  # noqa: ANN401 - as above
        """Returns the JSON of the answer, or its text if it is none. The time-out is per step.

        Raises:
            RequestFailedError: not 2xx.
            OSError: no answer; TimeoutError and ConnectionRefusedError are such.

        """
        if self._ssl is None:
            self._ssl = ssl.create_default_context(cafile=self.cluster.certificate_authority)
        address = urllib.parse.urlsplit(self.cluster.url)
        connection = http.client.HTTPSConnection(
            address.hostname or "", address.port, timeout=timeout_seconds, context=self._ssl
        )
        with contextlib.closing(connection):
            connection.request(
                method,
                path,
                body=None if body is None else json.dumps(body),
                headers={
                    "Authorization": f"Bearer {self.token}",
                    "Content-Type": content_type,
                    "User-Agent": "test-admin",
                },
            )
            answer = connection.getresponse()
            text = answer.read().decode(errors="replace")
        if answer.status // 100 != 2:
            raise RequestFailedError(status=answer.status, body=text)
        return json.loads(text) if text[:1] in ("{", "[") else text

"""Requests as cluster-admin, plain and blocking: 50 times as fast as a kubectl."""

import contextlib
import dataclasses
import http.client
import json
import ssl
from collections.abc import Mapping
from typing import Any

from tests.controlplane.credentials import Cluster

MERGE_PATCH = "application/merge-patch+json"


class RequestFailedError(RuntimeError):
    """The API server answered something other than 2xx."""

    def __init__(self, *, status: int, body: str) -> None:
        super().__init__(f"{status}: {body}")
        self.status = status
        self.body = body


@dataclasses.dataclass(frozen=True, slots=True)
class AdminClient:
    """A connection per write, so that none is left in a bad state by what tests do to servers.

    With `keep_alive` reads share those that are open, and ask again on a new one where theirs was
    broken: most of the cost of a small read is the handshake. Such a client is to be closed.
    """

    cluster: Cluster
    token: str
    keep_alive: bool = False
    _idle: list[http.client.HTTPConnection] = dataclasses.field(default_factory=list)

    def request(
        self,
        method: str,
        path: str,
        *,
        body: Any,  # noqa: ANN401 - any JSON
        content_type: str,
        timeout_seconds: float,
    ) -> Any:  # noqa: ANN401 - as above
        """The answer: an object or a list of JSON as it is, anything else (`ok`) as text.

        The timeout is for each single step.

        Raises:
            RequestFailedError: not 2xx.
            OSError: no answer; TimeoutError and ConnectionRefusedError are such.

        """
        asked = _Asked(
            method,
            path,
            None if body is None else json.dumps(body),
            {
                "Authorization": f"Bearer {self.token}",
                "Content-Type": content_type,
                "User-Agent": "test-admin",
            },
        )
        status, text = self._reused(asked, timeout_seconds) or self._fresh(asked, timeout_seconds)
        if status // 100 != 2:
            raise RequestFailedError(status=status, body=text)
        return json.loads(text) if text[:1] in ("{", "[") else text

    def close(self) -> None:
        while self._idle:
            self._idle.pop().close()

    def _reused(self, asked: "_Asked", timeout_seconds: float) -> tuple[int, str] | None:
        """None where there is no open connection, or it was broken."""
        while asked.method == "GET":
            try:
                connection = self._idle.pop()
            except IndexError:  # the last may be another thread's now
                return None
            if connection.sock is not None:
                connection.sock.settimeout(timeout_seconds)
                with contextlib.suppress(ConnectionError, ssl.SSLError):
                    return self._answered(connection, asked)
        return None

    def _fresh(self, asked: "_Asked", timeout_seconds: float) -> tuple[int, str]:
        connection = self.cluster.connection(timeout_seconds=timeout_seconds)
        return self._answered(connection, asked)

    def _answered(self, connection: http.client.HTTPConnection, asked: "_Asked") -> tuple[int, str]:
        with contextlib.ExitStack() as unless_kept:
            unless_kept.callback(connection.close)
            connection.request(asked.method, asked.path, body=asked.body, headers=asked.headers)
            answer = connection.getresponse()
            text = answer.read().decode(errors="replace")
            if self.keep_alive and asked.method == "GET":
                unless_kept.pop_all()
                self._idle.append(connection)
            return answer.status, text


@dataclasses.dataclass(frozen=True, slots=True)
class _Asked:
    method: str
    path: str
    body: str | None
    headers: Mapping[str, str]

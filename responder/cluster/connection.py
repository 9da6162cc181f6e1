"""Our own HTTP sessions to one API server: pooled, timed, and carrying nobody's cookies or netrc.

kubernetes-asyncio's client costs two to three times the CPU a request, so it finds the server and
the credentials, and aiohttp does the rest.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import aiohttp

from responder import __version__
from responder.cluster.credentials import Credentials
from responder.cluster.kubeconfig import Server, find_server

_READ_BUFFER_BYTES = 2**21
_KEEP_IDLE_SECONDS = 55.0
"""The API server closes idle connections after 90 s, load balancers often after 60: we go first,
or a write meets a connection that ends under it. Long enough, so that an alert after a quiet
minute seldom pays for a TLS handshake."""


@dataclass(frozen=True, slots=True)
class Connection:
    """`session` is for requests that end, `watch_session` for those that stay open.

    Neither limits its connections: who sends requests bounds their number, in order of arrival.
    aiohttp's own limit lets waiters starve, and a watch would keep a place for ever.
    """

    server: Server
    session: aiohttp.ClientSession
    watch_session: aiohttp.ClientSession

    @property
    def credentials(self) -> Credentials:
        return self.server.credentials

    async def close(self) -> None:
        await self.session.close()
        await self.watch_session.close()
        await self.server.credentials.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()


async def connect(
    kubeconfig: Path | None = None, *, environ: Mapping[str, str] = os.environ
) -> Connection:
    """Finds the server as `find_server` does and prepares the sessions; nothing is sent yet.

    Raises BadInput for a configuration that can't work.
    """
    return open_sessions(find_server(kubeconfig, environ=environ))


def open_sessions(server: Server) -> Connection:
    """The sessions for a server that is known already; needs a running loop."""
    return Connection(server=server, session=_session(server), watch_session=_session(server))


def _session(server: Server) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(
            limit=0,
            ssl=True if server.tls is None else server.tls,
            keepalive_timeout=_KEEP_IDLE_SECONDS,
        ),
        headers={
            "Accept": "application/json",
            "User-Agent": f"campaign-responder/{__version__}",
        },
        proxy=server.proxy,
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,  # else ~/.netrc is looked up, in a thread, for every request
        read_bufsize=_READ_BUFFER_BYTES,
    )

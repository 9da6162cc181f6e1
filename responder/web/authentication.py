"""Who may speak to the door: a bearer token from a file, which may be rotated in place."""

import hmac
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from responder.errors import BadInput, Problem
from responder.settings import is_loopback
from responder.web.problems import problem_response

OPEN_PATHS: Final = frozenset({"/healthz", "/readyz", "/metrics", "/api/openapi.json"})
_REREAD_SECONDS: Final = 1.0
_LEAST_CHARACTERS: Final = 16

log = structlog.get_logger()


class BearerToken:
    """The token in a file, read again when the file changes."""

    def __init__(self, path: Path, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Raises BadInput where the file can't serve as one from the start."""
        self._path = path
        self._monotonic = monotonic
        self._token = self._read()
        self._read_at = monotonic()

    def _read(self) -> bytes:
        try:
            token = self._path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise BadInput(
                [Problem(f"can't be read: {error}", field="bearer_token_file")]
            ) from error
        if len(token) < _LEAST_CHARACTERS:
            fix = f"put at least {_LEAST_CHARACTERS} random characters into {self._path}"
            raise BadInput([Problem("is too short a token", field="bearer_token_file", fix=fix)])
        return token.encode()

    def accepts(self, given: str) -> bool:
        """Compare in constant time; a rotated file counts within a second."""
        if self._monotonic() - self._read_at >= _REREAD_SECONDS:
            self._read_at = self._monotonic()
            try:
                self._token = self._read()
            except BadInput as bad:
                log.warning("bearer_token_kept", why=str(bad))
        # Bytes that are no UTF-8 arrive as lone surrogates: a wrong token like any other.
        return hmac.compare_digest(given.encode(errors="surrogateescape"), self._token)


def bearer_required(token: BearerToken | None) -> Middleware:
    """Let pass who shows the token; without one everybody, on loopback only."""

    @web.middleware
    async def authenticate(request: web.Request, handler: Handler) -> web.StreamResponse:
        if token is None:
            if _is_cross_site(request):
                return problem_response(403, title="Cross-site request refused")
            return await handler(request)
        if request.path in OPEN_PATHS:
            return await handler(request)
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token.accepts(given.strip()):
            refused = problem_response(
                401, title="Unauthorized", detail="show the token as `Authorization: Bearer ...`"
            )
            refused.headers["WWW-Authenticate"] = 'Bearer realm="campaign-responder"'
            return refused
        return await handler(request)

    return authenticate


def _is_cross_site(request: web.Request) -> bool:
    """Tell a page of somebody else's in an operator's browser, which reaches loopback as well."""
    host = request.headers.get("Host", "")
    origin = request.headers.get("Origin")
    if origin is not None and origin.rpartition("//")[2] != host:
        return True
    # A name of theirs that resolves to loopback by now shows in Host alone.
    name = host if host.endswith("]") else host.rpartition(":")[0] or host
    return not is_loopback(name.strip("[]"))

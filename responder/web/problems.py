"""Errors as `application/problem+json` (RFC 9457): what is wrong, which field, and the fix."""

import json
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final

import structlog
from aiohttp import web

from responder.cluster.failures import ApiFailure, NotFound, Unavailable
from responder.errors import BadInput, NotPossible, Problem

_RETRY_SECONDS: Final = 5.0

log = structlog.get_logger()


def problem_response(
    status: int,
    *,
    title: str,
    detail: str = "",
    problems: Iterable[Problem] = (),
    retry_after_seconds: float | None = None,
) -> web.Response:
    """Write a problem; `problems` become its `errors`."""
    body: dict[str, Any] = {"type": "about:blank", "title": title, "status": status}
    if detail:
        body["detail"] = detail
    errors = [{"field": item.field, "message": item.message, "fix": item.fix} for item in problems]
    if errors:
        body["errors"] = errors
    headers = {}
    if retry_after_seconds is not None:
        headers["Retry-After"] = str(max(1, round(retry_after_seconds)))
    return web.Response(
        status=status,
        text=json.dumps(body, ensure_ascii=False),
        content_type="application/problem+json",
        headers=headers,
    )


@web.middleware
async def problems(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """The outermost edge of every request."""
    try:
        return await handler(request)
    except BadInput as bad:
        return _bad(bad)
    except ApiFailure as failure:
        return _failed(failure)
    except web.HTTPRequestEntityTooLarge as error:
        return problem_response(
            413,
            title="Body too large",
            detail=f"{error.text}; limit the receiver's `max_alerts`, or raise most_body_bytes",
        )
    except web.HTTPException as error:
        if error.status < 400:  # noqa: PLR2004 -- not an error
            raise
        answer = problem_response(error.status, title=error.reason, detail=error.text or "")
        if "Allow" in error.headers:
            answer.headers["Allow"] = error.headers["Allow"]
        return answer
    except Exception:
        log.exception("request_failed", method=request.method, path=request.path)
        return problem_response(500, title="Internal error", detail="see the responder's log")


def _bad(bad: BadInput) -> web.Response:
    if isinstance(bad, NotPossible):
        return problem_response(409, title="Not possible now", problems=bad.problems)
    return problem_response(400, title="Bad request", problems=bad.problems)


def _failed(failure: ApiFailure) -> web.Response:
    if isinstance(failure, NotFound):
        return problem_response(404, title="Not found", detail=failure.message)
    if isinstance(failure, Unavailable):
        return not_now(failure.message, after=failure.retry_after)
    return problem_response(502, title="Refused by the cluster", detail=failure.message)


def not_now(why: str, *, after: float | None = None) -> web.Response:
    """Ask for the same request once more, later: nothing was refused."""
    return problem_response(
        503,
        title="Not now",
        detail=why,
        retry_after_seconds=after if after is not None else _RETRY_SECONDS,
    )

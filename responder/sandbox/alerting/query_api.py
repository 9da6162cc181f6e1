"""Prometheus' HTTP API over the built-in evaluator: as much as evidence is asked by.

Answers as https://prometheus.io/docs/prometheus/latest/querying/api/ has it; what the evaluator
does not know is refused by name, and to whoever asks that is unknown.
"""

import math
from typing import Any, Protocol

from aiohttp import web

from responder.errors import BadInput
from responder.sandbox.alerting.promql import Vector
from responder.sandbox.alerting.promql_syntax import parse
from responder.sandbox.alerting.promql_tree import RANGE, SCALAR, Expression, type_of


class Asked(Protocol):
    """Who evaluates."""

    def now_ms(self) -> int: ...

    def vector(self, expression: Expression, *, at_ms: int) -> Vector:
        """Evaluate at one time; raises BadInput."""
        ...


def routes(asked: Asked) -> list[web.RouteDef]:
    """Give `GET` and `POST /api/v1/query`."""

    async def query(request: web.Request) -> web.Response:
        form = await request.post() if request.method == "POST" else request.query
        text, at = str(form.get("query", "")), str(form.get("time", ""))
        try:
            at_ms = round(float(at) * 1000) if at else asked.now_ms()
        except (ValueError, OverflowError):
            return _error(400, "bad_data", f"invalid parameter time: {at!r}")
        try:
            expression = parse(text)
        except BadInput as bad:
            return _error(400, "bad_data", str(bad))
        kind = type_of(expression)
        if kind == RANGE:
            return _error(400, "bad_data", "a range vector alone is no value")
        try:
            found = asked.vector(expression, at_ms=at_ms)
        except BadInput as bad:
            return _error(422, "execution", str(bad))
        if kind == SCALAR:
            return _result("scalar", _point(at_ms, found[()]))
        return _result("vector", _series(at_ms, found))

    return [web.get("/api/v1/query", query, allow_head=False), web.post("/api/v1/query", query)]


def _series(at_ms: int, found: Vector) -> list[dict[str, Any]]:
    return [
        {"metric": dict(labels), "value": _point(at_ms, value)} for labels, value in found.items()
    ]


def _point(at_ms: int, value: float) -> tuple[float, str]:
    if math.isinf(value):
        return at_ms / 1000, "+Inf" if value > 0 else "-Inf"
    return at_ms / 1000, "NaN" if math.isnan(value) else repr(value).removesuffix(".0")


def _result(kind: str, result: object) -> web.Response:
    data = {"resultType": kind, "result": result}
    return web.json_response({"status": "success", "data": data})


def _error(status: int, kind: str, message: str) -> web.Response:
    told = {"status": "error", "errorType": kind, "error": message}
    return web.json_response(told, status=status)

"""The webhook: 2xx only once everything is stored, 503 while it can't be, 400 if it never can."""

import asyncio
import json
from typing import Any

import structlog
from aiohttp import web

from responder.alerts.notification import Reading, read_alertmanager
from responder.cluster.failures import ApiFailure, Unavailable
from responder.errors import BadInput
from responder.reconcile.intake import Stored
from responder.reconcile.repetitions import is_no_news
from responder.reconcile.view import IncidentKey
from responder.web.problems import not_now, problem_response
from responder.web.service import SERVICE, Service

UNDER_WAY = web.AppKey("under_way", set[int])

log = structlog.get_logger()


async def alertmanager(request: web.Request) -> web.StreamResponse:
    """`POST /webhooks/alertmanager`."""
    service = request.app[SERVICE]
    received = service.monotonic()
    status = 500
    try:
        response = await _bounded(request, service, received)
        status = response.status
    except web.HTTPException as error:
        status = error.status
        raise
    finally:
        service.metrics.notifications.labels(sender="alertmanager", status=status).inc()
    return response


async def _bounded(request: web.Request, service: Service, received: float) -> web.Response:
    waiting = service.not_ready()
    if waiting:
        return _later("; ".join(waiting))
    if request.content.is_eof():
        # It is here in full, so what was said before is answered without taking anybody's place.
        again = service.repetitions.answer(await request.read())
        if again is not None:
            service.metrics.repeated.inc()
            return web.Response(text=again, content_type="application/json")
    under_way = request.app[UNDER_WAY]
    if len(under_way) >= service.most_requests:
        return _later(f"{len(under_way)} notifications are being stored already")
    under_way.add(id(request))
    try:
        async with asyncio.timeout(service.request_seconds):
            return await _accept(request, service, received)
    except TimeoutError:
        return _later(f"not stored within {service.request_seconds:g} s")
    finally:
        under_way.discard(id(request))


async def _accept(request: web.Request, service: Service, received: float) -> web.Response:
    body = await request.read()
    try:
        reading = read_alertmanager(body)
    except BadInput as bad:
        log.warning("notification_refused", why=str(bad)[:500], bytes=len(body))
        return problem_response(
            400, title="Not an Alertmanager notification", problems=bad.problems
        )
    try:
        stored = await service.intake.accept(reading.notification, received=received)
    except Unavailable as failure:
        return _later(failure.message, after=failure.retry_after)
    except ApiFailure as failure:
        log.warning("notification_not_stored", why=str(failure))
        return _later(failure.message)
    if reading.notification.truncated_alerts:
        service.on_cut_short(reading.notification.receiver)
    _count(service, reading, stored)
    answer = json.dumps(_answer(reading, stored), ensure_ascii=False)
    if is_no_news(reading.notification, stored):
        home = service.intake.namespace
        incidents = [IncidentKey(home, told.incident) for told in stored]
        service.repetitions.remember(body, answer, incidents=incidents)
    return web.Response(text=answer, content_type="application/json")


def _answer(reading: Reading, stored: list[Stored]) -> dict[str, Any]:
    return {
        "incidents": [
            {
                "name": told.incident,
                "playbook": told.playbook,
                "outcome": str(told.what),
                **({"error": told.message} if told.message else {}),
            }
            for told in stored
        ],
        "rejected": [
            {
                "index": rejected.index,
                "fingerprint": rejected.fingerprint,
                "errors": [str(problem) for problem in rejected.problems],
            }
            for rejected in reading.rejected
        ],
    }


def _count(service: Service, reading: Reading, stored: list[Stored]) -> None:
    counted = service.metrics.alerts
    matched: set[str] = set()
    for told in stored:
        outcome = "not_storable" if told.message else str(told.what)
        counted.labels(outcome=outcome).inc(len(told.fingerprints))
        matched |= told.fingerprints
    unmatched = sum(alert.fingerprint not in matched for alert in reading.notification.alerts)
    if unmatched:
        counted.labels(outcome="unmatched").inc(unmatched)
    if reading.rejected:
        counted.labels(outcome="rejected").inc(len(reading.rejected))
        log.warning(
            "alerts_rejected",
            rejected=len(reading.rejected),
            first=str(reading.rejected[0].problems[0]),
        )


def _later(why: str, *, after: float | None = None) -> web.Response:
    log.warning("notification_put_off", why=why)
    return not_now(why, after=after)

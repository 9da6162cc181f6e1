"""Health, readiness and metrics: open to probes, and telling nothing of campaigns."""

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from responder.web.service import SERVICE


async def healthz(_request: web.Request) -> web.StreamResponse:
    """The process answers: restarting it would not help a cluster that is down."""
    return web.Response(text="ok\n")


async def readyz(request: web.Request) -> web.StreamResponse:
    """Notifications can be taken: playbooks are valid and the caches in sync."""
    waiting = request.app[SERVICE].not_ready()
    if waiting:
        return web.Response(status=503, text="".join(f"{why}\n" for why in waiting))
    return web.Response(text="ok\n")


async def metrics(request: web.Request) -> web.StreamResponse:
    body = generate_latest(request.app[SERVICE].metrics.registry)
    return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})

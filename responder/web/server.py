"""The HTTP application: routes and what stands before all of them."""

from aiohttp import web

from responder.incidents.requests import Wish
from responder.web import health, openapi, people, webhooks
from responder.web.authentication import BearerToken, bearer_required
from responder.web.problems import problems
from responder.web.service import SERVICE, Service


def create_app(
    service: Service, *, token: BearerToken | None, most_body_bytes: int
) -> web.Application:
    """Build the door. Nothing mutates on GET."""
    app = web.Application(
        middlewares=[problems, bearer_required(token)], client_max_size=most_body_bytes
    )
    app[SERVICE] = service
    app[webhooks.UNDER_WAY] = set()
    app.add_routes(
        [
            web.post("/webhooks/alertmanager", webhooks.alertmanager),
            web.get("/api/v1/playbooks", people.playbooks),
            web.post("/api/v1/playbooks/{name}/trigger", people.trigger),
            web.post("/api/v1/playbooks/{name}/plan", people.plan),
            web.get("/api/v1/incidents", people.incidents),
            web.get("/api/v1/incidents/{namespace}/{name}", people.incident),
            *(
                web.post(f"/api/v1/incidents/{{namespace}}/{{name}}/{wish}", people.asking(wish))
                for wish in Wish
            ),
            web.get("/api/openapi.json", openapi.openapi),
            web.get("/healthz", health.healthz),
            web.get("/readyz", health.readyz),
            web.get("/metrics", health.metrics),
        ]
    )
    return app

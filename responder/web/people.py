"""The API for people and scripts: what is open, what would happen, hold now, give back."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Annotated, Any, Final, TypeVar

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from responder.cluster.failures import Unavailable
from responder.errors import BadInput, Problem
from responder.incidents.absorption import Absorbed
from responder.incidents.incident import Incident
from responder.incidents.requests import Trigger, Wish
from responder.playbooks.names import label_fault, subdomain_fault
from responder.playbooks.quantities import duration
from responder.playbooks.schema import Playbook
from responder.reconcile.preview import preview
from responder.reconcile.view import IncidentKey
from responder.web.service import SERVICE, Service

Text = Annotated[str, Field(max_length=1024)]
_USUAL_EXTENSION: Final = "24h"


class TriggerBody(BaseModel):
    """The body of a trigger, and of a plan."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    labels: dict[Text, Text] = Field(default_factory=dict)
    reason: Text = ""
    by: Text = ""


class WishBody(BaseModel):
    """The body of a wish about an incident."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    reason: Text = ""
    by: Text = ""


class ExtendBody(WishBody):
    """The body of a wish to look at it again later."""

    for_: Annotated[str, Field(alias="for", max_length=64)] = _USUAL_EXTENSION
    """How much later, like `24h`."""


ModelT = TypeVar("ModelT", bound=BaseModel)
DoneT = TypeVar("DoneT")


async def _read(request: web.Request, model: type[ModelT]) -> ModelT:
    """Read a JSON body; raises BadInput with every field that is wrong."""
    if request.content_type != "application/json":
        # A form of another site can't send this type without asking first.
        fix = "send the header Content-Type: application/json"
        raise BadInput([Problem("the body must be JSON", field="Content-Type", fix=fix)])
    body = await request.read()
    try:
        return model.model_validate_json(body or b"{}")
    except ValidationError as error:
        raise BadInput(
            Problem(found["msg"], field=".".join(str(part) for part in found["loc"]))
            for found in error.errors(include_url=False, include_context=False)
        ) from error


def _ready(request: web.Request) -> Service:
    """Give the service; raises Unavailable while what it would tell is not known."""
    service = request.app[SERVICE]
    waiting = service.not_ready()
    if waiting:
        raise Unavailable("; ".join(waiting))
    return service


async def _in_time(service: Service, work: Coroutine[None, None, DoneT]) -> DoneT:
    try:
        async with asyncio.timeout(service.request_seconds):
            return await work
    except TimeoutError as error:
        raise Unavailable(f"not done within {service.request_seconds:g} s") from error


def _playbook(request: web.Request) -> Playbook:
    name = request.match_info["name"]
    known = request.app[SERVICE].playbooks()
    for playbook in known:
        if playbook.name == name:
            return playbook
    raise web.HTTPNotFound(
        text=f"no playbook {name!r}; there are: "
        + ", ".join(sorted(playbook.name for playbook in known))
    )


async def trigger(request: web.Request) -> web.StreamResponse:
    """`POST /api/v1/playbooks/{name}/trigger`: hold now, without any alert."""
    service = _ready(request)
    received = service.monotonic()
    playbook, wish = _playbook(request), await _read(request, TriggerBody)
    draft = service.intake.draft(playbook, wish.labels, trigger=Trigger(kind="manual"))
    if not draft.plan:
        raise BadInput(
            Problem(
                refusal["message"], field="labels", fix="give the labels that the playbook uses"
            )
            for refusal in draft.refusals
        )
    storing = service.intake.trigger(
        playbook, wish.labels, reason=wish.reason, by=wish.by, received=received
    )
    stored, incident = await _in_time(service, storing)
    if stored.message:
        raise BadInput([Problem(stored.message)])
    body: dict[str, Any] = {"name": stored.incident, "outcome": str(stored.what)}
    if incident is not None:
        body["incident"] = told(incident)
    return web.json_response(body, status=201 if stored.what is Absorbed.OPEN else 200)


async def plan(request: web.Request) -> web.StreamResponse:
    """`POST /api/v1/playbooks/{name}/plan`: what a trigger would do; writes nothing."""
    service = _ready(request)
    playbook, wish = _playbook(request), await _read(request, TriggerBody)
    trigger = Trigger(kind="manual", by=wish.by, reason=wish.reason)
    incident = service.intake.draft(playbook, wish.labels, trigger=trigger)
    return web.json_response(preview(service.view, incident, pools=service.pools).to_json())


async def playbooks(request: web.Request) -> web.StreamResponse:
    """`GET /api/v1/playbooks`."""
    return web.json_response(
        [
            {
                "name": playbook.name,
                "mode": str(playbook.spec.mode),
                "incidentPer": list(playbook.identity_labels),
            }
            for playbook in request.app[SERVICE].playbooks()
        ]
    )


async def incidents(request: web.Request) -> web.StreamResponse:
    """`GET /api/v1/incidents`: newest last."""
    found = _ready(request).view.incidents.values()
    return web.json_response([told(item) for item in sorted(found, key=lambda i: i.received_at)])


def _key(request: web.Request) -> IncidentKey:
    """Read which incident is meant; a name that no incident can have is not found."""
    namespace, name = request.match_info["namespace"], request.match_info["name"]
    if label_fault(namespace) or subdomain_fault(name):
        raise web.HTTPNotFound(text=f"no incident {name!r}")
    return IncidentKey(namespace, name)


async def incident(request: web.Request) -> web.StreamResponse:
    """`GET /api/v1/incidents/{namespace}/{name}`."""
    found = _ready(request).view.incidents.get(_key(request))
    if found is None:
        raise web.HTTPNotFound(text=f"no incident {_key(request).name}")
    return web.json_response(told(found))


def asking(wish: Wish) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """Give the handler of `POST /api/v1/incidents/{namespace}/{name}/{wish}`."""

    async def asked(request: web.Request) -> web.StreamResponse:
        service, key = request.app[SERVICE], _key(request)
        body = await _read(request, ExtendBody if wish is Wish.EXTEND else WishBody)
        if key.namespace != service.intake.namespace:
            raise web.HTTPNotFound(text=f"no incident {key.name} in {key.namespace}")
        later = duration(body.for_, field="for").seconds if isinstance(body, ExtendBody) else 0
        asking = service.intake.ask(
            key, wish, by=body.by or "api", reason=body.reason, later_seconds=later
        )
        return web.json_response(told(await _in_time(service, asking)))

    return asked


def told(found: Incident) -> dict[str, Any]:
    """Tell an incident as JSON."""
    return {
        "namespace": found.namespace,
        "name": found.name,
        "playbook": found.playbook,
        "identity": dict(found.identity.labels),
        "mode": found.mode,
        "trigger": found.trigger.to_json(),
        "firing": found.firing,
        "alerts": {key: alert.to_json() for key, alert in found.alerts.items()},
        "plan": [ask.to_json() for ask in found.plan],
        "refusals": [dict(refusal) for refusal in found.refusals],
        **{str(wish): None for wish in Wish},
        **found.wishes.to_json(),
        "status": found.status.to_json(),
    }

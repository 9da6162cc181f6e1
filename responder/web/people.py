"""The API for people and scripts: what is open, what would happen, hold now, give back."""

import time
from typing import Annotated, Any, TypeVar

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from responder.cluster.failures import ApiFailure, NotFound, Unavailable
from responder.errors import BadInput, Problem
from responder.incidents.absorption import Absorbed
from responder.incidents.incident import Incident, Trigger
from responder.playbooks.schema import Playbook
from responder.reconcile.intake import identity_of
from responder.reconcile.preview import preview
from responder.reconcile.view import IncidentKey
from responder.web.problems import problem_response
from responder.web.service import SERVICE

Text = Annotated[str, Field(max_length=1024)]


class Wish(BaseModel):
    """The body of a trigger, and of a plan."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    labels: dict[Text, Text] = Field(default_factory=dict)
    reason: Text = ""
    by: Text = ""


class Release(BaseModel):
    """The body of a release."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    reason: Text = ""
    by: Text = ""


ModelT = TypeVar("ModelT", bound=BaseModel)


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
    received = time.monotonic()
    service, playbook = request.app[SERVICE], _playbook(request)
    wish = await _read(request, Wish)
    waiting = service.not_ready()
    if waiting:
        return problem_response(
            503, title="Not stored", detail="; ".join(waiting), retry_after_seconds=5
        )
    draft = service.intake.draft(
        playbook,
        identity_of(playbook, wish.labels, kind="manual"),
        ordinal=1,
        trigger=Trigger(kind="manual"),
        alerts={},
    )
    if not draft.plan:
        raise BadInput(
            Problem(
                refusal["message"], field="labels", fix="give the labels that the playbook uses"
            )
            for refusal in draft.refusals
        )
    try:
        stored, incident = await service.intake.trigger(
            playbook, wish.labels, reason=wish.reason, by=wish.by, received=received
        )
    except ApiFailure as failure:
        return _failed(failure)
    if stored.message:
        raise BadInput([Problem(stored.message)])
    body: dict[str, Any] = {"name": stored.incident, "outcome": str(stored.what)}
    if incident is not None:
        body["incident"] = told(incident)
    return web.json_response(body, status=201 if stored.what is Absorbed.OPEN else 200)


async def plan(request: web.Request) -> web.StreamResponse:
    """`POST /api/v1/playbooks/{name}/plan`: what a trigger would do; writes nothing."""
    service, playbook = request.app[SERVICE], _playbook(request)
    wish = await _read(request, Wish)
    incident = service.intake.draft(
        playbook,
        identity_of(playbook, wish.labels, kind="manual"),
        ordinal=1,
        trigger=Trigger(kind="manual", by=wish.by, reason=wish.reason),
        alerts={},
    )
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
    found = request.app[SERVICE].view.incidents.values()
    return web.json_response([told(item) for item in sorted(found, key=lambda i: i.received_at)])


def _key(request: web.Request) -> IncidentKey:
    return IncidentKey(request.match_info["namespace"], request.match_info["name"])


async def incident(request: web.Request) -> web.StreamResponse:
    """`GET /api/v1/incidents/{namespace}/{name}`."""
    found = request.app[SERVICE].view.incidents.get(_key(request))
    if found is None:
        raise web.HTTPNotFound(text=f"no incident {_key(request).name}")
    return web.json_response(told(found))


async def release(request: web.Request) -> web.StreamResponse:
    """`POST /api/v1/incidents/{namespace}/{name}/release`: give back now."""
    service, key = request.app[SERVICE], _key(request)
    wish = await _read(request, Release)
    if key not in service.view.incidents:
        raise web.HTTPNotFound(text=f"no incident {key.name}")
    try:
        found = await service.intake.release(key, by=wish.by or "api", reason=wish.reason)
    except ApiFailure as failure:
        return _failed(failure)
    return web.json_response(told(found))


def _failed(failure: ApiFailure) -> web.Response:
    if isinstance(failure, NotFound):
        return problem_response(404, title="Not found", detail=failure.message)
    if isinstance(failure, Unavailable):
        return problem_response(
            503,
            title="Not stored",
            detail=failure.message,
            retry_after_seconds=failure.retry_after or 5,
        )
    return problem_response(502, title="Refused by the cluster", detail=failure.message)


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
        "release": None if found.release is None else found.release.to_json(),
        "status": found.status.to_json(),
    }

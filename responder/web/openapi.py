"""`GET /api/openapi.json`: what the door takes and answers, in OpenAPI 3.1.

Kept by hand beside the routes, with the bodies' schemas taken from the models that read them.
"""

from functools import cache
from typing import Final

from aiohttp import web
from pydantic.json_schema import models_json_schema

from responder import __version__
from responder.alerts.notification import Notification
from responder.incidents.requests import Wish
from responder.web.answers import ANSWERS, SCHEMAS, TEXT, Json, listed, ref
from responder.web.people import ExtendBody, TriggerBody, WishBody

_WISHES: Final = {
    Wish.APPROVE: "Hold what is proposed",
    Wish.REJECT: "Never hold what is proposed",
    Wish.ACKNOWLEDGE: "The cause is dealt with: resuming may begin",
    Wish.RELEASE: "Give back now",
    Wish.EXTEND: "Look at it again later",
}


def _answer(description: str, schema: Json) -> Json:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _problem(description: str) -> Json:
    return {
        "description": description,
        "content": {"application/problem+json": {"schema": ref("Problem")}},
    }


_LATER = _problem("Not now, and nothing was refused: the same request is welcome again.") | {
    "headers": {"Retry-After": {"description": "In seconds.", "schema": {"type": "integer"}}}
}


def _operation(
    name: str,
    summary: str,
    answers: dict[str, Json],
    *,
    body: str = "",
    parameters: tuple[str, ...] = (),
    is_open: bool = False,
) -> Json:
    made: Json = {"operationId": name, "summary": summary}
    made["responses"] = {**answers, "default": _problem("Anything else.")}
    if not is_open:
        made["security"] = [{"bearer": []}]
        made["responses"]["401"] = _problem("The token is missing, or not the right one.")
    if body:
        content = {"application/json": {"schema": ref(body)}}
        made["requestBody"] = {"required": True, "content": content}
    if parameters:
        made["parameters"] = [
            {"name": each, "in": "path", "required": True, "schema": TEXT} for each in parameters
        ]
    return made


def _text(description: str) -> Json:
    return {"description": description, "content": {"text/plain": {"schema": TEXT}}}


_BAD: Final = _problem("Something given is wrong: `errors` names each field and the fix.")
_NOT_THERE: Final = _problem("There is none of that name.")


def _paths() -> Json:
    incident = "/api/v1/incidents/{namespace}/{name}"
    playbook = "/api/v1/playbooks/{name}"
    named = ("namespace", "name")
    return {
        "/webhooks/alertmanager": {
            "post": _operation(
                "notify",
                "Alertmanager's webhook, version 4",
                {
                    "200": _answer("Stored.", ref("Accepted")),
                    "400": _problem("The body can never be accepted."),
                    "413": _problem("The body is too large."),
                    "503": _LATER,
                },
                body="Notification",
            )
        },
        "/api/v1/playbooks": {
            "get": _operation(
                "playbooks",
                "The playbooks in force",
                {"200": _answer("All of them.", listed(ref("Playbook")))},
            )
        },
        f"{playbook}/trigger": {
            "post": _operation(
                "trigger",
                "Hold now, without any alert",
                {
                    "200": _answer("It is held already.", ref("Triggered")),
                    "201": _answer("It is held from now on.", ref("Triggered")),
                    "400": _BAD,
                    "404": _NOT_THERE,
                    "503": _LATER,
                },
                body="TriggerBody",
                parameters=("name",),
            )
        },
        f"{playbook}/plan": {
            "post": _operation(
                "plan",
                "What a trigger would do; writes nothing",
                {
                    "200": _answer("What would change.", ref("Plan")),
                    "400": _BAD,
                    "404": _NOT_THERE,
                    "503": _LATER,
                },
                body="TriggerBody",
                parameters=("name",),
            )
        },
        "/api/v1/incidents": {
            "get": _operation(
                "incidents",
                "All incidents, the newest last",
                {"200": _answer("All of them.", listed(ref("Incident"))), "503": _LATER},
            )
        },
        incident: {
            "get": _operation(
                "incident",
                "One incident",
                {
                    "200": _answer("It.", ref("Incident")),
                    "404": _NOT_THERE,
                    "503": _LATER,
                },
                parameters=named,
            )
        },
        **{
            f"{incident}/{wish}": {
                "post": _operation(
                    str(wish),
                    _WISHES[wish],
                    {
                        "200": _answer("The wish is stored.", ref("Incident")),
                        "400": _BAD,
                        "404": _NOT_THERE,
                        "409": _problem(
                            "The incident is not in a state in which this makes sense."
                        ),
                        "503": _LATER,
                    },
                    body="ExtendBody" if wish is Wish.EXTEND else "WishBody",
                    parameters=named,
                )
            }
            for wish in Wish
        },
        "/healthz": {"get": _operation("healthz", "Alive", {"200": _text("It is.")}, is_open=True)},
        "/readyz": {
            "get": _operation(
                "readyz",
                "Notifications can be taken",
                {"200": _text("They can."), "503": _text("What is waited for, one a line.")},
                is_open=True,
            )
        },
        "/metrics": {
            "get": _operation("metrics", "Metrics", {"200": _text("Prometheus'.")}, is_open=True)
        },
        "/api/openapi.json": {
            "get": _operation(
                "openapi",
                "This document",
                {"200": _answer("It.", {"type": "object"})},
                is_open=True,
            )
        },
    }


@cache
def document() -> Json:
    """Give the whole document."""
    _, bodies = models_json_schema(
        [(model, "validation") for model in (Notification, TriggerBody, WishBody, ExtendBody)],
        ref_template=f"{SCHEMAS}{{model}}",
    )
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Campaign Responder",
            "version": __version__,
            "description": "Without a token file it listens on loopback only, and takes no token.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": _paths(),
        "components": {
            "schemas": {**bodies["$defs"], **ANSWERS},
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
    }


async def openapi(_request: web.Request) -> web.StreamResponse:
    """`GET /api/openapi.json`."""
    return web.json_response(document())

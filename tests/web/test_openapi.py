"""The published document says what the door does: routes, bodies, answers."""

import json
import re
from typing import Any

import jsonschema
import pytest
import yarl

from responder.alerts.notification import Alert, Notification
from responder.web.openapi import document
from responder.web.people import ExtendBody, TriggerBody, WishBody
from tests.e2e.process import alert, notification
from tests.web.conftest import TOKEN, Web

Json = dict[str, Any]
TRIGGER = "/api/v1/playbooks/pause/trigger"


def schema_of(method: str, path: str, status: int) -> Json:
    operation = document()["paths"][path][method.lower()]
    answers = operation["responses"]
    answer = answers[str(status)] if str(status) in answers else answers["default"]
    (content,) = answer["content"].values()
    return {**content["schema"], "components": document()["components"]}


def body(path: str) -> str:
    content = document()["paths"][path]["post"]["requestBody"]["content"]["application/json"]
    return str(content["schema"]["$ref"]).rpartition("/")[2]


async def test_it_is_served_to_everybody(site: Web) -> None:
    answer = await site.ask("GET", "/api/openapi.json", headers={"Authorization": ""})
    assert answer.status == 200
    assert await answer.json() == document()


async def test_its_paths_are_the_routes(site: Web) -> None:
    routes = {
        (route.method, route.resource.canonical)
        for route in site.app.router.routes()
        if route.resource is not None and route.method != "HEAD"
    }
    told = {
        (method.upper(), path)
        for path, operations in document()["paths"].items()
        for method in operations
    }
    assert told == routes


def test_every_reference_leads_somewhere_and_every_schema_is_one() -> None:
    text = json.dumps(document())
    known = document()["components"]["schemas"]
    assert set(re.findall(r"#/components/schemas/(\w+)", text)) <= known.keys()
    for name in known:
        jsonschema.Draft202012Validator.check_schema(known[name])


def test_every_operation_has_a_name_of_its_own() -> None:
    names = [
        operation["operationId"]
        for operations in document()["paths"].values()
        for operation in operations.values()
    ]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("model", [Notification, Alert, TriggerBody, WishBody, ExtendBody])
def test_bodies_are_those_of_the_models(model: Any) -> None:  # noqa: ANN401 -- a class
    told = document()["components"]["schemas"][model.__name__]
    own = model.model_json_schema(ref_template="#/components/schemas/{model}")
    own.pop("$defs", None)
    assert told == own


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/webhooks/alertmanager", "Notification"),
        ("/api/v1/playbooks/{name}/trigger", "TriggerBody"),
        ("/api/v1/playbooks/{name}/plan", "TriggerBody"),
        ("/api/v1/incidents/{namespace}/{name}/approve", "WishBody"),
        ("/api/v1/incidents/{namespace}/{name}/reject", "WishBody"),
        ("/api/v1/incidents/{namespace}/{name}/acknowledge", "WishBody"),
        ("/api/v1/incidents/{namespace}/{name}/release", "WishBody"),
        ("/api/v1/incidents/{namespace}/{name}/extend", "ExtendBody"),
    ],
)
def test_which_body_goes_where(path: str, name: str) -> None:
    assert body(path) == name


async def test_answers_are_as_it_says(site: Web) -> None:
    """Each one that is defined, but for what only the running responder can give."""
    unknown = "/api/v1/playbooks/nowhere/trigger"
    asked: list[tuple[str, str, Json | None, int]] = [
        ("POST", "/webhooks/alertmanager", notification(alert(), {**alert(), "status": "x"}), 200),
        ("POST", "/webhooks/alertmanager", {"version": "4"}, 400),
        ("GET", "/api/v1/playbooks", None, 200),
        ("POST", TRIGGER, {"labels": {"campaign": "a"}}, 201),
        ("POST", TRIGGER, {"labels": {"campaign": "a"}}, 200),
        ("POST", TRIGGER, {"labels": {}}, 400),
        ("POST", unknown, {}, 404),
        ("POST", "/api/v1/playbooks/pause/plan", {"labels": {"campaign": "a"}}, 200),
        ("GET", "/api/v1/incidents", None, 200),
        ("GET", "/webhooks/alertmanager", None, 405),
    ]
    for method, path, given, status in asked:
        answer = await site.ask(method, path, **({} if given is None else {"json": given}))
        assert answer.status == status, await answer.text()
        template = re.sub("/playbooks/(pause|nowhere)/", "/playbooks/{name}/", path)
        told = template if method != "GET" or status != 405 else "/api/v1/incidents"
        jsonschema.validate(await answer.json(content_type=None), schema_of(method, told, status))


@pytest.mark.parametrize("name", ["%2E%2E", "a%2Fb", "UPPER", "x%00"])
async def test_a_name_that_no_incident_can_have_is_not_found(site: Web, name: str) -> None:
    url = yarl.URL(f"{site.url}/api/v1/incidents/mail/{name}/release", encoded=True)
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with site.client.post(url, json={"by": "ada"}, headers=headers) as answer:
        assert answer.status == 404


async def test_one_incident_and_its_release_are_as_it_says(site: Web) -> None:
    opened = await site.ask("POST", TRIGGER, json={"labels": {"campaign": "a"}, "by": "ada"})
    name = (await opened.json())["name"]
    template = "/api/v1/incidents/{namespace}/{name}"
    for method, end, given, status in (
        ("GET", "", None, 200),
        ("POST", "/release", {"by": "ada"}, 200),
        ("POST", "/release", {"bye": "ada"}, 400),
    ):
        answer = await site.ask(method, f"/api/v1/incidents/mail/{name}{end}", json=given)
        assert answer.status == status
        jsonschema.validate(
            await answer.json(content_type=None), schema_of(method, template + end, status)
        )

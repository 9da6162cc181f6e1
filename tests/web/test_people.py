"""The API for people and scripts."""

from typing import Any

import pytest

from responder.cluster.failures import ApiFailure, Denied, unavailable
from tests.e2e.process import alert, notification
from tests.web.conftest import Web

PLAYBOOK = "/api/v1/playbooks/pause"
Json = dict[str, Any]


async def post(site: Web, path: str, body: object) -> tuple[int, Json]:
    answer = await site.ask("POST", path, json=body)
    told: Json = await answer.json(content_type=None)
    return answer.status, told


@pytest.mark.parametrize(
    ("body", "field"),
    [
        pytest.param({"lables": {}}, "lables", id="a misspelt field"),
        pytest.param({"labels": {"campaign": 1}}, "labels.campaign", id="a number"),
        pytest.param({"labels": []}, "labels", id="a list"),
        pytest.param({"labels": {"campaign": "x" * 5000}}, "labels.campaign", id="too long"),
        pytest.param({"reason": None}, "reason", id="null"),
        pytest.param([], "", id="no object"),
        pytest.param({"labels": {}}, "labels", id="a label is missing"),
        pytest.param({"labels": {"campaign": ""}}, "labels", id="a label is empty"),
        pytest.param({"labels": {"campaign": "a\nb"}}, "labels", id="a label is no name"),
        pytest.param({"labels": {"campaign": "x" * 201}}, "labels", id="a label is too long"),
    ],
)
async def test_a_trigger_that_is_wrong_is_told_by_field_and_holds_nothing(
    site: Web,
    body: object,
    field: str,
) -> None:
    status, told = await post(site, f"{PLAYBOOK}/trigger", body)
    assert status == 400
    assert told["errors"][0]["field"] == field
    assert told["errors"][0]["message"]
    assert site.door.server.writes == []


@pytest.mark.parametrize("path", ["trigger", "plan"])
async def test_bodies_are_json_and_say_so(site: Web, path: str) -> None:
    """A form of another site can send any body, but not this header, without asking first."""
    answer = await site.ask(
        "POST", f"{PLAYBOOK}/{path}", data=b"{}", headers={"Content-Type": "text/plain"}
    )
    assert answer.status == 400
    assert "Content-Type" in await answer.text()


@pytest.mark.parametrize("path", ["trigger", "plan"])
async def test_an_unknown_playbook_is_told_with_those_that_there_are(site: Web, path: str) -> None:
    status, told = await post(site, f"/api/v1/playbooks/nowhere/{path}", {})
    assert status == 404
    assert "pause, quarantine" in told["detail"]


async def test_a_trigger_repeated_is_the_same_incident(site: Web) -> None:
    body = {"labels": {"campaign": "a"}, "reason": "a bad list", "by": "ada"}
    first, told = await post(site, f"{PLAYBOOK}/trigger", body)
    second, again = await post(site, f"{PLAYBOOK}/trigger", body)
    assert (first, second) == (201, 200)
    assert told["name"] == again["name"]
    assert told["incident"]["trigger"] == {"kind": "manual", "by": "ada", "reason": "a bad list"}
    assert len(site.door.server.writes) == 1


async def test_labels_may_have_the_names_that_alerts_use(site: Web) -> None:
    body = {"labels": {"campaign_id": "a"}}
    status, told = await post(site, f"{PLAYBOOK}/plan", body)
    assert (status, told["identity"]) == (200, {"campaign": "a"})
    status, told = await post(site, f"{PLAYBOOK}/trigger", body)
    assert (status, told["incident"]["identity"]) == (201, {"campaign": "a"})


async def test_labels_that_no_template_uses_change_nothing(site: Web) -> None:
    for extra in ({}, {"pod": "x"}):
        await post(site, f"{PLAYBOOK}/trigger", {"labels": {"campaign": "a"} | extra})
    assert len(site.door.server.stored) == 1


async def test_a_plan_of_what_can_not_be_held_says_why_and_writes_nothing(site: Web) -> None:
    status, told = await post(site, f"{PLAYBOOK}/plan", {"labels": {"campaign": ""}})
    assert status == 200
    assert told["changes"] == []
    assert "campaign" in told["problems"][0]
    status, told = await post(site, f"{PLAYBOOK}/plan", {"labels": {"campaign": "a"}})
    assert "no ConfigMap" in told["problems"][0]
    assert site.door.server.writes == []


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", f"{PLAYBOOK}/trigger"),
        ("POST", f"{PLAYBOOK}/plan"),
        ("GET", "/api/v1/incidents"),
        ("GET", "/api/v1/incidents/mail/x"),
    ],
)
async def test_while_it_is_not_ready_nothing_is_guessed(site: Web, method: str, path: str) -> None:
    """An empty view would say that nothing is open, and that nothing is there to be held."""
    site.waiting.append("the watch of deployments in mail is not in sync")
    answer = await site.ask(method, path, json={"labels": {"campaign": "a"}})
    assert answer.status == 503
    assert "watch of deployments" in await answer.text()
    assert int(answer.headers["Retry-After"]) > 0


@pytest.mark.parametrize(
    ("failure", "status"),
    [(unavailable("refused"), 503), (Denied("no rights", status=403), 502)],
)
async def test_a_trigger_that_the_cluster_does_not_take_is_told(
    site: Web,
    failure: ApiFailure,
    status: int,
) -> None:
    site.door.server.fail(failure)
    assert (await post(site, f"{PLAYBOOK}/trigger", {"labels": {"campaign": "a"}}))[0] == status


async def test_incidents_are_told_the_newest_last(site: Web) -> None:
    for campaign in ("b", "a"):
        await post(site, f"{PLAYBOOK}/trigger", {"labels": {"campaign": campaign}})
    told = await (await site.ask("GET", "/api/v1/incidents")).json()
    assert [each["identity"]["campaign"] for each in told] == ["b", "a"]
    one = await (await site.ask("GET", f"/api/v1/incidents/mail/{told[0]['name']}")).json()
    assert one == told[0]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v1/incidents/mail/nowhere", 404),
        ("GET", "/api/v1/incidents/other/nowhere", 404),
        ("POST", "/api/v1/incidents/mail/nowhere/release", 404),
        ("POST", "/api/v1/incidents/other/x/release", 404),
        ("GET", "/nowhere", 404),
        ("GET", f"{PLAYBOOK}/trigger", 405),
        ("PUT", "/webhooks/alertmanager", 405),
        ("DELETE", "/api/v1/incidents/mail/x", 405),
    ],
)
async def test_what_is_not_there_is_a_problem_like_any_other(
    site: Web, method: str, path: str, status: int
) -> None:
    answer = await site.ask(method, path, json={})
    assert answer.status == status
    assert answer.content_type == "application/problem+json"
    assert ("Allow" in answer.headers) is (status == 405)


async def test_a_release_notes_who_and_why_once(site: Web) -> None:
    await site.ask("POST", "/webhooks/alertmanager", json=notification(alert()))
    (name,) = site.door.server.stored
    path = f"/api/v1/incidents/mail/{name}/release"
    status, told = await post(site, path, {"by": "ada", "reason": "the list is clean"})
    assert status == 200
    assert (told["release"]["by"], told["release"]["reason"]) == ("ada", "the list is clean")
    status, told = await post(site, path, {})
    assert told["release"]["by"] == "ada"
    assert len(site.door.server.writes) == 2
    assert (await post(site, path, {"by": "x" * 5000}))[0] == 400

"""Events: written as events.k8s.io, shown by core too."""

from typing import Any

import pytest

from tests.contract.servers import MERGE, Answer, Api


def event(namespace: str, **changes: Any) -> dict[str, Any]:  # noqa: ANN401
    about = {"apiVersion": "v1", "kind": "ConfigMap", "name": "c", "namespace": namespace}
    return {
        "metadata": {"name": "e"},
        "eventTime": "2026-01-01T00:00:00.000001Z",
        "reportingController": "contract.test/suite",
        "reportingInstance": "one",
        "action": "Hold",
        "reason": "Held",
        "type": "Normal",
        "note": "it is held",
        "regarding": about,
        **changes,
    }


def path(api: Api, name: str = "") -> str:
    return f"/apis/events.k8s.io/v1/namespaces/{api.namespace}/events" + (name and f"/{name}")


async def test_event_is_shown_by_core(api: Api) -> None:
    made = await api.ask("POST", path(api), event(api.namespace))
    assert made.code == 201, made
    shown = (await api.get("events", "e")).body
    assert (shown["kind"], shown["apiVersion"]) == ("Event", "v1")
    assert (shown["message"], shown["involvedObject"]["name"]) == ("it is held", "c")
    assert shown["reportingComponent"] == "contract.test/suite"


async def test_events_are_found_by_what_they_are_about(api: Api) -> None:
    await api.ask("POST", path(api), event(api.namespace))
    found = (await api.get("events", fieldSelector="involvedObject.name=c")).body["items"]
    assert [item["metadata"]["name"] for item in found] == ["e"]
    none = (await api.get("events", fieldSelector="involvedObject.name=other")).body["items"]
    assert none == []


async def test_series_of_an_event_is_patched(api: Api) -> None:
    await api.ask("POST", path(api), event(api.namespace))
    series = {"count": 3, "lastObservedTime": "2026-01-01T00:00:09.000001Z"}
    content = "application/merge-patch+json"
    answer = await api.ask("PATCH", path(api, "e"), {"series": series}, content=content)
    assert (answer.code, answer.body["series"]) == (200, series)


@pytest.mark.parametrize("time", ["2026-01-01T00:00:00Z", "2026-01-01T00:00:00.001Z"])
async def test_time_of_an_event_has_six_digits(api: Api, time: str) -> None:
    answer = await api.ask("POST", path(api), event(api.namespace, eventTime=time))
    assert answer.code == 400


@pytest.mark.parametrize(
    "changes",
    [{"note": "x" * 1025}, {"type": "Odd"}, {"action": ""}, {"reason": ""}],
    ids=["note", "type", "action", "reason"],
)
async def test_event_is_validated(api: Api, changes: dict[str, str]) -> None:
    answer = await api.ask("POST", path(api), event(api.namespace, **changes))
    assert (answer.code, answer.status["reason"]) == (422, "Invalid")


def fields(answer: Answer) -> set[str]:
    assert (answer.code, answer.status["reason"]) == (422, "Invalid")
    return {cause["field"] for cause in answer.status["details"]["causes"]}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"note": "other"}, "message"),
        ({"reason": "Other"}, "reason"),
        ({"action": "Other"}, "action"),
        ({"type": "Warning"}, "type"),
        ({"regarding": {"name": "other"}}, "involvedObject"),
        ({"eventTime": "2026-01-01T00:00:00.000002Z"}, "eventTime"),
    ],
)
async def test_only_the_series_of_an_event_changes(api: Api, change: Any, field: str) -> None:  # noqa: ANN401
    await api.ask("POST", path(api), event(api.namespace))
    assert fields(await api.ask("PATCH", path(api, "e"), change, content=MERGE)) == {field}


@pytest.mark.parametrize(
    ("series", "field"),
    [
        ({"count": 1, "lastObservedTime": "2026-01-01T00:00:00.000000Z"}, "series.count"),
        ({"count": 2}, "series.lastObservedTime"),
    ],
)
async def test_series_is_of_several(api: Api, series: dict[str, Any], field: str) -> None:
    await api.ask("POST", path(api), event(api.namespace))
    answer = await api.ask("PATCH", path(api, "e"), {"series": series}, content=MERGE)
    assert fields(answer) == {field}


async def test_event_of_what_is_in_no_namespace_is_in_the_default_one(api: Api) -> None:
    about = {"apiVersion": "contract.test/v1", "kind": "Widget", "name": "w"}
    answer = await api.ask("POST", path(api), event(api.namespace, regarding=about))
    assert fields(answer) == {"involvedObject.namespace"}
    other = {**about, "namespace": "default"}
    answer = await api.ask("POST", path(api), event(api.namespace, regarding=other))
    assert answer.code == 201


async def test_event_of_core_is_where_what_it_is_about_is(api: Api) -> None:
    about = {"apiVersion": "v1", "kind": "ConfigMap", "name": "c", "namespace": "default"}
    body = {"metadata": {"name": "core"}, "involvedObject": about, "type": "Normal"}
    answer = await api.ask("POST", api.at("events"), body)
    assert fields(answer) == {"involvedObject.namespace"}


@pytest.mark.parametrize("key", ["action", "reason", "reportingInstance"])
async def test_words_of_an_event_are_short(api: Api, key: str) -> None:
    assert (await api.ask("POST", path(api), event(api.namespace, **{key: "x" * 128}))).code == 201
    answer = await api.ask("POST", path(api), event(api.namespace, **{key: "x" * 129}))
    assert fields(answer) == {key}


async def test_event_has_a_time(api: Api) -> None:
    answer = await api.ask("POST", path(api), event(api.namespace, eventTime=None))
    assert fields(answer) == {"eventTime"}

"""Events: written as events.k8s.io, shown by core too."""

from typing import Any

import pytest

from tests.contract.servers import Api


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

"""Lists with selectors and pages, and watches that miss nothing."""

import itertools
from collections.abc import Iterator

import pytest

from tests.contract.server import Json, Server

PARTIAL = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
TABLE = "application/json;as=Table;g=meta.k8s.io;v=v1"


def add(server: Server, name: str, **labels: str) -> Json:
    body = {"metadata": {"name": name, "labels": labels}, "data": {"x": "1"}}
    return server.create(server.path("configmaps"), body).ok()


@pytest.fixture
def three(server: Server) -> str:
    add(server, "a", tier="one", env="live")
    add(server, "b", tier="two")
    add(server, "c", tier="one")
    return server.path("configmaps")


def names(answer: Json) -> list[str]:
    return [item["metadata"]["name"] for item in answer["items"]]


def test_a_list_is_in_order_and_has_a_version(server: Server, three: str) -> None:
    found = server.get(three).ok()
    assert names(found) == ["a", "b", "c"]
    assert (found["kind"], found["apiVersion"]) == ("ConfigMapList", "v1")
    newest = max(int(item["metadata"]["resourceVersion"]) for item in found["items"])
    assert int(found["metadata"]["resourceVersion"]) >= newest


SELECTORS = {
    "tier=one": ["a", "c"],
    "tier==two": ["b"],
    "tier!=one": ["b"],
    "env": ["a"],
    "!env": ["b", "c"],
    "tier in (one,two),env": ["a"],
    "tier notin (one)": ["b"],
    "tier=one,env!=live": ["c"],
    "tier=three": [],
}


@pytest.mark.parametrize(("selector", "found"), SELECTORS.items(), ids=SELECTORS.keys())
def test_a_label_selector_chooses(
    server: Server, three: str, selector: str, found: list[str]
) -> None:
    assert names(server.get(three, labelSelector=selector).ok()) == found


@pytest.mark.parametrize("selector", ["tier=one=two", "tier in one", "=x"])
def test_a_selector_that_is_none_is_a_bad_request(
    server: Server, three: str, selector: str
) -> None:
    assert server.get(three, labelSelector=selector).status == 400


def test_a_field_selector_chooses_by_name(server: Server, three: str) -> None:
    assert names(server.get(three, fieldSelector="metadata.name=b").ok()) == ["b"]
    assert names(server.get(three, fieldSelector="metadata.name!=b").ok()) == ["a", "c"]


def test_a_list_comes_in_pages(server: Server, three: str) -> None:
    first = server.get(three, limit="2").ok()
    assert names(first) == ["a", "b"]
    assert first["metadata"]["remainingItemCount"] == 1
    rest = server.get(three, **{"limit": "2", "continue": first["metadata"]["continue"]}).ok()
    assert names(rest) == ["c"]
    assert not rest["metadata"].get("continue")
    assert rest["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]


def test_a_continue_that_is_none_is_a_bad_request(server: Server, three: str) -> None:
    assert server.get(three, **{"limit": "1", "continue": "junk"}).status == 400


def test_metadata_alone_can_be_asked_for(server: Server, three: str) -> None:
    found = server.send("GET", three, accept=PARTIAL).ok()
    assert found["kind"] == "PartialObjectMetadataList"
    assert names(found) == ["a", "b", "c"]
    assert all("data" not in item for item in found["items"])


def test_a_table_can_be_asked_for(server: Server, three: str) -> None:
    found = server.send("GET", three, accept=TABLE).ok()
    assert found["kind"] == "Table"
    columns = [column["name"] for column in found["columnDefinitions"]]
    assert columns == ["Name", "Data", "Age"]
    assert [row["cells"][:2] for row in found["rows"]] == [["a", 1], ["b", 1], ["c", 1]]


# -- watches


def told(events: Iterator[Json], count: int) -> list[tuple[str, str]]:
    return [
        (event["type"], event["object"]["metadata"]["name"])
        for event in itertools.islice(events, count)
    ]


def test_a_watch_from_a_version_tells_what_came_after_it(server: Server, three: str) -> None:
    version = server.get(three).ok()["metadata"]["resourceVersion"]
    with server.watching(three, resourceVersion=version) as events:
        add(server, "d")
        server.patch(server.path("configmaps", "a"), {"data": {"x": "2"}}).ok()
        server.delete(server.path("configmaps", "b")).ok()
        assert told(events, 3) == [("ADDED", "d"), ("MODIFIED", "a"), ("DELETED", "b")]


def test_a_watch_resumes_without_a_gap(server: Server, three: str) -> None:
    version = server.get(three).ok()["metadata"]["resourceVersion"]
    add(server, "d")
    changed = server.patch(server.path("configmaps", "d"), {"data": {"x": "2"}}).ok()
    with server.watching(three, resourceVersion=version) as events:
        assert told(events, 2) == [("ADDED", "d"), ("MODIFIED", "d")]
    at = changed["metadata"]["resourceVersion"]
    with server.watching(three, resourceVersion=at) as events:
        server.delete(server.path("configmaps", "d")).ok()
        assert told(events, 1) == [("DELETED", "d")]


def test_a_watch_without_a_version_begins_with_what_is_there(server: Server, three: str) -> None:
    with server.watching(three) as events:
        assert sorted(told(events, 3)) == [("ADDED", "a"), ("ADDED", "b"), ("ADDED", "c")]
        add(server, "d")
        assert told(events, 1) == [("ADDED", "d")]


def test_initial_events_end_with_a_bookmark(server: Server, three: str) -> None:
    with server.watching(
        three,
        sendInitialEvents="true",
        resourceVersionMatch="NotOlderThan",
        allowWatchBookmarks="true",
    ) as events:
        found = list(itertools.islice(events, 4))
        assert [event["type"] for event in found] == ["ADDED", "ADDED", "ADDED", "BOOKMARK"]
        metadata = found[3]["object"]["metadata"]
        assert metadata["annotations"] == {"k8s.io/initial-events-end": "true"}
        newest = max(int(e["object"]["metadata"]["resourceVersion"]) for e in found[:3])
        assert int(metadata["resourceVersion"]) >= newest
        add(server, "d")
        assert told(events, 1) == [("ADDED", "d")]


def test_initial_events_need_to_say_how_old_they_may_be(server: Server, three: str) -> None:
    answer = server.get(three, watch="1", sendInitialEvents="true", allowWatchBookmarks="true")
    assert (answer.status, answer.reason) == (422, "Invalid")


def test_a_watch_ends_after_the_time_that_was_asked_for(server: Server, three: str) -> None:
    version = server.get(three).ok()["metadata"]["resourceVersion"]
    with server.watching(three, resourceVersion=version, timeoutSeconds="1") as events:
        assert list(events) == []


def test_a_watch_with_a_selector_tells_what_enters_and_leaves(server: Server, three: str) -> None:
    version = server.get(three).ok()["metadata"]["resourceVersion"]
    path = server.path("configmaps", "a")
    with server.watching(three, resourceVersion=version, labelSelector="tier=one") as events:
        server.patch(server.path("configmaps", "b"), {"data": {"x": "2"}}).ok()
        left = server.patch(path, {"metadata": {"labels": {"tier": "two"}}}).ok()
        server.patch(path, {"metadata": {"labels": {"tier": "one"}}}).ok()
        found = list(itertools.islice(events, 2))
    assert [event["type"] for event in found] == ["DELETED", "ADDED"]
    gone = found[0]["object"]["metadata"]
    assert gone["labels"]["tier"] == "one"  # as it was
    assert gone["resourceVersion"] == left["metadata"]["resourceVersion"]


def test_a_deletion_is_told_with_the_last_state_under_a_new_version(
    server: Server, three: str
) -> None:
    listed = server.get(three).ok()
    with server.watching(three, resourceVersion=listed["metadata"]["resourceVersion"]) as events:
        server.delete(server.path("configmaps", "c")).ok()
        (event,) = itertools.islice(events, 1)
    assert event["object"]["data"] == {"x": "1"}
    last = int(listed["items"][2]["metadata"]["resourceVersion"])
    assert int(event["object"]["metadata"]["resourceVersion"]) > last


def test_one_object_can_be_watched(server: Server, three: str) -> None:
    version = server.get(three).ok()["metadata"]["resourceVersion"]
    field = "metadata.name=b"
    with server.watching(three, resourceVersion=version, fieldSelector=field) as events:
        server.patch(server.path("configmaps", "a"), {"data": {"x": "2"}}).ok()
        server.patch(server.path("configmaps", "b"), {"data": {"x": "2"}}).ok()
        assert told(events, 1) == [("MODIFIED", "b")]


def test_another_namespaces_changes_are_not_told(server: Server, three: str) -> None:
    version = server.get(three).ok()["metadata"]["resourceVersion"]
    with server.watching(three, resourceVersion=version) as events:
        body = {"metadata": {"name": f"of-another-{server.namespace}"}}
        server.create("/api/v1/namespaces/default/configmaps", body).ok()
        add(server, "d")
        assert told(events, 1) == [("ADDED", "d")]
    server.delete(f"/api/v1/namespaces/default/configmaps/of-another-{server.namespace}")


def test_a_list_at_a_version_that_is_forgotten_is_gone(server: Server, three: str) -> None:
    exact = {"resourceVersion": "1", "resourceVersionMatch": "Exact"}
    server.forget()
    answer = server.get(three, **exact)
    assert (answer.status, answer.reason) == (410, "Expired")

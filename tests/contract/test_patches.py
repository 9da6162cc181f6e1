"""The ways to change a part of an object, and optimistic concurrency in all of them."""

from typing import Any

import pytest

from tests.contract.server import JSON_PATCH, MERGE, STRATEGIC, Json, Server


@pytest.fixture
def config_map(server: Server) -> str:
    """Its path; with data x, y and one annotation."""
    body = {
        "metadata": {"name": "a", "annotations": {"team": "mail"}},
        "data": {"x": "1", "y": "2"},
    }
    server.create(server.path("configmaps"), body).ok()
    return server.path("configmaps", "a")


@pytest.fixture
def deployment(server: Server) -> str:
    labels = {"app": "sender"}
    body = {
        "metadata": {"name": "d"},
        "spec": {
            "replicas": 3,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {
                    "containers": [
                        {"name": "one", "image": "none.invalid/one"},
                        {"name": "two", "image": "none.invalid/two"},
                    ]
                },
            },
        },
    }
    server.create(server.path("deployments", api="apps/v1"), body).ok()
    return server.path("deployments", "d", api="apps/v1")


def test_a_merge_patch_sets_adds_and_removes(server: Server, config_map: str) -> None:
    answer = server.patch(config_map, {"data": {"x": "9", "y": None, "z": "3"}})
    assert answer.json["data"] == {"x": "9", "z": "3"}
    assert answer.json["metadata"]["annotations"] == {"team": "mail"}


def test_a_merge_patch_at_the_present_version_is_taken(server: Server, config_map: str) -> None:
    version = server.get(config_map).json["metadata"]["resourceVersion"]
    patch = {"metadata": {"resourceVersion": version}, "data": {"x": "2"}}
    answer = server.patch(config_map, patch)
    assert answer.json["data"]["x"] == "2"
    assert answer.version > int(version)


def test_a_merge_patch_at_an_old_version_is_a_conflict(server: Server, config_map: str) -> None:
    version = server.get(config_map).json["metadata"]["resourceVersion"]
    server.patch(config_map, {"data": {"x": "2"}}).ok()
    patch = {"metadata": {"resourceVersion": version}, "data": {"x": "3"}}
    answer = server.patch(config_map, patch)
    assert (answer.status, answer.reason) == (409, "Conflict")
    assert answer.json["details"] == {"name": "a", "kind": "configmaps"}
    assert server.get(config_map).json["data"]["x"] == "2"


def test_without_a_version_the_last_patch_wins(server: Server, config_map: str) -> None:
    for value in ("2", "3"):
        server.patch(config_map, {"data": {"x": value}}).ok()
    assert server.get(config_map).json["data"]["x"] == "3"


def test_a_patch_that_changes_nothing_is_no_new_version(server: Server, config_map: str) -> None:
    before = server.get(config_map).json
    assert server.patch(config_map, {"data": {"x": "1"}}).json == before


def test_a_patch_of_what_is_not_there_is_not_found(server: Server) -> None:
    answer = server.patch(server.path("configmaps", "nowhere"), {"data": {"x": "1"}})
    assert (answer.status, answer.reason) == (404, "NotFound")


@pytest.mark.parametrize("field", ["name", "namespace"])
def test_a_patch_may_not_move_an_object(server: Server, config_map: str, field: str) -> None:
    assert server.patch(config_map, {"metadata": {field: "other"}}).status in (400, 422)


def test_the_uid_never_changes(server: Server, config_map: str) -> None:
    answer = server.patch(config_map, {"metadata": {"uid": "another"}})
    assert (answer.status, set(answer.causes)) == (422, {"metadata.uid"})


def test_an_unknown_kind_of_patch_is_not_supported(server: Server, config_map: str) -> None:
    answer = server.patch(config_map, {"data": {}}, content_type="application/json")
    assert (answer.status, answer.reason) == (415, "UnsupportedMediaType")


# -- JSON patches

APPLIED: dict[str, tuple[list[Json], Json]] = {
    "add": ([{"op": "add", "path": "/data/z", "value": "3"}], {"x": "1", "y": "2", "z": "3"}),
    "replace": ([{"op": "replace", "path": "/data/x", "value": "9"}], {"x": "9", "y": "2"}),
    "remove": ([{"op": "remove", "path": "/data/x"}], {"y": "2"}),
    "copy": (
        [{"op": "copy", "from": "/data/x", "path": "/data/z"}],
        {"x": "1", "y": "2", "z": "1"},
    ),
    "move": ([{"op": "move", "from": "/data/x", "path": "/data/z"}], {"y": "2", "z": "1"}),
    "test-and-replace": (
        [
            {"op": "test", "path": "/data/x", "value": "1"},
            {"op": "replace", "path": "/data/x", "value": "5"},
        ],
        {"x": "5", "y": "2"},
    ),
}


@pytest.mark.parametrize(("patch", "left"), APPLIED.values(), ids=APPLIED.keys())
def test_a_json_patch_does_as_it_says(
    server: Server, config_map: str, patch: list[Json], left: Json
) -> None:
    answer = server.patch(config_map, patch, content_type=JSON_PATCH)
    assert answer.json["data"] == left


def test_a_test_that_fails_is_invalid_and_changes_nothing(server: Server, config_map: str) -> None:
    patch = [
        {"op": "replace", "path": "/data/y", "value": "9"},
        {"op": "test", "path": "/data/x", "value": "7"},
    ]
    answer = server.patch(config_map, patch, content_type=JSON_PATCH)
    assert (answer.status, answer.reason) == (422, "Invalid")
    assert server.get(config_map).json["data"] == {"x": "1", "y": "2"}


NO_PATCHES: dict[str, Any] = {
    "no-list": {"op": "add"},
    "an-unknown-operation": [{"op": "frob", "path": "/data/x"}],
}


@pytest.mark.parametrize("patch", NO_PATCHES.values(), ids=NO_PATCHES.keys())
def test_what_is_no_json_patch_is_refused(server: Server, config_map: str, patch: Any) -> None:  # noqa: ANN401 -- a table
    assert server.patch(config_map, patch, content_type=JSON_PATCH).status in (400, 422)


# -- strategic merge patches


def test_a_strategic_patch_merges_a_list_by_its_key(server: Server, deployment: str) -> None:
    containers = [{"name": "two", "image": "none.invalid/new"}]
    patch = {"spec": {"template": {"spec": {"containers": containers}}}}
    answer = server.patch(deployment, patch, content_type=STRATEGIC)
    found = answer.json["spec"]["template"]["spec"]["containers"]
    images = {item["name"]: item["image"] for item in found}
    assert images == {"one": "none.invalid/one", "two": "none.invalid/new"}


def test_a_merge_patch_replaces_the_same_list(server: Server, deployment: str) -> None:
    containers = [{"name": "two", "image": "none.invalid/new"}]
    patch = {"spec": {"template": {"spec": {"containers": containers}}}}
    answer = server.patch(deployment, patch, content_type=MERGE)
    found = answer.json["spec"]["template"]["spec"]["containers"]
    assert [item["name"] for item in found] == ["two"]


def test_a_strategic_patch_may_delete_from_a_list(server: Server, deployment: str) -> None:
    containers = [{"name": "two", "$patch": "delete"}]
    patch = {"spec": {"template": {"spec": {"containers": containers}}}}
    answer = server.patch(deployment, patch, content_type=STRATEGIC)
    found = answer.json["spec"]["template"]["spec"]["containers"]
    assert [item["name"] for item in found] == ["one"]


# -- generations


def test_a_deployments_generation_counts_spec_and_annotations(
    server: Server, deployment: str
) -> None:
    assert server.get(deployment).json["metadata"]["generation"] == 1
    changed = server.patch(deployment, {"spec": {"replicas": 4}})
    assert changed.json["metadata"]["generation"] == 2
    annotated = server.patch(deployment, {"metadata": {"annotations": {"a": "b"}}})
    assert annotated.json["metadata"]["generation"] == 3
    labelled = server.patch(deployment, {"metadata": {"labels": {"a": "b"}}})
    assert labelled.json["metadata"]["generation"] == 3


# -- the status and the scale


def test_the_status_changes_through_its_subresource_alone(server: Server, deployment: str) -> None:
    ignored = server.patch(deployment, {"status": {"replicas": 7}})
    assert ignored.json.get("status", {}).get("replicas") is None
    status = {"replicas": 3, "readyReplicas": 2}
    answer = server.patch(f"{deployment}/status", {"status": status, "spec": {"replicas": 9}})
    assert answer.json["status"]["readyReplicas"] == 2
    assert answer.json["spec"]["replicas"] == 3
    kept = server.patch(deployment, {"spec": {"replicas": 5}})
    assert kept.json["status"]["readyReplicas"] == 2


def test_a_patch_of_the_status_at_an_old_version_is_a_conflict(
    server: Server, deployment: str
) -> None:
    version = server.get(deployment).json["metadata"]["resourceVersion"]
    server.patch(deployment, {"spec": {"replicas": 4}}).ok()
    patch = {"metadata": {"resourceVersion": version}, "status": {"replicas": 1}}
    assert server.patch(f"{deployment}/status", patch).status == 409


def test_the_scale_tells_and_sets_the_replicas(server: Server, deployment: str) -> None:
    scale = server.get(f"{deployment}/scale").ok()
    assert (scale["kind"], scale["spec"]) == ("Scale", {"replicas": 3})
    assert scale["status"]["selector"] == "app=sender"
    answer = server.patch(f"{deployment}/scale", {"spec": {"replicas": 6}})
    assert answer.json["spec"] == {"replicas": 6}
    assert server.get(deployment).json["spec"]["replicas"] == 6
    old = server.put(f"{deployment}/scale", {**scale, "spec": {"replicas": 7}})
    assert old.status == 409

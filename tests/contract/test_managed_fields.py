"""managedFields, as far as the rules of the ledger look at them."""

from collections.abc import Sequence

import pytest

from tests.contract.server import Json, Server

Owners = dict[tuple[str, str, str], set[str]]


def owners(body: Json, *path: str) -> set[str]:
    """Name the managers that a field belongs to."""
    found = set()
    for entry in body["metadata"].get("managedFields", ()):
        at = entry["fieldsV1"]
        for step in path:
            at = at.get(f"f:{step}") if isinstance(at, dict) else None
        if at is not None:
            found.add(entry["manager"])
    return found


def entry_of(body: Json, manager: str) -> Json:
    (found,) = [e for e in body["metadata"]["managedFields"] if e["manager"] == manager]
    return dict(found)


@pytest.fixture
def path(server: Server) -> str:
    body = {"metadata": {"name": "a", "annotations": {"team": "mail"}}, "data": {"x": "1"}}
    server.create(server.path("configmaps"), body, fieldManager="maker").ok()
    return server.path("configmaps", "a")


def change(server: Server, path: str, data: Json, *, by: str) -> Json:
    return server.patch(path, {"data": data}, fieldManager=by).ok()


def test_who_creates_owns_everything(server: Server, path: str) -> None:
    body = server.get(path).json
    entry = entry_of(body, "maker")
    assert (entry["operation"], entry["apiVersion"]) == ("Update", "v1")
    assert entry["fieldsType"] == "FieldsV1"
    assert entry["time"].endswith("Z")
    assert entry["fieldsV1"] == {
        "f:data": {".": {}, "f:x": {}},
        "f:metadata": {"f:annotations": {".": {}, "f:team": {}}},
    }


def test_without_a_field_manager_the_user_agent_counts(server: Server) -> None:
    server.send(
        "POST",
        server.path("configmaps"),
        {"metadata": {"name": "b"}, "data": {"x": "1"}},
        agent="some-tool/1.0 (linux)",
    ).ok()
    body = server.get(server.path("configmaps", "b")).json
    assert owners(body, "data", "x") == {"some-tool"}


def test_who_changes_a_value_owns_it_and_nobody_else(server: Server, path: str) -> None:
    body = change(server, path, {"x": "2"}, by="ours")
    assert owners(body, "data", "x") == {"ours"}
    assert owners(body, "metadata", "annotations", "team") == {"maker"}


def test_writing_the_value_that_stands_there_changes_no_owner(server: Server, path: str) -> None:
    body = change(server, path, {"x": "1", "y": "2"}, by="ours")
    assert owners(body, "data", "x") == {"maker"}
    assert owners(body, "data", "y") == {"ours"}


def test_what_is_removed_is_nobodys(server: Server, path: str) -> None:
    change(server, path, {"y": "2"}, by="ours")
    body = change(server, path, {"y": None}, by="somebody")
    assert owners(body, "data", "y") == set()
    assert [e["manager"] for e in body["metadata"]["managedFields"]] == ["maker"]


def test_an_entry_can_be_dropped_by_a_patch_of_managed_fields(server: Server, path: str) -> None:
    body = change(server, path, {"y": "2"}, by="ours")
    kept = [e for e in body["metadata"]["managedFields"] if e["manager"] != "ours"]
    body = server.patch(path, {"metadata": {"managedFields": kept}}, fieldManager="ours").ok()
    assert owners(body, "data", "y") == set()
    assert body["data"]["y"] == "2"


@pytest.mark.parametrize("entries", [[], [{}]], ids=["an-empty-list", "one-empty-entry"])
def test_an_empty_list_and_one_empty_entry_take_all_away(
    server: Server, path: str, entries: list[Json]
) -> None:
    body = server.patch(path, {"metadata": {"managedFields": entries}}).ok()
    assert "managedFields" not in body["metadata"]
    # And from then on nothing is managed, until somebody applies.
    body = change(server, path, {"x": "5"}, by="ours")
    assert "managedFields" not in body["metadata"]


def test_a_replacement_without_managed_fields_keeps_them(server: Server, path: str) -> None:
    body = server.get(path).json
    del body["metadata"]["managedFields"]
    body["data"]["y"] = "2"
    found = server.put(path, body, fieldManager="ours").ok()
    assert owners(found, "data", "x") == {"maker"}
    assert owners(found, "data", "y") == {"ours"}


def test_a_subresource_is_an_entry_of_its_own(server: Server) -> None:
    labels = {"app": "sender"}
    container = {"name": "one", "image": "none.invalid/one"}
    body = {
        "metadata": {"name": "d"},
        "spec": {
            "replicas": 3,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }
    path = server.path("deployments", "d", api="apps/v1")
    server.create(server.path("deployments", api="apps/v1"), body, fieldManager="maker").ok()
    server.patch(f"{path}/scale", {"spec": {"replicas": 5}}, fieldManager="scaler").ok()
    found = server.get(path).json
    entry = entry_of(found, "scaler")
    assert (entry["subresource"], entry["operation"]) == ("scale", "Update")
    assert owners(found, "spec", "replicas") == {"scaler"}


def test_the_same_manager_by_update_and_by_apply_is_two(server: Server, path: str) -> None:
    change(server, path, {"y": "1"}, by="ours")
    manifest = {"apiVersion": "v1", "kind": "ConfigMap", "data": {"z": "1"}}
    body = server.apply(path, manifest, by="ours").ok()
    operations = {
        e["operation"] for e in body["metadata"]["managedFields"] if e["manager"] == "ours"
    }
    assert operations == {"Update", "Apply"}


# -- server-side apply


def manifest(data: Json, *, annotations: Json | None = None) -> Json:
    metadata: Json = {"name": "a", **({"annotations": annotations} if annotations else {})}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def test_an_apply_creates_what_is_not_there(server: Server) -> None:
    answer = server.apply(server.path("configmaps", "a"), manifest({"x": "1"}), by="flux")
    assert answer.status == 201
    entry = entry_of(answer.json, "flux")
    assert entry["operation"] == "Apply"
    assert (
        server.apply(server.path("configmaps", "a"), manifest({"x": "1"}), by="flux").status == 200
    )


def test_an_apply_needs_a_field_manager(server: Server, path: str) -> None:
    content = "application/apply-patch+yaml"
    answer = server.patch(path, manifest({"x": "1"}), content_type=content)
    assert answer.status in (400, 422)
    assert "fieldManager" in answer.text


def test_an_apply_of_what_another_changed_conflicts(server: Server, path: str) -> None:
    server.apply(path, manifest({"x": "1"}), by="flux").ok()
    change(server, path, {"x": "2"}, by="ours")
    answer = server.apply(path, manifest({"x": "1"}), by="flux")
    assert (answer.status, answer.reason) == (409, "Conflict")
    assert answer.causes == [".data.x"]
    assert '"ours"' in answer.json["message"]
    assert server.get(path).json["data"] == {"x": "2"}


def test_by_force_it_takes_what_it_names(server: Server, path: str) -> None:
    change(server, path, {"x": "2"}, by="ours")
    body = server.apply(path, manifest({"x": "1"}), by="flux", force="true").ok()
    assert body["data"] == {"x": "1"}
    assert owners(body, "data", "x") == {"flux"}


def test_an_apply_of_the_same_value_is_shared(server: Server, path: str) -> None:
    body = server.apply(path, manifest({"x": "1"}), by="flux").ok()
    assert owners(body, "data", "x") == {"maker", "flux"}


def test_what_an_applier_no_longer_names_is_removed(server: Server, path: str) -> None:
    server.apply(path, manifest({"y": "1", "z": "1"}), by="flux").ok()
    body = server.apply(path, manifest({"z": "1"}), by="flux").ok()
    assert body["data"] == {"x": "1", "z": "1"}


def test_what_somebody_else_owns_too_stays(server: Server, path: str) -> None:
    server.apply(path, manifest({"x": "1", "z": "1"}), by="flux").ok()
    body = server.apply(path, manifest({"z": "1"}), by="flux").ok()
    assert body["data"] == {"x": "1", "z": "1"}
    assert owners(body, "data", "x") == {"maker"}


def test_after_a_give_back_and_its_tidying_the_owner_applies_without_conflict(
    server: Server, path: str
) -> None:
    server.apply(path, manifest({"x": "1"}, annotations={"team": "mail"}), by="flux").ok()
    change(server, path, {"x": "0"}, by="campaign-responder")
    body = change(server, path, {"x": "1"}, by="campaign-responder-give-back")
    kept: Sequence[Json] = [
        e for e in body["metadata"]["managedFields"] if "responder" not in e["manager"]
    ]
    server.patch(path, {"metadata": {"managedFields": kept}}).ok()
    answer = server.apply(path, manifest({"x": "3"}, annotations={"team": "mail"}), by="flux")
    assert answer.status == 200, answer.text

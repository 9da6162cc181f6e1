"""Creating, reading, replacing and deleting objects, and what is refused of it."""

import pytest

from tests.contract.server import Json, Server

LONG = "a" * 254


def config_map(name: str = "a", **data: str) -> Json:
    return {"metadata": {"name": name}, "data": data or {"x": "1"}}


def test_a_created_object_is_given_back_with_what_the_server_adds(server: Server) -> None:
    path = server.path("configmaps")
    answer = server.create(path, config_map())
    assert answer.status == 201
    made = answer.json
    assert (made["kind"], made["apiVersion"]) == ("ConfigMap", "v1")
    assert made["data"] == {"x": "1"}
    metadata = made["metadata"]
    assert metadata["namespace"] == server.namespace
    assert metadata["uid"]
    assert metadata["creationTimestamp"].endswith("Z")
    assert int(metadata["resourceVersion"]) > 0
    assert server.get(server.path("configmaps", "a")).json == made


def test_what_a_client_may_not_set_is_set_by_the_server(server: Server) -> None:
    body = config_map()
    body["metadata"] |= {"uid": "mine", "creationTimestamp": "2001-01-01T00:00:00Z"}
    made = server.create(server.path("configmaps"), body).ok()
    assert made["metadata"]["uid"] != "mine"
    assert not made["metadata"]["creationTimestamp"].startswith("2001")


def test_a_version_on_a_create_is_refused(server: Server) -> None:
    body = config_map()
    body["metadata"]["resourceVersion"] = "1"
    answer = server.create(server.path("configmaps"), body)
    assert (answer.status >= 400, "resourceVersion" in answer.text) == (True, True)


def test_a_second_one_of_the_same_name_is_refused(server: Server) -> None:
    server.create(server.path("configmaps"), config_map()).ok()
    answer = server.create(server.path("configmaps"), config_map())
    assert (answer.status, answer.reason) == (409, "AlreadyExists")
    assert answer.json["message"] == 'configmaps "a" already exists'
    assert answer.json["details"] == {"name": "a", "kind": "configmaps"}


def test_a_generated_name_is_new_each_time(server: Server) -> None:
    body = {"metadata": {"generateName": "part-"}}
    names = {
        server.create(server.path("configmaps"), body).ok()["metadata"]["name"] for _ in range(3)
    }
    assert len(names) == 3
    assert all(name.startswith("part-") and len(name) == len("part-") + 5 for name in names)


@pytest.mark.parametrize("name", ["Upper", "under_score", "-dash", "dot.", LONG, ""])
def test_a_name_that_is_none_is_invalid(server: Server, name: str) -> None:
    answer = server.create(server.path("configmaps"), config_map(name))
    assert (answer.status, answer.reason) == (422, "Invalid")
    assert answer.causes[0] == "metadata.name"
    assert answer.json["details"]["kind"] == "ConfigMap"


def test_what_is_not_there_is_not_found(server: Server) -> None:
    answer = server.get(server.path("configmaps", "nowhere"))
    assert (answer.status, answer.reason) == (404, "NotFound")
    assert answer.json["message"] == 'configmaps "nowhere" not found'
    assert answer.json["kind"] == "Status"
    assert answer.json["status"] == "Failure"


def test_the_group_is_named_where_there_is_one(server: Server) -> None:
    answer = server.get(server.path("deployments", "nowhere", api="apps/v1"))
    assert answer.json["message"] == 'deployments.apps "nowhere" not found'
    assert answer.json["details"] == {"name": "nowhere", "group": "apps", "kind": "deployments"}


def test_in_a_namespace_that_is_not_there_nothing_is_created(server: Server) -> None:
    answer = server.create("/api/v1/namespaces/nowhere/configmaps", config_map())
    assert answer.status == 404
    assert answer.json["message"] == 'namespaces "nowhere" not found'


@pytest.mark.parametrize("path", ["/nowhere", "/apis/no.group/v1/things", "/api/v1/things"])
def test_a_path_that_is_not_served_is_answered_in_plain_text(server: Server, path: str) -> None:
    answer = server.get(path)
    assert answer.status in (403, 404)
    if answer.status == 404:
        assert answer.content_type.startswith("text/plain") or answer.json["reason"] == "NotFound"


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"'])
def test_a_body_that_is_no_object_is_a_bad_request(server: Server, body: bytes) -> None:
    answer = server.send("POST", server.path("configmaps"), body)
    assert (answer.status, answer.reason) == (400, "BadRequest")


def test_a_body_of_another_kind_is_a_bad_request(server: Server) -> None:
    body = {"apiVersion": "apps/v1", "kind": "Deployment", **config_map()}
    assert server.create(server.path("configmaps"), body).status == 400


def test_another_namespace_in_the_body_is_a_bad_request(server: Server) -> None:
    body = config_map()
    body["metadata"]["namespace"] = "another"
    assert server.create(server.path("configmaps"), body).status == 400


def test_a_body_that_is_too_large_is_refused(server: Server) -> None:
    answer = server.create(server.path("configmaps"), config_map(x="a" * (3 * 2**20 + 10)))
    assert (answer.status, answer.reason) == (413, "RequestEntityTooLarge")


def test_labels_and_annotations_are_texts(server: Server) -> None:
    for part in ("labels", "annotations"):
        body = config_map()
        body["metadata"][part] = {"n": 1}
        assert server.create(server.path("configmaps"), body).status == 400


def test_empty_maps_are_left_out(server: Server) -> None:
    body = {"metadata": {"name": "a", "labels": {}, "annotations": {}}, "data": {}}
    made = server.create(server.path("configmaps"), body).ok()
    assert "data" not in made
    assert not {"labels", "annotations"} & made["metadata"].keys()


# -- replacing


def test_a_replacement_leaves_nothing_of_what_was_there(server: Server) -> None:
    made = server.create(server.path("configmaps"), config_map(x="1", y="2")).ok()
    answer = server.put(server.path("configmaps", "a"), config_map(x="3"))
    assert answer.json["data"] == {"x": "3"}
    assert answer.json["metadata"]["uid"] == made["metadata"]["uid"]
    assert answer.version > int(made["metadata"]["resourceVersion"])


def test_a_replacement_at_an_old_version_is_a_conflict(server: Server) -> None:
    made = server.create(server.path("configmaps"), config_map()).ok()
    server.put(server.path("configmaps", "a"), config_map(x="2")).ok()
    answer = server.put(server.path("configmaps", "a"), {**made, "data": {"x": "3"}})
    assert (answer.status, answer.reason) == (409, "Conflict")
    assert "the object has been modified" in answer.json["message"]
    assert server.get(server.path("configmaps", "a")).json["data"] == {"x": "2"}


def test_a_replacement_that_changes_nothing_is_no_new_version(server: Server) -> None:
    made = server.create(server.path("configmaps"), config_map()).ok()
    answer = server.put(server.path("configmaps", "a"), made)
    assert answer.json["metadata"]["resourceVersion"] == made["metadata"]["resourceVersion"]


def test_a_replacement_of_another_name_is_a_bad_request(server: Server) -> None:
    server.create(server.path("configmaps"), config_map()).ok()
    assert server.put(server.path("configmaps", "a"), config_map("b")).status == 400


def test_a_replacement_of_what_is_not_there_is_not_found(server: Server) -> None:
    body = {"metadata": {"name": "l"}, "spec": {}}
    answer = server.put(server.path("horizontalpodautoscalers", "l", api="autoscaling/v2"), body)
    assert answer.status == 404


# -- deleting


def test_a_deletion_says_what_is_gone(server: Server) -> None:
    made = server.create(server.path("configmaps"), config_map()).ok()
    answer = server.delete(server.path("configmaps", "a"))
    assert answer.json["status"] == "Success"
    uid = made["metadata"]["uid"]
    assert answer.json["details"] == {"name": "a", "kind": "configmaps", "uid": uid}
    assert server.get(server.path("configmaps", "a")).status == 404
    assert server.delete(server.path("configmaps", "a")).status == 404


@pytest.mark.parametrize("key", ["uid", "resourceVersion"])
def test_a_deletion_may_have_a_precondition(server: Server, key: str) -> None:
    made = server.create(server.path("configmaps"), config_map()).ok()
    path = server.path("configmaps", "a")
    answer = server.delete(path, {"preconditions": {key: "12345678"}})
    assert (answer.status, answer.reason) == (409, "Conflict")
    assert "in the precondition (12345678) does not match" in answer.json["message"]
    assert server.delete(path, {"preconditions": {key: made["metadata"][key]}}).status == 200


def test_a_finalizer_keeps_what_is_deleted_until_it_is_taken_off(server: Server) -> None:
    body = config_map()
    body["metadata"]["finalizers"] = ["example.org/hold"]
    server.create(server.path("configmaps"), body).ok()
    path = server.path("configmaps", "a")
    answer = server.delete(path)
    assert answer.status == 200
    assert answer.json["kind"] == "ConfigMap"
    assert answer.json["metadata"]["deletionTimestamp"]
    again = server.delete(path)
    assert (
        again.json["metadata"]["deletionTimestamp"]
        == (answer.json["metadata"]["deletionTimestamp"])
    )
    more = {"metadata": {"finalizers": ["example.org/hold", "example.org/more"]}}
    refused = server.patch(path, more)
    assert (refused.status, set(refused.causes)) == (422, {"metadata.finalizers"})
    assert server.patch(path, {"data": {"x": "2"}}).status == 200
    gone = server.patch(path, {"metadata": {"finalizers": None}})
    assert gone.status == 200
    assert server.get(path).status == 404


def test_all_of_a_kind_can_be_deleted_by_label(server: Server) -> None:
    for name, tier in (("a", "one"), ("b", "two"), ("c", "one")):
        body = config_map(name)
        body["metadata"]["labels"] = {"tier": tier}
        server.create(server.path("configmaps"), body).ok()
    assert server.delete(server.path("configmaps"), labelSelector="tier=one").status == 200
    left = server.get(server.path("configmaps"), labelSelector="tier").json["items"]
    assert [item["metadata"]["name"] for item in left] == ["b"]


# -- dry runs


def test_a_dry_run_stores_nothing(server: Server) -> None:
    path = server.path("configmaps", "a")
    dry = server.create(server.path("configmaps"), config_map(), dryRun="All")
    assert dry.status == 201
    assert dry.json["metadata"]["uid"]
    assert server.get(path).status == 404
    made = server.create(server.path("configmaps"), config_map()).ok()
    changed = server.patch(path, {"data": {"x": "2"}}, dryRun="All")
    assert changed.json["data"] == {"x": "2"}
    assert server.delete(path, dryRun="All").status == 200
    assert server.get(path).json == made


def test_a_dry_run_is_refused_as_the_real_run_would_be(server: Server) -> None:
    server.create(server.path("configmaps"), config_map()).ok()
    assert server.create(server.path("configmaps"), config_map(), dryRun="All").status == 409
    assert server.create(server.path("configmaps"), config_map("X"), dryRun="All").status == 422

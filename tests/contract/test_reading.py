"""Selectors, pages and watches."""

import asyncio
from typing import Any

import pytest

from tests.contract.manifests import configmap, deployment
from tests.contract.servers import Api

INITIAL = {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan"}


async def labelled(api: Api) -> None:
    for name, labels in (
        ("a", {"tier": "web", "zone": "x"}),
        ("b", {"tier": "web"}),
        ("c", {"tier": "mail"}),
        ("d", {}),
    ):
        body = configmap(name)
        body["metadata"]["labels"] = {**labels, "mine": "yes"}
        assert (await api.create("configmaps", body)).code == 201


@pytest.mark.parametrize(
    ("selector", "names"),
    [
        ("tier=web", "ab"),
        ("tier==web", "ab"),
        ("tier!=web", "cd"),
        ("tier", "abc"),
        ("!tier", "d"),
        ("tier in (web,mail)", "abc"),
        ("tier notin (web)", "cd"),
        ("tier=web,zone=x", "a"),
        ("tier=web,!zone", "b"),
        ("tier=none", ""),
    ],
)
async def test_label_selector(api: Api, selector: str, names: str) -> None:
    await labelled(api)
    answer = await api.get("configmaps", labelSelector=f"mine=yes,{selector}")
    assert "".join(item["metadata"]["name"] for item in answer.body["items"]) == names


async def test_bad_label_selector_is_400(api: Api) -> None:
    answer = await api.get("configmaps", labelSelector="a in (")
    assert (answer.code, answer.status["reason"]) == (400, "BadRequest")


async def test_field_selector_by_name(api: Api) -> None:
    await labelled(api)
    answer = await api.get("configmaps", fieldSelector="metadata.name=b")
    assert [item["metadata"]["name"] for item in answer.body["items"]] == ["b"]


async def test_unknown_field_selector_is_400(api: Api) -> None:
    answer = await api.get("configmaps", fieldSelector="data.a=1")
    assert answer.code == 400
    assert answer.status["message"] == (
        '"data.a" is not a known field selector: only "metadata.name", "metadata.namespace"'
    )


async def test_list_has_a_version_and_a_kind(api: Api) -> None:
    made = (await api.create("configmaps", configmap("only"))).body["metadata"]
    answer = await api.get("configmaps", fieldSelector="metadata.name=only")
    assert (answer.body["kind"], answer.body["apiVersion"]) == ("ConfigMapList", "v1")
    assert int(answer.body["metadata"]["resourceVersion"]) >= int(made["resourceVersion"])


async def test_items_of_a_list_of_a_built_in_kind_do_not_say_what_they_are(api: Api) -> None:
    await api.create("configmaps", configmap("a"))
    found = (await api.get("configmaps")).body["items"]
    assert not any("kind" in item or "apiVersion" in item for item in found)
    assert (await api.get("configmaps", "a")).body["kind"] == "ConfigMap"


async def test_list_sees_what_was_just_written(api: Api) -> None:
    for number in range(5):
        await api.create("configmaps", configmap(f"n{number}"))
        answer = await api.get("configmaps", fieldSelector=f"metadata.name=n{number}")
        assert len(answer.body["items"]) == 1


async def test_pages(api: Api) -> None:
    await labelled(api)
    query = {"labelSelector": "mine=yes", "limit": "3"}
    first = (await api.get("configmaps", **query)).body
    assert [item["metadata"]["name"] for item in first["items"]] == ["a", "b", "c"]
    rest = (
        await api.get("configmaps", **query, **{"continue": first["metadata"]["continue"]})
    ).body
    assert [item["metadata"]["name"] for item in rest["items"]] == ["d"]
    assert "continue" not in rest["metadata"]
    assert rest["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]


async def test_pages_are_of_one_moment(api: Api) -> None:
    await labelled(api)
    query = {"labelSelector": "mine=yes", "limit": "2"}
    first = (await api.get("configmaps", **query)).body
    await api.delete("configmaps", "d")
    late = configmap("bb")
    late["metadata"]["labels"] = {"mine": "yes"}
    await api.create("configmaps", late)
    rest = (
        await api.get("configmaps", **query, **{"continue": first["metadata"]["continue"]})
    ).body
    assert [item["metadata"]["name"] for item in rest["items"]] == ["c", "d"]


async def test_page_tells_how_many_remain(api: Api) -> None:
    for number in range(3):
        await api.create("leases", {"metadata": {"name": f"l{number}"}})
    answer = await api.get("leases", limit="1")
    assert answer.body["metadata"]["remainingItemCount"] == 2


async def test_bad_continue_is_400(api: Api) -> None:
    answer = await api.get("configmaps", limit="1", **{"continue": "nonsense"})
    assert (answer.code, answer.status["reason"]) == (400, "BadRequest")


async def test_list_exactly_as_of_a_version(api: Api) -> None:
    made = (await api.create("configmaps", configmap("one"))).body["metadata"]["resourceVersion"]
    await api.create("configmaps", configmap("two"))
    query = {"resourceVersion": made, "resourceVersionMatch": "Exact"}
    answer = await api.get("configmaps", **query)
    names = [i["metadata"]["name"] for i in answer.body["items"] if "kube-root" not in str(i)]
    assert names == ["one"]
    assert answer.body["metadata"]["resourceVersion"] == made


async def test_list_not_older_than_a_version(api: Api) -> None:
    made = (await api.create("configmaps", configmap("one"))).body["metadata"]["resourceVersion"]
    query = {"resourceVersion": made, "resourceVersionMatch": "NotOlderThan"}
    answer = await api.get("configmaps", **query)
    assert "one" in [item["metadata"]["name"] for item in answer.body["items"]]


async def test_list_from_a_version_to_come_is_504(api: Api) -> None:
    query = {"resourceVersion": "999999999", "resourceVersionMatch": "NotOlderThan"}
    answer = await api.get("configmaps", **query)
    assert (answer.code, answer.status["reason"]) == (504, "Timeout")
    assert answer.status["details"]["causes"][0]["reason"] == "ResourceVersionTooLarge"
    assert answer.status["details"]["retryAfterSeconds"] == 1


async def test_match_without_a_version_is_422(api: Api) -> None:
    answer = await api.get("configmaps", resourceVersionMatch="Exact")
    (cause,) = answer.status["details"]["causes"]
    assert (answer.code, cause["field"]) == (422, "resourceVersionMatch")
    assert cause["reason"] == "FieldValueForbidden"


async def test_watch_tells_what_happens_in_order(api: Api) -> None:
    version = (await api.get("leases")).body["metadata"]["resourceVersion"]
    async with api.watch("leases", resourceVersion=version) as watch:
        await api.create("leases", {"metadata": {"name": "l"}})
        await api.patch("leases", "l", {"spec": {"holderIdentity": "me"}})
        await api.delete("leases", "l")
        assert await watch.names(3) == [("ADDED", "l"), ("MODIFIED", "l"), ("DELETED", "l")]


async def test_watch_resumes_after_a_version(api: Api) -> None:
    await api.create("leases", {"metadata": {"name": "l1"}})
    made = await api.create("leases", {"metadata": {"name": "l2"}})
    await api.create("leases", {"metadata": {"name": "l3"}})
    version = made.body["metadata"]["resourceVersion"]
    async with api.watch("leases", resourceVersion=version) as watch:
        assert await watch.names(1) == [("ADDED", "l3")]


async def test_watch_without_a_version_begins_with_what_there_is(api: Api) -> None:
    await api.create("leases", {"metadata": {"name": "l1"}})
    async with api.watch("leases") as watch:
        assert await watch.names(1) == [("ADDED", "l1")]
        await api.create("leases", {"metadata": {"name": "l2"}})
        assert await watch.names(1) == [("ADDED", "l2")]


async def test_initial_events_end_with_a_bookmark(api: Api) -> None:
    await api.create("leases", {"metadata": {"name": "l1"}})
    await api.create("leases", {"metadata": {"name": "l2"}})
    async with api.watch("leases", allowWatchBookmarks="true", **INITIAL) as watch:
        assert sorted(await watch.names(2)) == [("ADDED", "l1"), ("ADDED", "l2")]
        kind, body = await watch.next()
        assert (kind, body["kind"]) == ("BOOKMARK", "Lease")
        assert body["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}
        assert body["metadata"]["resourceVersion"]
        await api.create("leases", {"metadata": {"name": "l3"}})
        assert await watch.names(1) == [("ADDED", "l3")]


async def test_nothing_at_first_is_a_bookmark_too(api: Api) -> None:
    async with api.watch("leases", allowWatchBookmarks="true", **INITIAL) as watch:
        kind, body = await watch.next()
        assert (kind, "annotations" in body["metadata"]) == ("BOOKMARK", True)


@pytest.mark.parametrize(
    "query",
    [{"sendInitialEvents": "true"}, {"resourceVersionMatch": "NotOlderThan"}],
    ids=["no-match", "no-initial-events"],
)
async def test_initial_events_need_a_match(api: Api, query: dict[str, str]) -> None:
    answer = await api.get("leases", watch="1", timeoutSeconds="1", **query)
    (cause,) = answer.status["details"]["causes"]
    assert (answer.code, cause["field"], cause["reason"]) == (
        422,
        "resourceVersionMatch",
        "FieldValueForbidden",
    )


async def test_watch_of_a_selection_sees_comers_and_leavers(api: Api) -> None:
    version = (await api.get("leases")).body["metadata"]["resourceVersion"]
    query = {"labelSelector": "in=yes", "resourceVersion": version}
    async with api.watch("leases", **query) as watch:
        await api.create("leases", {"metadata": {"name": "l", "labels": {"in": "no"}}})
        await api.patch("leases", "l", {"metadata": {"labels": {"in": "yes"}}})
        await api.patch("leases", "l", {"spec": {"holderIdentity": "me"}})
        left = await api.patch("leases", "l", {"metadata": {"labels": {"in": "no"}}})
        assert await watch.names(2) == [("ADDED", "l"), ("MODIFIED", "l")]
        kind, body = await watch.next()
        # In its old state, under the version of the change.
        assert (kind, body["metadata"]["labels"]) == ("DELETED", {"in": "yes"})
        version = left.body["metadata"]["resourceVersion"]
        assert body["metadata"]["resourceVersion"] == version


async def test_removal_is_told_under_its_own_version(api: Api) -> None:
    made = (await api.create("leases", {"metadata": {"name": "l"}})).body["metadata"]
    async with api.watch("leases", resourceVersion=made["resourceVersion"]) as watch:
        await api.delete("leases", "l")
        kind, body = await watch.next()
        assert kind == "DELETED"
        assert int(body["metadata"]["resourceVersion"]) > int(made["resourceVersion"])


async def test_watch_of_one_object(api: Api) -> None:
    version = (await api.get("leases")).body["metadata"]["resourceVersion"]
    query = {"fieldSelector": "metadata.name=l2", "resourceVersion": version}
    async with api.watch("leases", **query) as watch:
        await api.create("leases", {"metadata": {"name": "l1"}})
        await api.create("leases", {"metadata": {"name": "l2"}})
        assert await watch.names(1) == [("ADDED", "l2")]


async def test_watch_keeps_to_its_namespace(api: Api) -> None:
    version = (await api.get("leases")).body["metadata"]["resourceVersion"]
    async with api.watch("leases", resourceVersion=version) as watch:
        path = api.at("leases", namespace="default")
        meta = {"generateName": "elsewhere-"}
        other = (await api.ask("POST", path, {"metadata": meta})).body["metadata"]["name"]
        await api.create("leases", {"metadata": {"name": "here"}})
        assert await watch.names(1) == [("ADDED", "here")]
        await api.ask("DELETE", api.at("leases", other, namespace="default"))


async def test_too_old_a_version_is_an_error_in_the_stream(widgets: Api) -> None:
    # A kind that was not there yet: the real one remembers all of a short life of the others.
    async with widgets.watch("widgets", resourceVersion="1") as watch:
        assert watch.code == 200
        kind, body = await watch.next()
    assert (kind, body["kind"], body["code"], body["reason"]) == ("ERROR", "Status", 410, "Expired")
    assert body["message"].startswith("too old resource version: 1 (")


async def test_watch_ends_in_time(api: Api) -> None:
    version = (await api.get("leases")).body["metadata"]["resourceVersion"]
    async with api.watch("leases", resourceVersion=version, timeoutSeconds="1") as watch:
        async with asyncio.timeout(5):
            assert await watch.answer.content.readline() == b""


async def test_write_that_changes_nothing_is_not_told(api: Api) -> None:
    made = (await api.create("leases", {"metadata": {"name": "l", "labels": {"a": "b"}}})).body
    version = made["metadata"]["resourceVersion"]
    async with api.watch("leases", resourceVersion=version) as watch:
        await api.patch("leases", "l", {"metadata": {"labels": {"a": "b"}}})
        await api.create("leases", {"metadata": {"name": "next"}})
        assert await watch.names(1) == [("ADDED", "next")]


TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"


async def test_table(api: Api) -> None:
    await api.create("deployments", deployment(replicas=0))
    body: dict[str, Any] = (await api.ask("GET", api.at("deployments"), accept=TABLE)).body
    names = [c["name"] for c in body["columnDefinitions"] if not c["priority"]]
    assert (body["kind"], names) == ("Table", ["Name", "Ready", "Up-to-date", "Available", "Age"])
    (row,) = body["rows"]
    assert row["cells"][:4] == ["d", "0/0", 0, 0]
    assert row["object"]["kind"] == "PartialObjectMetadata"


async def test_table_of_a_custom_resource(widgets: Api) -> None:
    await widgets.create("widgets", {**WIDGET, "metadata": {"name": "w"}})
    body = (await widgets.ask("GET", widgets.at("widgets"), accept=TABLE)).body
    assert [c["name"] for c in body["columnDefinitions"]] == ["Name", "Colour"]
    assert body["rows"][0]["cells"] == ["w", "red"]


WIDGET = {"apiVersion": "contract.test/v1", "kind": "Widget", "spec": {"size": 3}}


@pytest.mark.parametrize("path", ["/api", "/apis", "/api/v1", "/apis/apps/v1", "/apis/apps"])
async def test_discovery(api: Api, path: str) -> None:
    answer = await api.ask("GET", path)
    kinds = {"/api": "APIVersions", "/apis": "APIGroupList", "/apis/apps": "APIGroup"}
    assert (answer.code, answer.body["kind"]) == (200, kinds.get(path, "APIResourceList"))


async def test_discovery_tells_of_deployments(api: Api) -> None:
    listed = (await api.ask("GET", "/apis/apps/v1")).body["resources"]
    found = {entry["name"]: entry for entry in listed}
    entry = found["deployments"]
    assert (entry["kind"], entry["namespaced"], entry["shortNames"]) == (
        "Deployment",
        True,
        ["deploy"],
    )
    assert set(entry["verbs"]) >= {"create", "delete", "get", "list", "patch", "update", "watch"}
    assert found["deployments/scale"]["kind"] == "Scale"


@pytest.mark.parametrize("path", ["/readyz", "/livez", "/healthz"])
async def test_health(api: Api, path: str) -> None:
    answer = await api.ask("GET", path)
    assert (answer.code, answer.body) == (200, "ok")

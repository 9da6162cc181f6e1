"""What is particular to the embedded server: its file, its short memory, its paging of the past."""

import asyncio
from pathlib import Path

import aiohttp
import pytest

from responder.sandbox.api import reading
from responder.sandbox.api.server import Running, serve
from responder.sandbox.api.store import Store, TooOldError
from tests.contract.manifests import configmap
from tests.contract.servers import Address, Api

KEY = ("", "configmaps")


def body(name: str, value: str = "1") -> dict[str, object]:
    return {"metadata": {"name": name, "namespace": "n"}, "data": {"a": value}}


def test_file_keeps_the_objects_and_the_version(tmp_path: Path) -> None:
    path = tmp_path / "objects.jsonl"
    store = Store(path=path)
    store.put(KEY, body("stays"))
    store.put(KEY, body("stays", "2"))
    store.put(KEY, body("goes"))
    store.remove(KEY, ("n", "goes"))
    store.close()
    again = Store(path=path)
    assert [item["data"] for item in again.listed(KEY)] == [{"a": "2"}]
    assert again.version == store.version
    with pytest.raises(TooOldError):
        again.since(1)
    again.close()


def test_line_that_a_crash_cut_short_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "objects.jsonl"
    store = Store(path=path)
    store.put(KEY, body("whole"))
    store.close()
    with path.open("a") as file:
        file.write('{"version": 9, "key": ["", "conf')
    again = Store(path=path)
    assert [item["metadata"]["name"] for item in again.listed(KEY)] == ["whole"]
    again.close()


def test_old_changes_are_forgotten() -> None:
    store = Store(history=2)
    for number in range(4):
        store.put(KEY, body(str(number)))
    assert [change.version for change in store.since(3)] == [4, 5]
    with pytest.raises(TooOldError):
        store.since(2)


def test_large_changes_are_forgotten_earlier() -> None:
    store = Store(history_bytes=100)
    for number in range(4):
        store.put(KEY, body(str(number)), size=40)
    assert [change.version for change in store.since(3)] == [4, 5]
    with pytest.raises(TooOldError):
        store.since(2)


def api(session: aiohttp.ClientSession, server: Running) -> Api:
    return Api(session, Address(server.url, server.admin_token, None), "default")


async def test_continue_that_is_too_old_is_410() -> None:
    async with serve(history=3) as server, aiohttp.ClientSession() as session:
        client = api(session, server)
        for number in range(3):
            await client.create("configmaps", configmap(f"c{number}"))
        first = (await client.get("configmaps", limit="1")).body
        for number in range(5):
            await client.patch("configmaps", "c0", {"data": {"a": f"x{number}"}})
        query = {"limit": "1", "continue": first["metadata"]["continue"]}
        answer = await client.get("configmaps", **query)
    assert (answer.code, answer.status["reason"]) == (410, "Expired")


async def test_bookmarks_come_however_much_happens_elsewhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reading, "_BOOKMARK_SECONDS", 0.2)
    async with serve() as server, aiohttp.ClientSession() as session:
        client = api(session, server)
        version = (await client.create("configmaps", configmap())).body["metadata"][
            "resourceVersion"
        ]
        query = {"allowWatchBookmarks": "true", "resourceVersion": version}
        async with client.watch("leases", **query) as watch:
            told = asyncio.create_task(watch.next())
            number = 0
            while not told.done():
                number += 1
                await client.patch("configmaps", "c", {"data": {"a": str(number)}})
            kind, bookmark = await told
    assert (kind, bookmark["kind"]) == ("BOOKMARK", "Lease")
    assert int(bookmark["metadata"]["resourceVersion"]) > int(version)


async def test_server_goes_on_where_it_was(tmp_path: Path) -> None:
    path = tmp_path / "objects.jsonl"
    async with serve(path=path) as server, aiohttp.ClientSession() as session:
        made = (await api(session, server).create("configmaps", configmap())).body
    async with serve(path=path) as server, aiohttp.ClientSession() as session:
        found = (await api(session, server).get("configmaps", "c")).body
    assert found == made

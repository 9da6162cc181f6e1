"""What the embedded server remembers: as many changes as it is given, and a file if it has one."""

import asyncio
import json
from pathlib import Path

import pytest

from responder.sandbox.api.failures import Json, Refused
from responder.sandbox.api.kinds import Kinds
from responder.sandbox.api.reading import page
from responder.sandbox.api.selectors import selector_of
from responder.sandbox.api.server import ApiServer
from responder.sandbox.api.store import Place, Store
from responder.sandbox.api.watching import Wish, stream

PLACE = Place("configmaps", "mail", "a")


def body(number: int) -> Json:
    return {"metadata": {"name": "a", "namespace": "mail"}, "data": {"n": str(number)}}


def wish(since: int) -> Wish:
    kind = Kinds().find("", "v1", "configmaps")
    assert kind is not None
    return Wish(
        kind=kind,
        namespace="mail",
        selects=selector_of("", ""),
        since=since,
        sends_initial_events=False,
        bookmarks=False,
        seconds=0.05,
    )


async def watched(store: Store, since: int) -> list[Json]:
    lines: list[bytes] = []

    async def write(line: bytes) -> None:
        lines.append(line)

    await stream(store, wish(since), write)
    return [json.loads(line) for line in lines]


async def test_a_watch_after_a_version_that_is_forgotten_is_told_so() -> None:
    store = Store(remembers=3)
    first = store.revision
    for number in range(5):
        store.put(PLACE, body(number))
    (event,) = await watched(store, first)
    assert event["type"] == "ERROR"
    assert (event["object"]["code"], event["object"]["reason"]) == (410, "Expired")
    assert event["object"]["message"].startswith("too old resource version: 1 ")


async def test_a_watch_after_the_oldest_version_that_is_remembered_misses_nothing() -> None:
    store = Store(remembers=3)
    for number in range(5):
        store.put(PLACE, body(number))
    events = await watched(store, store.revision - 3)
    assert [event["object"]["data"]["n"] for event in events] == ["2", "3", "4"]


async def test_a_change_while_a_watch_begins_is_told_once() -> None:
    store = Store()
    store.put(PLACE, body(0))
    seen: list[str] = []

    async def write(line: bytes) -> None:
        seen.append(json.loads(line)["object"]["data"]["n"])
        if len(seen) == 1:
            store.put(PLACE, body(9))
            await asyncio.sleep(0)

    await stream(store, wish(1), write)
    assert seen == ["0", "9"]


def test_a_page_after_what_is_forgotten_is_gone() -> None:
    store = Store()
    for name in "abc":
        store.put(Place("configmaps", "mail", name), {"metadata": {"name": name}})
    items = store.items("configmaps")
    first, metadata = page(items, limit=2, after="", store=store)
    assert len(first) == 2
    store.put(PLACE, body(1))
    store.forget_history()
    with pytest.raises(Refused, match="too old") as raised:
        page(items, limit=2, after=str(metadata["continue"]), store=store)
    assert raised.value.code == 410


def test_what_is_kept_in_a_file_is_there_again(tmp_path: Path) -> None:
    file = tmp_path / "objects.json"
    before = ApiServer(Store(file=file))
    before.create_namespace("mail")
    before.store.put(PLACE, body(1))
    after = ApiServer(Store(file=file))
    assert after.store.get(PLACE) == before.store.get(PLACE)
    assert after.store.revision == before.store.revision
    assert not after.store.is_remembered(1)


@pytest.mark.parametrize("content", ["", "{}", "junk", '{"revision": 1, "objects": [1]}'])
def test_a_file_that_is_none_of_ours_is_refused_and_kept(tmp_path: Path, content: str) -> None:
    file = tmp_path / "objects.json"
    file.write_text(content)
    with pytest.raises(ValueError, match=r"objects\.json"):
        Store(file=file)
    assert file.read_text() == content

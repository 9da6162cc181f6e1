"""Watches: what happened after a version, in its order, and bookmarks in between."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from responder.sandbox.api.failures import Json, expired
from responder.sandbox.api.kinds import Kind
from responder.sandbox.api.selectors import Selector
from responder.sandbox.api.store import Change, Store

_BOOKMARK_SECONDS = 60.0
INITIAL_EVENTS_END = "k8s.io/initial-events-end"


@dataclass(frozen=True, slots=True)
class Wish:
    """What a watch asks for; `since` is None for all that is there, then what happens."""

    kind: Kind
    namespace: str
    selects: Selector
    since: int | None
    sends_initial_events: bool
    bookmarks: bool
    seconds: float
    shape: Callable[[Json], Json] = lambda body: body
    """How each object is shown."""


async def stream(store: Store, wish: Wish, write: Callable[[bytes], Awaitable[None]]) -> None:
    """Write the lines of a watch until its time is over."""
    queue: asyncio.Queue[Change] = asyncio.Queue()
    unfollow = store.follow(queue.put_nowait)
    try:
        seen = wish.since
        if wish.since is not None and not store.is_remembered(wish.since):
            told = f"too old resource version: {wish.since} ({store.revision})"
            await write(_line("ERROR", expired(told).status))
            return
        if wish.since is None or wish.sends_initial_events:
            seen = store.revision
            for item in store.items(wish.kind.resource, wish.namespace):
                if wish.selects(item):
                    await write(_line("ADDED", wish.shape(item)))
            if wish.sends_initial_events:
                await write(_bookmark(wish.kind, seen, initial=True))
        else:
            for change in store.changes_after(wish.since):
                queue.put_nowait(change)
        await _follow(store, wish, queue, after=seen or 0, write=write)
    finally:
        unfollow()


async def _follow(
    store: Store,
    wish: Wish,
    queue: asyncio.Queue[Change],
    *,
    after: int,
    write: Callable[[bytes], Awaitable[None]],
) -> None:
    loop = asyncio.get_running_loop()
    ends_at = loop.time() + wish.seconds
    next_bookmark = loop.time() + _BOOKMARK_SECONDS
    while loop.time() < ends_at:
        try:
            async with asyncio.timeout_at(min(ends_at, next_bookmark)):
                change = await queue.get()
        except TimeoutError:
            if loop.time() >= next_bookmark and wish.bookmarks:
                await write(_bookmark(wish.kind, store.revision))
            next_bookmark = loop.time() + _BOOKMARK_SECONDS
            continue
        if change.revision <= after:
            continue
        after = change.revision
        line = _told(change, wish)
        if line is not None:
            await write(line)


def _told(change: Change, wish: Wish) -> bytes | None:
    """Give the line of a change; what leaves a selector is told as deleted, as it was before."""
    if change.place.resource != wish.kind.resource:
        return None
    if wish.namespace and change.place.namespace != wish.namespace:
        return None
    now = change.kind != "DELETED" and wish.selects(change.body)
    before = change.before is not None and wish.selects(change.before)
    if now:
        return _line("MODIFIED" if before else "ADDED", wish.shape(change.body))
    if before and change.before is not None:
        version = {"resourceVersion": str(change.revision)}
        last = {**change.before, "metadata": {**change.before["metadata"], **version}}
        return _line("DELETED", wish.shape(change.body if change.kind == "DELETED" else last))
    return None


def _bookmark(kind: Kind, revision: int, *, initial: bool = False) -> bytes:
    metadata: Json = {"resourceVersion": str(revision), "creationTimestamp": None}
    if initial:
        metadata["annotations"] = {INITIAL_EVENTS_END: "true"}
    body = {"kind": kind.kind, "apiVersion": kind.api_version, "metadata": metadata}
    return _line("BOOKMARK", body)


def _line(event: str, body: Mapping[str, Any]) -> bytes:
    return json.dumps({"type": event, "object": body}).encode() + b"\n"

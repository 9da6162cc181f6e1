"""Lists, pages and watches."""

import asyncio
import base64
import binascii
import json
import math
import re
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from responder.sandbox.api import events, selectors
from responder.sandbox.api.failures import Refused
from responder.sandbox.api.kinds import DEFINITION, Kind
from responder.sandbox.api.store import Change, Store, TooOldError

Json = dict[str, Any]
_BOOKMARK_SECONDS: Final = 50.0
_WATCH_SECONDS: Final = 1800.0
_INITIAL_END: Final = "k8s.io/initial-events-end"
_MATCHES: Final = ("Exact", "NotOlderThan")
_CONTINUE_EXPIRED: Final = (
    "The provided continue parameter is too old to display a consistent list result. You can start"
    " a new list without the continue parameter."
)


@dataclass(frozen=True, slots=True)
class Query:
    """What a list or a watch asks for."""

    kind: Kind
    namespace: str
    parameters: Mapping[str, str]
    fits: Callable[[Json], bool]

    @classmethod
    def of(cls, kind: Kind, namespace: str, name: str, parameters: Mapping[str, str]) -> "Query":
        """Raises Refused: 400."""

        def allowed(path: str) -> bool:
            return (
                path in ("metadata.name", "metadata.namespace")
                or kind.kind == "Event"
                or path in ("status.phase", "spec.nodeName", "status.successful", "type")
            ) and (not kind.custom or path.startswith("metadata."))

        try:
            labelled = selectors.by_labels(parameters.get("labelSelector", ""))
            fielded = selectors.by_fields(parameters.get("fieldSelector", ""), allowed)
        except selectors.SelectorError as error:
            raise Refused.bad_request(
                f"unable to parse requirement: {error}"
                if "known field selector" not in str(error)
                else str(error)
            ) from error
        return cls(
            kind,
            namespace,
            parameters,
            lambda body: (
                labelled(body)
                and fielded(events.as_core(body) if kind.stored_as[1] else body)
                and (not name or body["metadata"]["name"] == name)
            ),
        )


def listed(store: Store, query: Query) -> Json:
    """The List, or a page of it. Raises Refused: 400, 410, 504."""
    parameters = query.parameters
    wanted = parameters.get("resourceVersion", "")
    match = parameters.get("resourceVersionMatch", "")
    if match and (match not in _MATCHES or not wanted or (match == "Exact" and wanted == "0")):
        raise Refused.invalid_options(match, wanted)
    version, after = store.version, ""
    if token := parameters.get("continue", ""):
        if wanted not in ("", "0"):
            raise Refused.bad_request(
                "specifying resource version is not allowed when using continue"
            )
        version, after = _resumed(token)
    elif wanted not in ("", "0"):
        asked = _number(wanted)
        if asked > store.version:
            raise _too_new(store.version)
        version = asked if match == "Exact" or ("limit" in parameters and not match) else version
    objects = _as_of(store, query.kind, query.namespace, version, paged=bool(after))
    items = [body for body in objects if query.fits(body) and _place(body) > after]
    meta: Json = {"resourceVersion": str(version)}
    limit = _whole(parameters, "limit")
    if limit > 0 and len(items) > limit:
        rest = len(items) - limit
        items = items[:limit]
        meta["continue"] = _token(version, _place(items[-1]))
        if not parameters.get("labelSelector") and not parameters.get("fieldSelector"):
            meta["remainingItemCount"] = rest
    return {
        "kind": f"{query.kind.kind}List",
        "apiVersion": query.kind.api_version,
        "metadata": meta,
        "items": items,
    }


def _place(body: Json) -> str:
    meta = body["metadata"]
    return f"{meta.get('namespace', '')}\0{meta['name']}"


def _as_of(store: Store, kind: Kind, namespace: str, version: int, *, paged: bool) -> list[Json]:
    """The objects as they were then: the changes since are undone. Raises Refused: 410."""
    objects = {_place(body): body for body in store.listed(kind.key, namespace)}
    if version < store.version:
        try:
            changes = [change for change in store.since(version) if change.key == kind.key]
        except TooOldError as error:
            raise Refused.gone(
                _CONTINUE_EXPIRED
                if paged
                else "The resourceVersion for the provided list is too old."
            ) from error
        for change in reversed(changes):
            body = change.new or change.old or {}
            if namespace and body["metadata"].get("namespace") != namespace:
                continue
            if change.old is None:
                objects.pop(_place(body), None)
            else:
                objects[_place(body)] = change.old
    return [objects[place] for place in sorted(objects)]


def _token(version: int, after: str) -> str:
    text = json.dumps({"v": "meta.k8s.io/v1", "rv": version, "start": after})
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _resumed(token: str) -> tuple[int, str]:
    try:
        padded = token + "=" * (-len(token) % 4)
        read = json.loads(base64.urlsafe_b64decode(padded))
        return int(read["rv"]), str(read["start"])
    except (binascii.Error, ValueError, KeyError, TypeError) as error:
        raise Refused.bad_request(f"continue key is not valid: {error}") from error


def _number(text: str) -> int:
    if not text.isascii() or not text.isdecimal():
        why = f'strconv.ParseUint: parsing "{text}": invalid syntax'
        raise Refused.bad_request(f'resourceVersion: Invalid value: "{text}": {why}')
    return int(text)


def _whole(parameters: Mapping[str, str], name: str) -> int:
    """A whole number, 0 by default. Raises Refused: 400."""
    text = parameters.get(name, "") or "0"
    if not re.fullmatch(r"[+-]?[0-9]{1,18}", text):
        raise Refused.bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax')
    return int(text)


def _too_new(version: int) -> Refused:
    cause = {"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}
    return Refused(
        504,
        "Timeout",
        f"Timeout: Too large resource version, current: {version}",
        {"causes": [cause], "retryAfterSeconds": 1},
    )


Event = tuple[str, Json]


def watched(store: Store, query: Query) -> AsyncIterator[Event]:
    """The events, from a version on or with what there is at first. Raises Refused at once."""
    parameters = query.parameters
    initial = parameters.get("sendInitialEvents", "")
    match = parameters.get("resourceVersionMatch", "")
    if (initial and match != "NotOlderThan") or (match and not initial):
        raise Refused.watch_options(initial, match)
    wanted = parameters.get("resourceVersion", "")
    since = _number(wanted) if wanted not in ("", "0") else None
    seconds = float(_whole(parameters, "timeoutSeconds")) or _WATCH_SECONDS
    bookmarks = parameters.get("allowWatchBookmarks") in ("true", "1")
    return _events(
        store,
        query,
        since=since,
        initial=initial in ("true", "1"),
        bookmarks=bookmarks,
        seconds=seconds,
    )


async def _events(  # noqa: C901, PLR0912 -- one story, told in order
    store: Store,
    query: Query,
    *,
    since: int | None,
    initial: bool,
    bookmarks: bool,
    seconds: float,
) -> AsyncIterator[Event]:
    queue: asyncio.Queue[Change] = asyncio.Queue()

    def noticed(change: Change) -> None:
        if change.key in (query.kind.key, DEFINITION.key):
            queue.put_nowait(change)

    stop = store.listen(noticed)
    clock = asyncio.get_running_loop().time
    ends = clock() + seconds
    bookmark_at = clock() + _BOOKMARK_SECONDS if bookmarks else math.inf
    try:
        begun = store.version
        if initial or since is None:
            for body in store.listed(query.kind.key, query.namespace):
                if query.fits(body):
                    yield "ADDED", body
            if initial and bookmarks:
                yield "BOOKMARK", _bookmark(query.kind, begun, {_INITIAL_END: "true"})
        else:
            try:
                missed = list(store.since(since))
            except TooOldError:
                told = f"too old resource version: {since} ({store.forgotten})"
                yield "ERROR", Refused.gone(told).body
                return
            begun = max(begun, since)
            for change in missed:
                if event := _event(query, change):
                    yield event
        while ends > clock():
            # Everything before a bookmark must have been told: it is where the client resumes.
            if queue.empty() and bookmark_at <= clock():
                yield "BOOKMARK", _bookmark(query.kind, store.version, {})
                bookmark_at = clock() + _BOOKMARK_SECONDS
                continue
            if queue.empty():
                try:
                    change = await asyncio.wait_for(queue.get(), min(ends, bookmark_at) - clock())
                except TimeoutError:
                    continue
            else:
                change = queue.get_nowait()
            if change.version > begun and (event := _event(query, change)):
                yield event
            if _undefines(change, query.kind):
                return
    finally:
        stop()


def _event(query: Query, change: Change) -> Event | None:
    """An object that comes into the selection is added, one that leaves it deleted."""
    body = change.new or change.old or {}
    if change.key != query.kind.key or (
        query.namespace and body["metadata"].get("namespace") != query.namespace
    ):
        return None
    before = change.old is not None and query.fits(change.old)
    after = change.new is not None and query.fits(change.new)
    if after and change.new is not None:
        return ("MODIFIED" if before else "ADDED"), change.new
    if not before:
        return None
    gone = change.gone
    if gone is None and change.old is not None:
        meta = {**change.old["metadata"], "resourceVersion": str(change.version)}
        gone = {**change.old, "metadata": meta}
    return "DELETED", gone or {}


def _undefines(change: Change, kind: Kind) -> bool:
    """Nothing can follow: the kind is no longer served."""
    return (
        change.key == DEFINITION.key
        and change.new is None
        and (change.old or {})["metadata"]["name"] == kind.resource
    )


def _bookmark(kind: Kind, version: int, annotations: Mapping[str, str]) -> Json:
    meta: Json = {"resourceVersion": str(version), "creationTimestamp": None}
    if annotations:
        meta["annotations"] = dict(annotations)
    return {"kind": kind.kind, "apiVersion": kind.api_version, "metadata": meta}

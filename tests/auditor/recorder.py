"""Keeps every version of every object that could be held, and of every incident, of a namespace.

A watch of its own for each resource, from before the test's first change on; after a break it
goes on where it stopped, so that nothing is missed. Only an API server that was started again has
forgotten what came before: what changed until the watch of it began is taken as it is found, and
marked as possibly more than one write.
"""

import contextlib
import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from responder.sandbox.audit.versions import (
    AUTOSCALER,
    CONFIG_MAP,
    DEPLOYMENT,
    INCIDENT,
    Json,
    Version,
)
from tests.controlplane.admin_client import RequestFailedError
from tests.controlplane.kube import Kube

_RESOURCES = {
    DEPLOYMENT: ("apps/v1", "deployments"),
    AUTOSCALER: ("autoscaling/v2", "horizontalpodautoscalers"),
    CONFIG_MAP: ("v1", "configmaps"),
    INCIDENT: ("campaign-responder.dev/v1alpha1", "incidents"),
}
_NOT_FOUND = 404
_GONE = 410
_AGAIN_SECONDS = 0.05
_BROKEN = (OSError, http.client.HTTPException, ValueError, RequestFailedError)


class _HistoryGoneError(Exception):
    """The server no longer has the versions after the one that we saw last."""


@dataclass(slots=True)
class Recorder:
    """Records from `start` to `stop`."""

    kube: Kube
    _versions: list[Version] = field(default_factory=list)
    _live: dict[str, dict[str, Version]] = field(
        default_factory=lambda: {kind: {} for kind in _RESOURCES}
    )
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _stopping: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)
    _sockets: dict[str, socket.socket] = field(default_factory=dict)

    def start(self) -> None:
        """Returns once everything that happens from now on will be recorded."""
        for kind in _RESOURCES:
            revision = self._list(kind, after_gap=False)
            thread = threading.Thread(
                target=self._follow, args=(kind, revision), name=f"auditor-{kind}", daemon=True
            )
            self._threads.append(thread)
            thread.start()

    def stop(self) -> None:
        self._stopping.set()
        for thread in self._threads:
            while thread.is_alive():
                for open_socket in list(self._sockets.values()):
                    with contextlib.suppress(OSError):
                        # Not SSLSocket's own, which would pull the rug from under the reader.
                        socket.socket.shutdown(open_socket, socket.SHUT_RDWR)
                thread.join(0.05)

    def versions(self) -> list[Version]:
        """Give all that was seen up to now, in the order in which it was committed."""
        with self._lock:
            return sorted(self._versions, key=lambda version: version.revision)

    def is_caught_up(self) -> bool:
        """Tell whether what the API server has now was seen; raises OSError without one."""
        for kind in _RESOURCES:
            now = {
                item["metadata"]["uid"]: int(item["metadata"]["resourceVersion"])
                for item in self._listed(kind)["items"]
            }
            with self._lock:
                known = {uid: version.revision for uid, version in self._live[kind].items()}
            if any(known.get(uid, 0) < revision for uid, revision in now.items()):
                return False
            if known.keys() - now.keys():
                return False
        return True

    def _listed(self, kind: str) -> Json:
        """Give a list; an empty one where the kind is not served."""
        api, plural = _RESOURCES[kind]
        try:
            answer: Json = self.kube.control_plane.request("GET", self.kube.path(api, plural))
        except RequestFailedError as error:
            if error.status == _NOT_FOUND:
                return {"items": [], "metadata": {"resourceVersion": ""}}
            raise
        return answer

    def _list(self, kind: str, *, after_gap: bool) -> str:
        """Take what is there, and forget what isn't; gives the revision of the list."""
        answer = self._listed(kind)
        found = {item["metadata"]["uid"] for item in answer["items"]}
        for item in answer["items"]:
            self._take(kind, item, after_gap=after_gap)
        with self._lock:
            vanished = [v for uid, v in self._live[kind].items() if uid not in found]
            newest = max((version.revision for version in self._versions), default=0)
        for version in vanished:
            # Its definition is gone, and its watch with it.
            self._keep(
                Version(
                    kind, version.name, version.uid, newest, time.monotonic(), version.body, True
                )
            )
        return str(answer["metadata"]["resourceVersion"])

    def _follow(self, kind: str, revision: str) -> None:
        while not self._stopping.is_set():
            try:
                if not revision:
                    revision = self._list(kind, after_gap=True)
                for reached in self._watch(kind, revision):
                    revision = reached
            except _HistoryGoneError:
                revision = ""
            except RequestFailedError as error:
                if error.status == _NOT_FOUND:
                    revision = ""
            except _BROKEN:
                pass
            self._stopping.wait(_AGAIN_SECONDS)

    def _watch(self, kind: str, revision: str) -> Iterator[str]:
        """Record until the connection ends; yields each revision that was reached."""
        if not revision:
            return
        plane = self.kube.control_plane
        connection = plane.cluster.connection(timeout_seconds=300)
        with contextlib.closing(connection):
            connection.connect()
            self._sockets[kind] = connection.sock
            query = (
                f"watch=1&allowWatchBookmarks=true&timeoutSeconds=240&resourceVersion={revision}"
            )
            connection.request(
                "GET",
                f"{self.kube.path(*_RESOURCES[kind])}?{query}",
                headers={"Authorization": f"Bearer {plane.admin_token}", "User-Agent": "auditor"},
            )
            answer = connection.getresponse()
            if answer.status == _GONE:
                raise _HistoryGoneError(answer.read().decode())
            if answer.status != http.HTTPStatus.OK:
                raise RequestFailedError(status=answer.status, body=answer.read().decode())
            rest = b""
            while not self._stopping.is_set() and (chunk := answer.read1(2**20)):
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    yield self._event(kind, json.loads(line))

    def _event(self, kind: str, event: Json) -> str:
        item = event["object"]
        if event["type"] == "ERROR":
            if item.get("code") == _GONE:
                raise _HistoryGoneError(str(item.get("message")))
            raise RequestFailedError(status=int(item.get("code", 0)), body=str(item))
        if event["type"] != "BOOKMARK":
            self._take(kind, item, deleted=event["type"] == "DELETED")
        return str(item["metadata"]["resourceVersion"])

    def _take(
        self, kind: str, item: Json, *, deleted: bool = False, after_gap: bool = False
    ) -> None:
        metadata = item["metadata"]
        self._keep(
            Version(
                kind=kind,
                name=metadata["name"],
                uid=metadata["uid"],
                revision=int(metadata["resourceVersion"]),
                seen=time.monotonic(),
                body=item,
                deleted=deleted,
                after_gap=after_gap,
            )
        )

    def _keep(self, version: Version) -> None:
        with self._lock:
            known = self._live[version.kind].get(version.uid)
            if known is not None and known.revision >= version.revision and not version.deleted:
                return
            self._versions.append(version)
            if version.deleted:
                self._live[version.kind].pop(version.uid, None)
            else:
                self._live[version.kind][version.uid] = version

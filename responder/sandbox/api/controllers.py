"""A tiny controller manager: it follows each write and has the controllers answer it."""

import asyncio
import contextlib
from collections import deque
from dataclasses import dataclass, field
from typing import Final

from responder.sandbox.api import definitions
from responder.sandbox.api.acting import attempt, built_in, create, set_status
from responder.sandbox.api.departures import Departures
from responder.sandbox.api.kinds import DEFINITION
from responder.sandbox.api.store import Change
from responder.sandbox.api.workloads import Workloads
from responder.sandbox.api.writing import Objects

_SYNC_SECONDS: Final = 15.0


@dataclass(slots=True)
class Controllers:
    """Acts right after the write that it answers, in the same loop; autoscalers at their sync."""

    objects: Objects
    sync_seconds: float = _SYNC_SECONDS
    _workloads: Workloads = field(init=False)
    _departures: Departures = field(init=False)
    _changes: deque[Change] = field(default_factory=deque)
    _awake: bool = False

    def __post_init__(self) -> None:
        self._workloads = Workloads(self.objects)
        self._departures = Departures(self.objects)
        self.objects.store.listen(self._noticed)

    async def run(self) -> None:
        """The autoscalers' syncs, until cancelled."""
        while True:
            await asyncio.sleep(self.sync_seconds)
            self.sync()

    def sync(self) -> None:
        """Once over all autoscalers."""
        self._workloads.sync()

    def _noticed(self, change: Change) -> None:
        self._changes.append(change)
        if self._awake:
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return  # seeded before the server runs
        self._awake = True
        # Later in the same loop: the answer to the write is made before what follows from it.
        loop.call_soon(self._work)

    def _work(self) -> None:
        try:
            while self._changes:
                # The edge of the loop: one object that can't be followed must not stop the others.
                with contextlib.suppress(Exception):
                    self._follow(self._changes.popleft())
        finally:
            self._awake = False

    def _follow(self, change: Change) -> None:
        self._departures.follow(change)
        body = change.new or change.old or {}
        match change.key[1]:
            case "deployments" if change.new:
                self._workloads.follow(body)
            case "namespaces" if change.old is None:
                kind = built_in(self.objects, "", "v1", "serviceaccounts")
                account = {"metadata": {"name": "default"}}
                create(self.objects, kind, body["metadata"]["name"], account)
            case "customresourcedefinitions" if change.new and not body.get("status"):
                status = definitions.established(body)
                attempt(lambda: set_status(self.objects, DEFINITION, body, status))

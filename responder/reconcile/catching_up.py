"""The consistent list behind the fence, and behind a resolve: the view knows all that it tells."""

import asyncio

from responder.cluster.api import KubernetesApi
from responder.cluster.failures import NotFound
from responder.cluster.resources import INCIDENTS
from responder.incidents.stored import read_incident
from responder.reconcile.view import IncidentKey, View


class CatchingUp:
    """Brings the view up to a list; lists are shared by all that wait for one."""

    def __init__(self, api: KubernetesApi, view: View, *, namespace: str) -> None:
        self._api = api
        self._view = view
        self._namespace = namespace
        self._running: asyncio.Task[None] | None = None
        self._next: asyncio.Task[None] | None = None

    async def __call__(self) -> None:
        """Return once the view holds every incident of a list that began after this call.

        Whoever comes while one runs waits for the one after it.
        """
        if self._next is None:
            self._next = asyncio.create_task(self._list_after(self._running))
        await asyncio.shield(self._next)

    async def close(self) -> None:
        for task in (self._running, self._next):
            if task is not None:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

    async def _list_after(self, running: asyncio.Task[None] | None) -> None:
        if running is not None:
            await asyncio.gather(running, return_exceptions=True)
        self._running, self._next = self._next, None
        listed = await self._api.list(INCIDENTS, namespace=self._namespace, metadata_only=True)
        wanted = {
            IncidentKey(item["metadata"]["namespace"], item["metadata"]["name"]): (
                str(item["metadata"]["uid"]),
                int(item["metadata"]["resourceVersion"]),
            )
            for item in listed.items
        }
        behind = [
            key for key, (uid, version) in wanted.items() if self._is_behind(key, uid, version)
        ]
        # One that is gone by then is gone from the view too.
        gone = [
            key
            for key in self._view.incidents
            if key not in wanted and key.namespace == self._namespace
        ]
        for key in [*behind, *gone]:
            await self._read(key)

    def _is_behind(self, key: IncidentKey, uid: str, version: int) -> bool:
        known = self._view.incidents.get(key)
        return known is None or known.uid != uid or int(known.resource_version) < version

    async def _read(self, key: IncidentKey) -> None:
        try:
            live = await self._api.get(INCIDENTS, namespace=key.namespace, name=key.name)
        except NotFound:
            self._view.drop_incident(key)
        else:
            self._view.put_incident(read_incident(live))


async def nothing_to_list() -> None:
    """In a cluster without our definition no incident is open."""

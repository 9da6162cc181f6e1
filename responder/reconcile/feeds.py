"""The watches that feed the view, and the one-time lists that do so for commands."""

import asyncio
import functools
import time
from collections.abc import Callable, Sequence
from typing import Any

from responder.cluster.api import KubernetesApi
from responder.cluster.failures import NotFound, NotServed
from responder.cluster.resources import (
    CONFIGMAPS,
    DEPLOYMENTS,
    HPAS,
    INCIDENTS,
    JsonObject,
    Resource,
)
from responder.cluster.watch import WatchCache
from responder.holds.objects import ObjectKey, name, namespace
from responder.holds.workload import AUTOSCALER, DEPLOYMENT
from responder.incidents.incident import Incident
from responder.incidents.stored import read_incident
from responder.metrics import Metrics
from responder.reconcile.slimming import slim_autoscaler, slim_config_map, slim_deployment
from responder.reconcile.view import IncidentKey, View

_HELD: tuple[tuple[Resource, str, Callable[[JsonObject], JsonObject]], ...] = (
    (DEPLOYMENTS, DEPLOYMENT, slim_deployment),
    (HPAS, AUTOSCALER, slim_autoscaler),
    (CONFIGMAPS, "ConfigMap", slim_config_map),
)


class Feeds:
    """One watch for each resource and namespace that matters."""

    def __init__(
        self,
        api: KubernetesApi,
        view: View,
        *,
        home: str,
        target_namespaces: Sequence[str],
        metrics: Metrics,
        on_back: Callable[[], None] = lambda: None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`on_back` is called whenever a watch that had broken lives again."""
        self._metrics = metrics
        self._caches: list[tuple[str, str, WatchCache[Any]]] = []
        incidents = WatchCache(
            api,
            INCIDENTS,
            namespace=home,
            transform=read_incident,
            known=view.known_incident,
            on_change=_incident_changed(view),
            on_restored=view.distrust_incidents,
            on_back=on_back,
            monotonic=monotonic,
        )
        self._caches.append((INCIDENTS.plural, home, incidents))
        for resource, kind, slim in _HELD:
            for each in target_namespaces:
                cache = WatchCache(
                    api,
                    resource,
                    namespace=each,
                    transform=slim,
                    on_change=_object_changed(view, kind),
                    on_restored=functools.partial(view.distrust_objects, kind, each),
                    on_back=on_back,
                    monotonic=monotonic,
                )
                self._caches.append((resource.plural, each, cache))

    async def run(self) -> None:
        """Run every watch until it is cancelled."""
        async with asyncio.TaskGroup() as group:
            for _, _, cache in self._caches:
                group.create_task(cache.run())

    async def wait_synced(self) -> None:
        for _, _, cache in self._caches:
            await cache.wait_synced()

    def measure(self) -> None:
        """Bring the gauges up to date."""
        for plural, each, cache in self._caches:
            gauge = self._metrics.cache_synced.labels(resource=plural, namespace=each)
            gauge.set(cache.synced)

    def not_synced(self) -> list[str]:
        """Name the watches that are not in sync, with the reason where it is known."""
        if all(cache.synced for _, _, cache in self._caches):
            return []
        waiting: list[str] = []
        for plural, each, cache in self._caches:
            if not cache.synced:
                why = f": {cache.last_failure.message}" if cache.last_failure else ""
                waiting.append(f"the watch of {plural} in {each} is not in sync{why}")
        return waiting


def _incident_changed(
    view: View,
) -> Callable[[str, Incident | None, Incident | None], None]:
    def changed(kind: str, old: Incident | None, new: Incident | None) -> None:
        if new is not None:
            view.put_incident(new, anew=kind == "added")
        elif old is not None:
            view.drop_incident(IncidentKey(old.namespace, old.name), uid=old.uid)

    return changed


def _object_changed(
    view: View, kind: str
) -> Callable[[str, JsonObject | None, JsonObject | None], None]:
    def changed(_kind: str, old: JsonObject | None, new: JsonObject | None) -> None:
        if new is not None:
            view.put_object(kind, new)
        elif old is not None:
            view.drop_object(ObjectKey(kind, namespace(old), name(old)))

    return changed


async def load_view(
    api: KubernetesApi, view: View, *, home: str, target_namespaces: Sequence[str]
) -> bool:
    """Fill the view by lists, for a command that ends; False where no incidents are served."""
    served = True
    try:
        listed = await api.list(INCIDENTS, namespace=home)
        for item in listed.items:
            view.put_incident(read_incident(item))
    except (NotFound, NotServed):
        served = False
    for resource, kind, slim in _HELD:
        for each in target_namespaces:
            for item in (await api.list(resource, namespace=each)).items:
                view.put_object(kind, slim(item))
    return served

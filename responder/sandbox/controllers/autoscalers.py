"""Autoscalers keep replicas within their bounds, from time to time, as the real one does."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from responder.sandbox.api.failures import Json, Refused
from responder.sandbox.api.kinds import Kind, Kinds
from responder.sandbox.api.operations import Operations, Options
from responder.sandbox.api.scale import scale_of, scaled
from responder.sandbox.api.store import Place, Store
from responder.sandbox.controllers.workloads import DEPLOYMENTS

AUTOSCALERS: Final = "horizontalpodautoscalers.autoscaling"
_CONTROLLER: Final = Options(manager="kube-controller-manager")


class Autoscalers:
    """Syncs every autoscaler each so many seconds; none has a metric, so bounds alone count."""

    def __init__(
        self, store: Store, kinds: Kinds, operations: Operations, *, sync_seconds: float
    ) -> None:
        self._store = store
        self._kinds = kinds
        self._operations = operations
        self._sync_seconds = sync_seconds

    async def run(self) -> None:
        """Sync until it is cancelled."""
        while True:
            for autoscaler in self._store.items(AUTOSCALERS):
                self.sync(autoscaler)
            await asyncio.sleep(self._sync_seconds)

    def sync(self, autoscaler: Json) -> None:
        """Bring one workload within the bounds of its autoscaler."""
        metadata, spec = autoscaler["metadata"], autoscaler["spec"]
        reference = spec.get("scaleTargetRef") or {}
        namespace = str(metadata["namespace"])
        place = Place(DEPLOYMENTS, namespace, str(reference.get("name", "")))
        live = self._store.get(place)
        if live is None or reference.get("kind") != "Deployment":
            return
        replicas = int(live["spec"].get("replicas", 1))
        lowest, highest = int(spec.get("minReplicas", 1)), int(spec["maxReplicas"])
        if replicas == 0 and lowest != 0:
            self._tell(autoscaler, replicas, active=False)
            return
        wanted = min(max(replicas, lowest), highest)
        if wanted != replicas:
            scale = scale_of(live)
            scale["spec"] = {"replicas": wanted}
            try:
                self._operations.update(
                    self._kind("apps", "v1", "deployments"),
                    namespace,
                    place.name,
                    scaled(live, scale),
                    _CONTROLLER,
                    part="scale",
                )
            except Refused:
                return
        self._tell(autoscaler, wanted, active=True)

    def _kind(self, group: str, version: str, plural: str) -> Kind:
        kind = self._kinds.find(group, version, plural)
        if kind is None:
            raise LookupError(plural)
        return kind

    def _tell(self, autoscaler: Json, replicas: int, *, active: bool) -> None:
        metadata = autoscaler["metadata"]
        before = autoscaler.get("status") or {}
        condition = {
            "type": "ScalingActive",
            "status": "True" if active else "False",
            "reason": "ValidMetricFound" if active else "ScalingDisabled",
            "message": "" if active else "scaling is disabled since the replica count is zero",
        }
        if before.get("currentReplicas") == replicas and _said(before) == condition:
            return
        told = {**condition, "lastTransitionTime": self._operations.moment()}
        status = {"currentReplicas": replicas, "desiredReplicas": replicas, "conditions": [told]}
        self._operations.update(
            self._kind("autoscaling", "v2", "horizontalpodautoscalers"),
            str(metadata["namespace"]),
            str(metadata["name"]),
            {**autoscaler, "status": status},
            _CONTROLLER,
            part="status",
        )


def _said(status: Mapping[str, Any]) -> Json:
    for condition in status.get("conditions") or ():
        return {key: value for key, value in condition.items() if key != "lastTransitionTime"}
    return {}

"""The held objects as a person sees them with kubectl, and what must never be left on them."""

import json
from dataclasses import dataclass
from typing import Any

from tests.controlplane.eventually import eventually_blocking
from tests.controlplane.kube import Kube

DEPLOYMENTS = ("apps/v1", "deployments")
AUTOSCALERS = ("autoscaling/v2", "horizontalpodautoscalers")
CONFIG_MAPS = ("v1", "configmaps")
INCIDENTS = ("campaign-responder.dev/v1alpha1", "incidents")
CREATOR = "campaign-responder-create"
"""Of `sending-holds`, which is ours and stays."""
LEDGER = "campaign-responder.dev/ledger"


@dataclass(frozen=True, slots=True)
class Cluster:
    """The sample sender's objects in one namespace."""

    kube: Kube

    def deployment(self, name: str = "email-sender") -> dict[str, Any]:
        return self.kube.get(*DEPLOYMENTS, name)

    def autoscaler(self, name: str = "email-sender-hpa") -> dict[str, Any]:
        return self.kube.get(*AUTOSCALERS, name)

    def config_map(self, name: str = "spring-sale") -> dict[str, Any]:
        return self.kube.get(*CONFIG_MAPS, name)

    def incidents(self) -> list[dict[str, Any]]:
        return self.kube.items(*INCIDENTS)

    def open_incidents(self) -> list[dict[str, Any]]:
        return [item for item in self.incidents() if phase(item) != "Closed"]

    def replicas(self) -> int:
        return int(self.deployment()["spec"]["replicas"])

    def bounds(self) -> tuple[int, int]:
        spec = self.autoscaler()["spec"]
        return spec["minReplicas"], spec["maxReplicas"]

    def hold(self, name: str = "spring-sale") -> dict[str, Any] | None:
        """Give the hold document of a campaign, None where it isn't held."""
        text = (self.config_map(name).get("data") or {}).get("hold.json")
        return None if text is None else json.loads(text)

    def pods(self) -> int:
        return sum(
            "deletionTimestamp" not in pod["metadata"] for pod in self.kube.items("v1", "pods")
        )

    def ledger(self, live: dict[str, Any]) -> dict[str, Any] | None:
        text = (live["metadata"].get("annotations") or {}).get(LEDGER)
        return None if text is None else json.loads(text)

    def objects(self) -> list[dict[str, Any]]:
        """Give every object that could be held in the namespace."""
        return [
            item
            for api, plural in (DEPLOYMENTS, AUTOSCALERS, CONFIG_MAPS)
            for item in self.kube.items(api, plural)
        ]

    def snapshot(self) -> dict[str, Any]:
        """Give what may be compared to the byte: specs, data, labels, annotations."""
        return {
            f"{plural}/{item['metadata']['name']}": {
                "spec": item.get("spec"),
                "data": item.get("data"),
                "labels": item["metadata"].get("labels"),
                "annotations": {
                    key: value
                    for key, value in (item["metadata"].get("annotations") or {}).items()
                    if key != "deployment.kubernetes.io/revision"
                },
            }
            for api, plural in (DEPLOYMENTS, AUTOSCALERS, CONFIG_MAPS)
            for item in self.kube.items(api, plural)
        }

    def traces(self) -> list[str]:
        """Name whatever of ours is left on any object: nothing may be, once all is given back."""
        found = []
        for item in self.objects():
            name = item["metadata"]["name"]
            if LEDGER in (item["metadata"].get("annotations") or {}):
                found.append(f"{name}: ledger")
            found += [f"{name}: key {key}" for key in item.get("data") or {} if key == "hold.json"]
            found += [
                f"{name}: managedFields of {entry['manager']}"
                for entry in item["metadata"].get("managedFields") or ()
                if entry["manager"].startswith("campaign-responder") and entry["manager"] != CREATOR
            ]
        return found

    def wait_closed(self) -> None:
        eventually_blocking(
            lambda: self.incidents() and not self.open_incidents(), what="every incident is closed"
        )


def phase(incident: dict[str, Any]) -> str:
    return str((incident.get("status") or {}).get("phase", ""))

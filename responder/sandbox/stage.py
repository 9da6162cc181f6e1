"""What a scenario needs in the cluster: our definition, its workloads, its campaigns."""

import re
from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any, Final

import yaml

from responder.holds.objects import (
    CAMPAIGN_MARK,
    HOLD_ALLOWED,
    HOLD_LABEL,
    PREFIX,
    SENDING_HOLDS,
    WORKLOADS_ANNOTATION,
)
from responder.playbooks.names import LONGEST_LABEL
from responder.sandbox.api.failures import Refused
from responder.sandbox.api.kinds import Kind
from responder.sandbox.api.server import Running
from responder.sandbox.api.strategy import Options
from responder.sandbox.audit.versions import AUTOSCALER, CONFIG_MAP, DEPLOYMENT
from responder.sandbox.scenario.schema import Campaign, Scenario, Workload
from responder.shipped import MANIFESTS

Json = dict[str, Any]
NAMESPACE: Final = "mail"
_NAME: Final = re.compile("[a-z0-9]([-a-z0-9]*[a-z0-9])?")
PERSON: Final = "kubectl"


class Stage:
    """The cluster as the sandbox's people and senders see it."""

    def __init__(self, api: Running, scenario: Scenario) -> None:
        self._objects = api.objects
        self._scenario = scenario
        self._config_maps = config_map_names([each.name for each in scenario.spec.campaigns])

    @property
    def config_maps(self) -> Mapping[str, str]:
        """The ConfigMap of each campaign: not every id can be the name of one."""
        return self._config_maps

    def set_up(self) -> None:
        """Create everything."""
        definition = yaml.safe_load((MANIFESTS / "crd.yaml").read_text(encoding="utf-8"))
        self._create("apiextensions.k8s.io/v1", "CustomResourceDefinition", "", definition)
        self._create("v1", "Namespace", "", {"metadata": {"name": NAMESPACE}})
        for workload in self._scenario.spec.workloads:
            self._create("apps/v1", DEPLOYMENT, NAMESPACE, _deployment(workload))
            if workload.autoscaler is not None:
                self._create("autoscaling/v2", AUTOSCALER, NAMESPACE, _autoscaler(workload))
        for campaign in self._scenario.spec.campaigns:
            name = self._config_maps[campaign.name]
            body = _config_map(campaign, name, workload=self.workload_of(campaign))
            self._create("v1", CONFIG_MAP, NAMESPACE, body)

    def workload_of(self, campaign: Campaign) -> str:
        return campaign.workload or self._scenario.spec.workloads[0].name

    def scale(self, workload: str, replicas: int) -> str:
        """Scale it as a person does; gives why it was refused, as where somebody has deleted it."""

        def scaled(body: Json) -> Json:
            return {**body, "spec": {**body["spec"], "replicas": replicas}}

        kind = self._kind("apps/v1", DEPLOYMENT)
        options = Options(PERSON)
        try:
            self._objects.update(kind, NAMESPACE, workload, scaled, options, subresource="scale")
        except Refused as refused:
            return refused.message
        return ""

    def _kind(self, api_version: str, name: str) -> Kind:
        kind = self._objects.kinds.of(api_version, name)
        if kind is None:
            raise LookupError(f"{name} is not served")
        return kind

    def _create(self, api_version: str, kind: str, namespace: str, body: Json) -> None:
        found = self._kind(api_version, kind)
        self._objects.create(found, namespace, body, Options(PERSON))

    # -- what the senders are told

    async def read_config_map(self, name: str) -> Mapping[str, str] | None:
        """Give the data of a ConfigMap; None where there is none."""
        kind = self._kind("v1", CONFIG_MAP)
        found = self._objects.store.get(kind.key, (NAMESPACE, name))
        return None if found is None else found.get("data") or {}

    async def ready_replicas(self, workload: str) -> int:
        """Give how many pods are ready."""
        kind = self._kind("apps/v1", DEPLOYMENT)
        found = self._objects.store.get(kind.key, (NAMESPACE, workload)) or {}
        return int((found.get("status") or {}).get("readyReplicas") or 0)


def config_map_names(campaigns: Sequence[str]) -> dict[str, str]:
    """Name a ConfigMap for each campaign: like it where that can be, else by a number."""
    likely = {name for name in campaigns if _NAME.fullmatch(name)} - {SENDING_HOLDS}
    numbered = (f"campaign-{number}" for number in count())
    free = (name for name in numbered if name not in likely)
    return {name: name if name in likely else next(free) for name in campaigns}


def _labels(*, allowed: bool) -> Json:
    return {HOLD_LABEL: HOLD_ALLOWED} if allowed else {}


def _deployment(workload: Workload) -> Json:
    labels = {"app": workload.name[:LONGEST_LABEL].rstrip("-.")}
    container = {"name": "sender", "image": "sandbox.invalid/sender"}
    return {
        "metadata": {
            "name": workload.name,
            "labels": {**labels, **_labels(allowed=workload.hold_allowed)},
        },
        "spec": {
            "replicas": workload.replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }


def _autoscaler(workload: Workload) -> Json:
    bounds = workload.autoscaler
    reference = {"apiVersion": "apps/v1", "kind": DEPLOYMENT, "name": workload.name}
    return {
        "metadata": {
            "name": f"{workload.name}-hpa",
            "labels": _labels(allowed=workload.hold_allowed),
        },
        "spec": {
            "scaleTargetRef": reference,
            "minReplicas": bounds.min if bounds else 1,
            "maxReplicas": bounds.max if bounds else 1,
        },
    }


def _config_map(campaign: Campaign, name: str, *, workload: str) -> Json:
    metadata: Json = {"name": name}
    if campaign.stream == "transactional":
        metadata["labels"] = {PREFIX + "stream": "transactional", "stream": "transactional"}
        metadata["annotations"] = {WORKLOADS_ANNOTATION: workload, CAMPAIGN_MARK: campaign.name}
    else:
        metadata["annotations"] = {CAMPAIGN_MARK: campaign.name}
    return {
        "metadata": metadata,
        "data": {"messages-per-minute": f"{campaign.per_minute:g}", "pool": campaign.pool},
    }

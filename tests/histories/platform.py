"""The cluster of a history: its objects, its playbooks, and the other people who write."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from responder.holds.objects import CAMPAIGN_MARK, HOLD_ALLOWED, HOLD_LABEL, PREFIX
from responder.sandbox.api.failures import Refused
from responder.sandbox.api.kinds import Kind
from responder.sandbox.api.server import Running
from responder.sandbox.api.strategy import Options
from responder.settings import Settings
from responder.shipped import MANIFESTS, METRICS

Json = dict[str, Any]
Place = tuple[str, str]
NAMESPACE: Final = "mail"
CAMPAIGNS: Final = ("spring-sale", "newsletter")
POOL: Final = "bulk"
REPLICAS, BOUNDS = 8, (2, 20)
KINDS: Final = {
    "Deployment": "apps/v1",
    "HorizontalPodAutoscaler": "autoscaling/v2",
    "ConfigMap": "v1",
    "Incident": "campaign-responder.dev/v1alpha1",
}
PLAYBOOKS: Final = {
    "steps": """
spec:
  matchers: [alertname="Steps"]
  incidentPer: [campaign]
  holds:
    - pause: {campaign: "{{ labels.campaign }}"}
    - scale: {deployment: sender, to: 2}
  resume:
    start: {after: 60s, acknowledged: true}
    steps: [{share: 10%, for: 40s, sends: 100}, {share: 50%, for: 40s, sends: 100}]
    check: {query: 'sum(check_value{about="{{ labels.campaign }}"})', max: 5}
    volume: {query: 'sum(volume_value{about="{{ labels.campaign }}"}[{{ window }}])'}
  reviewAfter: 20m
""",
    "zero": """
spec:
  matchers: [alertname="Zero"]
  incidentPer: [campaign]
  holds: [{scale: {deployment: sender, to: 0}}, {scale: {deployment: lone, to: 1}}]
  resume: {start: {after: 30s}}
""",
    "stages": """
spec:
  matchers: [alertname="Stages"]
  incidentPer: [campaign]
  holds: [{throttle: {campaign: "{{ labels.campaign }}", to: 50%}}]
  escalate:
    - when: {query: 'sum(stage_value{about="{{ labels.campaign }}"})', min: 5, for: 40s}
      holds: [{pause: {campaign: "{{ labels.campaign }}"}}, {scale: {deployment: lone, to: 2}}]
  resume:
    start: {after: 40s}
    check: {query: 'sum(check_value{about="{{ labels.campaign }}"})', max: 5}
""",
    "proposed": """
spec:
  mode: approve
  approval: {within: 2m, otherwise: act}
  matchers: [alertname="Proposed"]
  incidentPer: [pool]
  holds: [{pause: {pool: "{{ labels.pool }}"}}]
  resume: {start: {after: 30s}}
""",
    "by-hand": """
spec:
  mode: approve
  approval: {within: 2m, otherwise: expire}
  matchers: [alertname="ByHand"]
  incidentPer: [campaign]
  holds:
    - set:
        campaign: "{{ labels.campaign }}"
        key: state
        to: paused
        order: [active, slow, paused]
  resume: manual
""",
    "watched": """
spec:
  mode: observe
  matchers: [alertname="Watched"]
  incidentPer: [campaign]
  holds: [{pause: {campaign: "{{ labels.campaign }}"}}]
""",
}
ALERTS: Final = ("Steps", "Zero", "Stages", "Proposed", "ByHand", "Watched")


@dataclass(slots=True)
class Platform:
    """What people other than the responder do to objects, and what these would be without it."""

    api: Running
    folder: Path
    without_us: dict[Place, Json] = field(default_factory=dict)
    """The fields of each object as somebody else last wrote them."""

    def set_up(self) -> None:
        definition = yaml.safe_load((MANIFESTS / "crd.yaml").read_text(encoding="utf-8"))
        self._create("apiextensions.k8s.io/v1", "CustomResourceDefinition", "", definition)
        self._create("v1", "Namespace", "", {"metadata": {"name": NAMESPACE}})
        for name in ("sender", "lone", *CAMPAIGNS):
            self.create(*_place_of(name))
        self.create("HorizontalPodAutoscaler", "sender-hpa")
        (self.folder / "playbooks").mkdir()
        for name in PLAYBOOKS:
            self.write_playbook(name)

    def write_playbook(self, name: str, *, changed: bool = False) -> None:
        """Write it as it was at first, or with another limit and another cool-down."""
        body = {"metadata": {"name": name}, **yaml.safe_load(PLAYBOOKS[name])}
        text = yaml.safe_dump(body, sort_keys=False)
        if changed:
            text = text.replace("to: 50%", "to: 30%").replace("after: ", "after: 1")
        (self.folder / "playbooks" / f"{name}.yaml").write_text(text, encoding="utf-8")

    def remove_playbook(self, name: str) -> None:
        (self.folder / "playbooks" / f"{name}.yaml").unlink(missing_ok=True)

    def settings(self, *, fakes: str, listen: str = "127.0.0.1:0") -> Settings:
        kubeconfig = self.folder / "kubeconfig"
        if not kubeconfig.exists():
            self.api.write_kubeconfig(kubeconfig, namespace=NAMESPACE)
            (self.folder / "metrics").mkdir()
            shutil.copy(METRICS / "attempts.yaml", self.folder / "metrics")
        return Settings(
            listen=listen,
            kubeconfig=kubeconfig,
            namespace=NAMESPACE,
            playbooks=self.folder / "playbooks",
            metrics=self.folder / "metrics",
            prometheus_url=fakes,
            scrape_interval_seconds=1,
            evidence_interval_seconds=10,
            alertmanager_urls=(fakes,),
            alertmanager_interval_seconds=60,
            alertmanager_grace_seconds=60,
            contest_pauses_seconds=(0.0, 0.0, 1.0, 2.0),
            contest_rest_seconds=20,
            contest_calm_seconds=60,
        )

    # -- objects, and people who write them

    def kind(self, name: str) -> Kind:
        kind = self.api.objects.kinds.of(KINDS.get(name, "v1"), name)
        assert kind is not None, name
        return kind

    def get(self, kind: str, name: str) -> Json | None:
        return self.api.objects.store.get(self.kind(kind).key, (NAMESPACE, name))

    def listed(self, kind: str) -> list[Json]:
        return self.api.objects.store.listed(self.kind(kind).key, NAMESPACE)

    def create(self, kind: str, name: str) -> None:
        """Make an object anew as it was in the beginning, where it is not there."""
        if self.get(kind, name) is None:
            body = _FIRST[kind](name)
            self._create(KINDS[kind], kind, NAMESPACE, body)
            self.without_us[kind, name] = _fields(kind, body)

    def delete(self, kind: str, name: str) -> bool:
        try:
            self.api.objects.delete(self.kind(kind), NAMESPACE, name, {})
        except Refused:
            return False
        self.without_us.pop((kind, name), None)
        if kind == "HorizontalPodAutoscaler":
            # What it set them to last stays, whatever they were before it came.
            self.without_us.get(("Deployment", "sender"), {}).pop("replicas", None)
        return True

    def write(self, kind: str, name: str, fields: Json, *, by: str) -> bool:
        """Write some fields over whatever stands there, as a person or a controller does."""

        def change(body: Json) -> Json:
            part = "data" if kind == "ConfigMap" else "spec"
            merged = {**(body.get(part) or {}), **fields}
            return {**body, part: {k: v for k, v in merged.items() if v is not None}}

        before = _fields(kind, self.get(kind, name) or {})
        try:
            self.api.objects.update(self.kind(kind), NAMESPACE, name, change, Options(by))
        except Refused:
            return False
        # What stands there already is no edit, whoever writes it.
        changed = {key: value for key, value in fields.items() if before.get(key) != value}
        self.without_us.setdefault((kind, name), {}).update(changed)
        return True

    def _create(self, api_version: str, kind: str, namespace: str, body: Json) -> None:
        found = self.api.objects.kinds.of(api_version, kind)
        assert found is not None, kind
        self.api.objects.create(found, namespace, body, Options("kubectl"))


def _place_of(name: str) -> Place:
    return ("ConfigMap" if name in CAMPAIGNS else "Deployment", name)


def _deployment(name: str) -> Json:
    labels = {"app": name}
    container = {"name": "sender", "image": "none.invalid/sender"}
    return {
        "metadata": {"name": name, "labels": {**labels, HOLD_LABEL: HOLD_ALLOWED}},
        "spec": {
            "replicas": REPLICAS,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }


def _autoscaler(name: str) -> Json:
    reference = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "sender"}
    return {
        "metadata": {"name": name, "labels": {HOLD_LABEL: HOLD_ALLOWED}},
        "spec": {
            "scaleTargetRef": reference, "minReplicas": BOUNDS[0], "maxReplicas": BOUNDS[1]
        },
    }  # fmt: skip


def _campaign(name: str) -> Json:
    return {
        "metadata": {
            "name": name,
            "labels": {CAMPAIGN_MARK: name, HOLD_LABEL: HOLD_ALLOWED},
            "annotations": {PREFIX + "keys": "state"},
        },
        "data": {"subject": "hello", "state": "active"},
    }


_FIRST: Final[dict[str, Callable[[str], Json]]] = {
    "Deployment": _deployment,
    "HorizontalPodAutoscaler": _autoscaler,
    "ConfigMap": _campaign,
}


def _fields(kind: str, body: Json) -> Json:
    if kind == "ConfigMap":
        return dict(body.get("data") or {})
    names = ("replicas", "minReplicas", "maxReplicas")
    spec = body.get("spec") or {}
    return {name: spec[name] for name in names if name in spec}

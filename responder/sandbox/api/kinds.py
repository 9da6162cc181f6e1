"""What is served: each kind with its names, its subresources, its defaults and its rules."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from responder.sandbox.api import structural
from responder.sandbox.api.builtin import (
    defaulted_autoscaler,
    defaulted_deployment,
    wrong_autoscaler,
    wrong_config_map,
    wrong_deployment,
    wrong_event,
    wrong_lease,
)
from responder.sandbox.api.failures import Cause

Json = dict[str, Any]
Check = Callable[[Json, Json | None], list[Cause]]


@dataclass(frozen=True, slots=True)
class Column:
    """One column of `kubectl get`."""

    name: str
    path: str
    type: str = "string"
    priority: int = 0


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind as one version of its group serves it; `group` is "" for the core."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool = True
    short_names: tuple[str, ...] = ()
    has_status: bool = False
    scales: bool = False
    counts_generations: bool = False
    columns: tuple[Column, ...] = ()
    custom: bool = False
    """Of a CustomResourceDefinition."""
    default: Callable[[Json], Json] = lambda body: body
    check: Check = lambda _body, _old: []
    unconditional_update: bool = True
    """A PUT without a resourceVersion is taken."""
    verbs: tuple[str, ...] = (
        "create",
        "delete",
        "deletecollection",
        "get",
        "list",
        "patch",
        "update",
        "watch",
    )

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def resource(self) -> str:
        """The plural with its group: how storage and refusals name it."""
        return f"{self.plural}.{self.group}" if self.group else self.plural


def _core(plural: str, kind: str, **told: Any) -> Kind:  # noqa: ANN401 -- Kind's own
    return Kind("", "v1", plural, kind, **told)


_BUILT_IN = (
    _core("namespaces", "Namespace", namespaced=False, short_names=("ns",), has_status=True),
    _core("configmaps", "ConfigMap", short_names=("cm",), check=wrong_config_map),
    _core("secrets", "Secret"),
    _core("services", "Service", short_names=("svc",), has_status=True),
    _core("serviceaccounts", "ServiceAccount", short_names=("sa",)),
    _core("pods", "Pod", short_names=("po",), has_status=True),
    Kind(
        "apps",
        "v1",
        "deployments",
        "Deployment",
        short_names=("deploy",),
        has_status=True,
        scales=True,
        counts_generations=True,
        default=defaulted_deployment,
        check=wrong_deployment,
    ),
    Kind(
        "apps",
        "v1",
        "replicasets",
        "ReplicaSet",
        short_names=("rs",),
        has_status=True,
        scales=True,
        counts_generations=True,
    ),
    Kind(
        "autoscaling",
        "v2",
        "horizontalpodautoscalers",
        "HorizontalPodAutoscaler",
        short_names=("hpa",),
        has_status=True,
        default=defaulted_autoscaler,
        check=wrong_autoscaler,
    ),
    Kind(
        "coordination.k8s.io",
        "v1",
        "leases",
        "Lease",
        check=wrong_lease,
        unconditional_update=False,
    ),
    Kind("events.k8s.io", "v1", "events", "Event", short_names=("ev",), check=wrong_event),
    Kind("rbac.authorization.k8s.io", "v1", "roles", "Role"),
    Kind("rbac.authorization.k8s.io", "v1", "rolebindings", "RoleBinding"),
    Kind("rbac.authorization.k8s.io", "v1", "clusterroles", "ClusterRole", namespaced=False),
    Kind(
        "rbac.authorization.k8s.io",
        "v1",
        "clusterrolebindings",
        "ClusterRoleBinding",
        namespaced=False,
    ),
    Kind(
        "apiextensions.k8s.io",
        "v1",
        "customresourcedefinitions",
        "CustomResourceDefinition",
        namespaced=False,
        short_names=("crd", "crds"),
        has_status=True,
        counts_generations=True,
    ),
    Kind(
        "admissionregistration.k8s.io",
        "v1",
        "validatingadmissionpolicies",
        "ValidatingAdmissionPolicy",
        namespaced=False,
        has_status=True,
    ),
    Kind(
        "admissionregistration.k8s.io",
        "v1",
        "validatingadmissionpolicybindings",
        "ValidatingAdmissionPolicyBinding",
        namespaced=False,
    ),
)


@dataclass(slots=True)
class Kinds:
    """Every kind that is served; custom ones come and go with their definitions."""

    _found: dict[tuple[str, str, str], Kind] = field(
        default_factory=lambda: {
            (kind.group, kind.version, kind.plural): kind for kind in _BUILT_IN
        }
    )

    def find(self, group: str, version: str, plural: str) -> Kind | None:
        return self._found.get((group, version, plural))

    def all(self) -> list[Kind]:
        return list(self._found.values())

    def of_group(self, group: str, version: str) -> list[Kind]:
        return [kind for kind in self.all() if (kind.group, kind.version) == (group, version)]

    def define(self, definition: Mapping[str, Any]) -> None:
        """Serve what a CustomResourceDefinition defines."""
        for kind in custom_kinds(definition):
            self._found[kind.group, kind.version, kind.plural] = kind

    def undefine(self, definition: Mapping[str, Any]) -> None:
        for kind in custom_kinds(definition):
            self._found.pop((kind.group, kind.version, kind.plural), None)


def custom_kinds(definition: Mapping[str, Any]) -> list[Kind]:
    """Read the kinds of a CustomResourceDefinition."""
    spec = definition["spec"]
    names = spec["names"]
    return [
        Kind(
            str(spec["group"]),
            str(version["name"]),
            str(names["plural"]),
            str(names["kind"]),
            namespaced=spec.get("scope") != "Cluster",
            short_names=tuple(names.get("shortNames") or ()),
            has_status="status" in (version.get("subresources") or {}),
            counts_generations=True,
            columns=tuple(
                Column(
                    str(column["name"]),
                    str(column["jsonPath"]),
                    str(column.get("type", "string")),
                    int(column.get("priority", 0)),
                )
                for column in version.get("additionalPrinterColumns") or ()
            ),
            custom=True,
            unconditional_update=False,
            **_by_schema((version.get("schema") or {}).get("openAPIV3Schema") or {}),
        )
        for version in spec["versions"]
        if version.get("served", True)
    ]


def _by_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "default": lambda body: structural.pruned(body, schema),
        "check": lambda body, old: structural.causes(body, schema, old=old),
    }

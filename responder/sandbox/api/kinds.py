"""Which kinds are served, and what is particular to each."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

SYSTEM_VERBS: Final = (
    *("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"),
)
_TERMINATING_VERBS: Final = ("delete", "deletecollection", "get", "list", "watch")


class Column(NamedTuple):
    """One of what `kubectl get` prints; `path` are keys, or a JSONPath with a leading dot."""

    name: str
    path: str
    type: str = "string"
    priority: int = 0


@dataclass(frozen=True, slots=True)
class Kind:
    """One resource, as discovery tells of it."""

    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool = True
    short: tuple[str, ...] = ()
    subresources: tuple[str, ...] = ()
    columns: tuple[Column, ...] = ()
    generation: bool = False
    verbs: tuple[str, ...] = SYSTEM_VERBS
    stored_as: tuple[str, str] = ("", "")
    schema: Mapping[str, Any] | None = field(default=None, hash=False, compare=False)

    @property
    def api_version(self) -> str:
        """As objects carry it."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def resource(self) -> str:
        """As messages name it: deployments.apps."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def key(self) -> tuple[str, str]:
        """Under what its objects are stored; core's events are those of events.k8s.io."""
        return self.stored_as if self.stored_as[1] else (self.group, self.plural)

    @property
    def custom(self) -> bool:
        """Defined by a CustomResourceDefinition."""
        return self.schema is not None

    @property
    def terminating(self) -> bool:
        """Its definition is being deleted; patches still work, whatever discovery says."""
        return self.verbs == _TERMINATING_VERBS

    @property
    def versioned_updates(self) -> bool:
        """Whether a PUT needs the version that it was made of."""
        return self.custom or self.plural == "leases"


_AGE: Final = Column("Age", ".metadata.creationTimestamp", "date")
_STATUS: Final = ("status",)
_SCALED: Final = ("status", "scale")
_RBAC: Final = "rbac.authorization.k8s.io"
_ADMISSION: Final = "admissionregistration.k8s.io"
_CREATE: Final = ("create",)

BUILT_IN: Final = (
    Kind("", "v1", "Namespace", "namespaces", False, ("ns",), _STATUS,
         (Column("Status", ".status.phase"), _AGE)),
    Kind("", "v1", "ConfigMap", "configmaps", True, ("cm",), (),
         (Column("Data", "count:data", "integer"), _AGE)),
    Kind("", "v1", "Secret", "secrets", True, (), (),
         (Column("Type", ".type"), Column("Data", "count:data", "integer"), _AGE)),
    Kind("", "v1", "Service", "services", True, ("svc",), _STATUS,
         (Column("Type", ".spec.type"), Column("Cluster-IP", ".spec.clusterIP"), _AGE)),
    Kind("", "v1", "ServiceAccount", "serviceaccounts", True, ("sa",), ("token",), (_AGE,)),
    Kind("", "v1", "Pod", "pods", True, ("po",), _STATUS,
         (Column("Ready", "ready"), Column("Status", ".status.phase"),
          Column("Restarts", "restarts", "integer"), _AGE), generation=True),
    Kind("", "v1", "Event", "events", True, ("ev",), (),
         (Column("Last Seen", ".lastTimestamp", "date"), Column("Type", ".type"),
          Column("Reason", ".reason"), Column("Object", "involved"), Column("Message", ".message")),
         stored_as=("events.k8s.io", "events")),
    Kind("events.k8s.io", "v1", "Event", "events", True, ("ev",), (),
         (Column("Last Seen", ".eventTime", "date"), Column("Type", ".type"),
          Column("Reason", ".reason"), Column("Object", "regarding"), Column("Message", ".note"))),
    Kind("apps", "v1", "Deployment", "deployments", True, ("deploy",), _SCALED,
         (Column("Ready", "available"),
          Column("Up-to-date", ".status.updatedReplicas", "integer"),
          Column("Available", ".status.availableReplicas", "integer"), _AGE), generation=True),
    Kind("apps", "v1", "ReplicaSet", "replicasets", True, ("rs",), _SCALED,
         (Column("Desired", ".spec.replicas", "integer"),
          Column("Current", ".status.replicas", "integer"),
          Column("Ready", ".status.readyReplicas", "integer"), _AGE), generation=True),
    Kind("autoscaling", "v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers", True,
         ("hpa",), _STATUS,
         (Column("Reference", "reference"), Column("Targets", "targets"),
          Column("MinPods", ".spec.minReplicas", "integer"),
          Column("MaxPods", ".spec.maxReplicas", "integer"),
          Column("Replicas", ".status.currentReplicas", "integer"), _AGE)),
    Kind("coordination.k8s.io", "v1", "Lease", "leases", True, (), (),
         (Column("Holder", ".spec.holderIdentity"), _AGE)),
    Kind("apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions",
         False, ("crd", "crds"), _STATUS,
         (Column("Created At", ".metadata.creationTimestamp"),), generation=True),
    Kind(_RBAC, "v1", "Role", "roles", columns=(_AGE,)),
    Kind(_RBAC, "v1", "RoleBinding", "rolebindings", columns=(_AGE,)),
    Kind(_RBAC, "v1", "ClusterRole", "clusterroles", False, columns=(_AGE,)),
    Kind(_RBAC, "v1", "ClusterRoleBinding", "clusterrolebindings", False, columns=(_AGE,)),
    Kind(_ADMISSION, "v1", "ValidatingAdmissionPolicy", "validatingadmissionpolicies", False,
         (), _STATUS, (_AGE,), generation=True),
    Kind(_ADMISSION, "v1", "ValidatingAdmissionPolicyBinding",
         "validatingadmissionpolicybindings", False, columns=(_AGE,)),
    Kind("authentication.k8s.io", "v1", "TokenReview", "tokenreviews", False, verbs=_CREATE),
    Kind("authorization.k8s.io", "v1", "SubjectAccessReview", "subjectaccessreviews", False,
         verbs=_CREATE),
    Kind("authorization.k8s.io", "v1", "SelfSubjectAccessReview", "selfsubjectaccessreviews",
         False, verbs=_CREATE),
    Kind("authorization.k8s.io", "v1", "SelfSubjectRulesReview", "selfsubjectrulesreviews",
         False, verbs=_CREATE),
)  # fmt: skip
NAMESPACE: Final = next(kind for kind in BUILT_IN if kind.kind == "Namespace")
DEFINITION: Final = next(kind for kind in BUILT_IN if kind.kind == "CustomResourceDefinition")


def defined(definition: Mapping[str, Any]) -> list[Kind]:
    """The kinds, one per served version, of a CustomResourceDefinition."""
    spec = definition["spec"]
    names = spec["names"]
    going = "deletionTimestamp" in definition["metadata"]
    kinds = []
    for version in spec.get("versions", ()):
        if not version.get("served"):
            continue
        columns = tuple(
            Column(column["name"], column["jsonPath"], column["type"], column.get("priority", 0))
            for column in version.get("additionalPrinterColumns", ())
        )
        kinds.append(
            Kind(
                spec["group"],
                version["name"],
                names["kind"],
                names["plural"],
                spec.get("scope") == "Namespaced",
                tuple(names.get("shortNames", ())),
                tuple(version.get("subresources") or ()),
                columns or (_AGE,),
                generation=True,
                verbs=_TERMINATING_VERBS if going else SYSTEM_VERBS,
                schema=version.get("schema", {}).get("openAPIV3Schema", {}),
            )
        )
    return kinds

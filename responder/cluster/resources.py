"""What a kind of object is called and where the API server serves it."""

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

JsonObject = dict[str, Any]
"""An object as the API server sends it: this room's edge, and the one place for `Any`."""

_PLAIN_SEGMENT = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*")


@dataclass(frozen=True, slots=True)
class Resource:
    """One kind as one version of its API group serves it; `group` is "" for the core."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool = True

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(
        self, namespace: str | None = None, name: str | None = None, subresource: str | None = None
    ) -> str:
        """The path under the server's address; without `namespace`, that of every namespace.

        Raises ValueError for a name that can't stand in a path: "..", which a server resolves,
        would make the request one for another object.
        """
        root = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        if self.namespaced and namespace is not None:
            root = f"{root}/namespaces/{_segment(namespace)}"
        path = f"{root}/{self.plural}"
        if name is not None:
            path = f"{path}/{_segment(name)}"
        return path if subresource is None else f"{path}/{subresource}"


def _segment(text: str) -> str:
    if _PLAIN_SEGMENT.fullmatch(text):
        return text
    if text in ("", ".", ".."):
        raise ValueError(f"{text!r} is no name of an object")
    return quote(text, safe="")


DEPLOYMENTS = Resource("apps", "v1", "deployments", "Deployment")
HPAS = Resource("autoscaling", "v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler")
CONFIGMAPS = Resource("", "v1", "configmaps", "ConfigMap")
INCIDENTS = Resource("campaign-responder.dev", "v1alpha1", "incidents", "Incident")
EVENTS = Resource("events.k8s.io", "v1", "events", "Event")
LEASES = Resource("coordination.k8s.io", "v1", "leases", "Lease")
TOKEN_REVIEWS = Resource(
    "authentication.k8s.io", "v1", "tokenreviews", "TokenReview", namespaced=False
)
SUBJECT_ACCESS_REVIEWS = Resource(
    "authorization.k8s.io", "v1", "subjectaccessreviews", "SubjectAccessReview", namespaced=False
)


def key_of(obj: JsonObject) -> tuple[str, str]:
    """Namespace ("" where there is none) and name."""
    metadata = obj["metadata"]
    return metadata.get("namespace", ""), metadata["name"]


def version_of(obj: JsonObject) -> int:
    """The resourceVersion, which may be compared with another one of the same resource.

    Since Kubernetes 1.35 (KEP-5504) that is a promise of the API; etcd's revisions had been
    such numbers all along.
    """
    return int(obj["metadata"]["resourceVersion"])


def is_gone(obj: JsonObject) -> bool:
    """True for the answer to a write that took the last finalizer off a terminating object.

    The object is deleted by then, yet the answer carries the resourceVersion that it had
    *before*, so no version tells it from the living one.
    """
    metadata = obj["metadata"]
    return (
        "deletionTimestamp" in metadata
        and not metadata.get("finalizers")
        and not metadata.get("deletionGracePeriodSeconds")
    )

"""Deployments get their pods, and what a deleted object owned goes with it."""

import secrets
from collections.abc import Iterator, Mapping
from typing import Any, Final

from responder.sandbox.api.failures import Json, Refused
from responder.sandbox.api.kinds import Kind, Kinds
from responder.sandbox.api.operations import Operations, Options
from responder.sandbox.api.store import Change, Place, Store

DEPLOYMENTS: Final = "deployments.apps"
REPLICA_SETS: Final = "replicasets.apps"
PODS: Final = "pods"
MOST_PODS: Final = 500
"""Of one Deployment; beyond, they are only counted."""

_CONTROLLER: Final = Options(manager="kube-controller-manager")
_ALPHABET: Final = "bcdfghjklmnpqrstvwxz2456789"


def _suffix(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


class Workloads:
    """Follows the store; every change of a Deployment is answered at once."""

    def __init__(self, store: Store, kinds: Kinds, operations: Operations) -> None:
        self._store = store
        self._kinds = kinds
        self._operations = operations

    def see(self, change: Change) -> None:
        """Take in a change of the store."""
        if change.kind == "DELETED":
            self._collect(change.body)
        elif change.place.resource == DEPLOYMENTS:
            self._reconcile(change.body)

    def _kind(self, group: str, version: str, plural: str) -> Kind:
        kind = self._kinds.find(group, version, plural)
        if kind is None:
            raise LookupError(plural)
        return kind

    def _reconcile(self, deployment: Json) -> None:
        if deployment["metadata"].get("deletionTimestamp"):
            return
        wanted = int(deployment["spec"].get("replicas", 1))
        replica_set = self._replica_set(deployment)
        pods = list(self._owned(PODS, replica_set))
        shown = min(wanted, MOST_PODS)
        for pod in pods[shown:]:
            metadata = pod["metadata"]
            self._store.remove(Place(PODS, str(metadata["namespace"]), str(metadata["name"])))
        for _ in range(shown - len(pods)):
            self._run(replica_set, deployment)
        if replica_set["spec"].get("replicas") != wanted:
            metadata = replica_set["metadata"]
            place = Place(REPLICA_SETS, str(metadata["namespace"]), str(metadata["name"]))
            spec = {**replica_set["spec"], "replicas": wanted}
            status = {"replicas": wanted, "readyReplicas": wanted, "availableReplicas": wanted}
            self._store.put(place, {**replica_set, "spec": spec, "status": status})
        self._tell(deployment, wanted)

    def _replica_set(self, deployment: Json) -> Json:
        kept = next(self._owned(REPLICA_SETS, deployment), None)
        if kept is not None:
            return kept
        metadata = deployment["metadata"]
        body = {
            "metadata": {
                "name": f"{metadata['name']}-{_suffix(9)}",
                "labels": _labels(deployment),
                "ownerReferences": [_owner("apps/v1", "Deployment", deployment)],
            },
            "spec": {
                "replicas": 0,
                **{key: deployment["spec"].get(key) for key in ("selector", "template")},
            },
        }
        kind = self._kind("apps", "v1", "replicasets")
        return self._operations.create(kind, str(metadata["namespace"]), body, _CONTROLLER)

    def _run(self, replica_set: Json, deployment: Json) -> None:
        metadata = replica_set["metadata"]
        body = {
            "metadata": {
                "name": f"{metadata['name']}-{_suffix(5)}",
                "labels": _labels(deployment),
                "ownerReferences": [_owner("apps/v1", "ReplicaSet", replica_set)],
            },
            "spec": (deployment["spec"].get("template") or {}).get("spec") or {},
        }
        kind, namespace = self._kind("", "v1", "pods"), str(metadata["namespace"])
        pod = self._operations.create(kind, namespace, body, _CONTROLLER)
        place = Place(PODS, namespace, str(pod["metadata"]["name"]))
        self._store.put(place, {**pod, "status": {"phase": "Running"}})

    def _tell(self, deployment: Json, number: int) -> None:
        metadata = deployment["metadata"]
        now = self._operations.moment()
        status: Json = {
            "observedGeneration": metadata.get("generation", 1),
            "replicas": number,
            "updatedReplicas": number,
            "readyReplicas": number,
            "availableReplicas": number,
            "conditions": [
                {
                    "type": "Available",
                    "status": "True",
                    "reason": "MinimumReplicasAvailable",
                    "message": "Deployment has minimum availability.",
                    "lastTransitionTime": now,
                    "lastUpdateTime": now,
                }
            ],
        }
        before = dict(deployment.get("status") or {})
        conditions = before.pop("conditions", None)
        if conditions and before == {k: v for k, v in status.items() if k != "conditions"}:
            return
        place = Place(DEPLOYMENTS, str(metadata["namespace"]), str(metadata["name"]))
        live = self._store.get(place)
        if live is not None:
            kind = self._kind("apps", "v1", "deployments")
            with_status = {**live, "status": status}
            self._operations.update(
                kind, place.namespace, place.name, with_status, _CONTROLLER, part="status"
            )

    def _owned(self, resource: str, owner: Json) -> Iterator[Json]:
        uid, namespace = owner["metadata"]["uid"], str(owner["metadata"].get("namespace", ""))
        for item in self._store.items(resource, namespace):
            references = item["metadata"].get("ownerReferences") or ()
            if any(reference.get("uid") == uid for reference in references):
                yield item

    def _collect(self, gone: Json) -> None:
        """Delete what is owned by an object that is gone."""
        uid = gone["metadata"].get("uid")
        namespace = str(gone["metadata"].get("namespace", ""))
        if gone.get("kind") == "Namespace":
            return
        for place in list(self._store.places(namespace=namespace)):
            item = self._store.get(place)
            references = (item or {"metadata": {}})["metadata"].get("ownerReferences") or ()
            if item is not None and any(each.get("uid") == uid for each in references):
                self._delete(place, item)

    def _delete(self, place: Place, item: Json) -> None:
        plural, _, group = place.resource.partition(".")
        version = str(item["apiVersion"]).rpartition("/")[2]
        kind = self._kinds.find(group, version, plural)
        if kind is None:
            return
        try:
            self._operations.delete(kind, place.namespace, place.name)
        except Refused:
            return


def _labels(deployment: Mapping[str, Any]) -> Json:
    template = deployment["spec"].get("template") or {}
    return dict((template.get("metadata") or {}).get("labels") or {})


def _owner(api_version: str, kind: str, owner: Mapping[str, Any]) -> Json:
    metadata = owner["metadata"]
    return {
        "apiVersion": api_version,
        "kind": kind,
        "name": metadata["name"],
        "uid": metadata["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }

"""Deployments get their ReplicaSets and pods; autoscalers keep them within bounds."""

import copy
import hashlib
import json
from dataclasses import dataclass
from functools import partial
from typing import Any

from responder.sandbox.api import scale
from responder.sandbox.api.acting import BY_CONTROLLER, attempt, built_in, create, set_status
from responder.sandbox.api.kinds import Kind
from responder.sandbox.api.writing import Objects

Json = dict[str, Any]


@dataclass(slots=True)
class Workloads:
    """There are no nodes: every pod runs and is ready at once."""

    objects: Objects

    def sync(self) -> None:
        """Once over all autoscalers."""
        kind = built_in(self.objects, "autoscaling", "v2", "horizontalpodautoscalers")
        for body in self.objects.store.listed(kind.key):
            attempt(partial(self._autoscale, kind, body))

    def follow(self, body: Json) -> None:
        """A Deployment that has changed."""
        kind = built_in(self.objects, "apps", "v1", "deployments")
        attempt(partial(self._roll_out, kind, body))

    def _roll_out(self, kind: Kind, old: Json) -> None:
        namespace, name = old["metadata"]["namespace"], old["metadata"]["name"]
        body = self.objects.get(kind, namespace, name)
        if "deletionTimestamp" in body["metadata"]:
            return
        spec = body["spec"]
        template = spec["template"]
        text = json.dumps(template, sort_keys=True)
        digest = hashlib.sha256(text.encode()).hexdigest()[:10]
        sets = built_in(self.objects, "apps", "v1", "replicasets")
        wanted = f"{name}-{digest}"
        labels = {**template.get("metadata", {}).get("labels", {}), "pod-template-hash": digest}
        inner = copy.deepcopy(template)
        inner["metadata"] = {**inner.get("metadata", {}), "labels": labels}
        replica_set = {
            "metadata": {
                "name": wanted,
                "labels": labels,
                "ownerReferences": [_owner(body)],
            },
            "spec": {"replicas": spec["replicas"], "selector": {"matchLabels": labels},
                     "template": inner},
        }  # fmt: skip
        if self.objects.store.get(sets.key, (namespace, wanted)) is None:
            create(self.objects, sets, namespace, replica_set)
        uid = body["metadata"]["uid"]
        for live in self.objects.store.listed(sets.key, namespace):
            if any(o["uid"] == uid for o in live["metadata"].get("ownerReferences", ())):
                number = spec["replicas"] if live["metadata"]["name"] == wanted else 0
                self._fill(sets, live, number)
        counts = {
            "observedGeneration": body["metadata"]["generation"],
            "replicas": spec["replicas"],
            "updatedReplicas": spec["replicas"],
            "readyReplicas": spec["replicas"],
            "availableReplicas": spec["replicas"],
        }
        condition = {
            "type": "Available",
            "status": "True",
            "reason": "MinimumReplicasAvailable",
            "message": "Deployment has minimum availability.",
        }
        status: Json = {key: value for key, value in counts.items() if value}
        status["terminatingReplicas"] = 0  # since 1.35; here a pod is gone at once
        set_status(self.objects, kind, body, {**status, "conditions": [condition]})

    def _fill(self, kind: Kind, replica_set: Json, number: int) -> None:
        meta = replica_set["metadata"]
        namespace, name = meta["namespace"], meta["name"]
        if replica_set["spec"]["replicas"] != number:
            self.objects.update(
                kind,
                namespace,
                name,
                lambda live: {**live, "spec": {**live["spec"], "replicas": number}},
                BY_CONTROLLER,
            )
        pods = built_in(self.objects, "", "v1", "pods")
        own = [
            pod
            for pod in self.objects.store.listed(pods.key, namespace)
            if any(o["uid"] == meta["uid"] for o in pod["metadata"].get("ownerReferences", ()))
        ]
        template = replica_set["spec"]["template"]
        for _ in range(number - len(own)):
            pod = {
                "metadata": {
                    "generateName": f"{name}-",
                    "labels": template["metadata"]["labels"],
                    "ownerReferences": [_owner(replica_set)],
                },
                "spec": template["spec"],
            }
            if created := create(self.objects, pods, namespace, pod):
                ready = [{"type": "Ready", "status": "True"}]
                set_status(self.objects, pods, created, {"phase": "Running", "conditions": ready})
        for pod in own[number:]:
            self.objects.delete(pods, namespace, pod["metadata"]["name"], {})
        counts = ("replicas", "fullyLabeledReplicas", "readyReplicas", "availableReplicas")
        filled = dict.fromkeys(counts, number) if number else {"replicas": 0}
        set_status(self.objects, kind, replica_set, filled)

    def _autoscale(self, kind: Kind, body: Json) -> None:
        namespace, spec = body["metadata"]["namespace"], body["spec"]
        target = spec["scaleTargetRef"]
        scaled = self.objects.kinds.of(target.get("apiVersion", ""), target["kind"])
        place = (namespace, target["name"])
        live = None if scaled is None else self.objects.store.get(scaled.key, place)
        if scaled is None or live is None or "scale" not in scaled.subresources:
            set_status(self.objects, kind, body, _unable("AbleToScale", "FailedGetScale", body))
            return
        current = live["spec"]["replicas"]
        if current == 0 and spec["minReplicas"] != 0:
            set_status(self.objects, kind, body, _unable("ScalingActive", "ScalingDisabled", body))
            return
        desired = min(max(current, spec["minReplicas"]), spec["maxReplicas"])
        if desired != current:
            self.objects.update(
                scaled,
                namespace,
                target["name"],
                lambda now_live: scale.into({"spec": {"replicas": desired}}, now_live),
                BY_CONTROLLER,
                subresource="scale",
            )
        able = {"type": "AbleToScale", "status": "True", "reason": "ReadyForNewScale"}
        status = {"currentReplicas": current, "desiredReplicas": desired, "conditions": [able]}
        set_status(self.objects, kind, body, status)


def _owner(body: Json) -> Json:
    return {
        "apiVersion": body["apiVersion"],
        "kind": body["kind"],
        "name": body["metadata"]["name"],
        "uid": body["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def _unable(condition: str, reason: str, body: Json) -> Json:
    told = {"type": condition, "status": "False", "reason": reason}
    if reason == "ScalingDisabled":
        told["message"] = "scaling is disabled since the replica count of the target is zero"
    status = body.get("status", {})
    return {**status, "currentReplicas": 0, "desiredReplicas": 0, "conditions": [told]}

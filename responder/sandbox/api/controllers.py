"""A tiny controller manager: Deployments get pods, autoscalers clamp, orphans are collected."""

import asyncio
import copy
import hashlib
import json
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Final

from responder.sandbox.api import scale
from responder.sandbox.api.failures import Refused
from responder.sandbox.api.kinds import Kind
from responder.sandbox.api.store import Change
from responder.sandbox.api.writing import DEFINITION, NAMESPACE, Objects, Options, now

Json = dict[str, Any]
_BY_CONTROLLER: Final = Options("kube-controller-manager")
_SYNC_SECONDS: Final = 15.0


@dataclass(slots=True)
class Controllers:
    """Acts right after the write that it answers, in the same loop; autoscalers at their sync."""

    objects: Objects
    sync_seconds: float = _SYNC_SECONDS
    _changes: deque[Change] = field(default_factory=deque)
    _awake: bool = False

    def __post_init__(self) -> None:
        self.objects.store.listen(self._noticed)

    async def run(self) -> None:
        """The autoscalers' syncs, until cancelled."""
        while True:
            await asyncio.sleep(self.sync_seconds)
            self.sync()

    def sync(self) -> None:
        """Once over all autoscalers."""
        kind = self._kind("autoscaling", "v2", "horizontalpodautoscalers")
        for body in self.objects.store.listed(kind.key):
            self._try(self._autoscale, kind, body)

    def _kind(self, group: str, version: str, plural: str) -> Kind:
        kind = self.objects.kind(group, version, plural)
        if kind is None:
            raise LookupError(plural)
        return kind

    def _noticed(self, change: Change) -> None:
        self._changes.append(change)
        if self._awake:
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return  # seeded before the server runs
        self._awake = True
        # Later in the same loop: the answer to the write is made before what follows from it.
        loop.call_soon(self._work)

    def _work(self) -> None:
        try:
            while self._changes:
                self._follow(self._changes.popleft())
        finally:
            self._awake = False

    def _follow(self, change: Change) -> None:
        body = change.new or change.old or {}
        if change.new is None:
            self._collect(body["metadata"])
        elif "deletionTimestamp" in body["metadata"]:
            self._leave(change.key, body)
        match change.key[1]:
            case "deployments" if change.new:
                self._try(self._roll_out, self._kind("apps", "v1", "deployments"), body)
            case "namespaces" if change.old is None:
                account = {"metadata": {"name": "default"}}
                kind = self._kind("", "v1", "serviceaccounts")
                name = body["metadata"]["name"]
                self._try_create(kind, name, account)
            case "customresourcedefinitions" if change.new and not body.get("status"):
                self._establish(body)
        if change.new is None and body["metadata"].get("namespace"):
            self._empty(body["metadata"]["namespace"])

    def _try(self, act: Any, kind: Kind, body: Json) -> None:  # noqa: ANN401 -- one of ours
        try:
            act(kind, body)
        except Refused as refused:
            if refused.code not in (404, 409):
                raise

    def _try_create(self, kind: Kind, namespace: str, body: Json) -> Json | None:
        try:
            return self.objects.create(kind, namespace, body, _BY_CONTROLLER)
        except Refused:
            return None  # it is there already, or the namespace is going

    def _status(self, kind: Kind, body: Json, status: Json) -> None:
        meta = body["metadata"]
        self.objects.update(
            kind,
            meta.get("namespace", ""),
            meta["name"],
            lambda live: {**live, "status": status},
            _BY_CONTROLLER,
            subresource="status",
        )

    def _establish(self, definition: Json) -> None:
        names = definition["spec"]["names"]
        conditions = [
            {
                "type": kind,
                "status": "True",
                "reason": reason,
                "message": "",
                "lastTransitionTime": now(),
            }
            for kind, reason in (
                ("NamesAccepted", "NoConflicts"),
                ("Established", "InitialNamesAccepted"),
            )
        ]
        stored = [v["name"] for v in definition["spec"]["versions"] if v.get("storage")]
        status = {"conditions": conditions, "acceptedNames": names, "storedVersions": stored}
        self._status(DEFINITION, definition, status)

    def _roll_out(self, kind: Kind, old: Json) -> None:
        namespace, name = old["metadata"]["namespace"], old["metadata"]["name"]
        body = self.objects.get(kind, namespace, name)
        if "deletionTimestamp" in body["metadata"]:
            return
        spec = body["spec"]
        template = spec["template"]
        text = json.dumps(template, sort_keys=True)
        digest = hashlib.sha256(text.encode()).hexdigest()[:10]
        sets = self._kind("apps", "v1", "replicasets")
        wanted = f"{name}-{digest}"
        labels = {**template["metadata"]["labels"], "pod-template-hash": digest}
        inner = copy.deepcopy(template)
        inner["metadata"]["labels"] = labels
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
            self._try_create(sets, namespace, replica_set)
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
        self._status(kind, body, {**status, "conditions": [condition]})

    def _fill(self, kind: Kind, replica_set: Json, number: int) -> None:
        meta = replica_set["metadata"]
        namespace, name = meta["namespace"], meta["name"]
        if replica_set["spec"]["replicas"] != number:
            self.objects.update(
                kind,
                namespace,
                name,
                lambda live: {**live, "spec": {**live["spec"], "replicas": number}},
                _BY_CONTROLLER,
            )
        pods = self._kind("", "v1", "pods")
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
            if created := self._try_create(pods, namespace, pod):
                ready = [{"type": "Ready", "status": "True"}]
                self._status(pods, created, {"phase": "Running", "conditions": ready})
        for pod in own[number:]:
            self.objects.delete(pods, namespace, pod["metadata"]["name"], {})
        counts = ("replicas", "fullyLabeledReplicas", "readyReplicas", "availableReplicas")
        filled = dict.fromkeys(counts, number) if number else {"replicas": 0}
        self._status(kind, replica_set, filled)

    def _autoscale(self, kind: Kind, body: Json) -> None:
        namespace, spec = body["metadata"]["namespace"], body["spec"]
        target = spec["scaleTargetRef"]
        scaled = self.objects.kind_of(target.get("apiVersion", ""), target["kind"])
        place = (namespace, target["name"])
        live = None if scaled is None else self.objects.store.get(scaled.key, place)
        if scaled is None or live is None:
            self._status(kind, body, _unable("AbleToScale", "FailedGetScale", body))
            return
        current = live["spec"]["replicas"]
        if current == 0 and spec["minReplicas"] != 0:
            self._status(kind, body, _unable("ScalingActive", "ScalingDisabled", body))
            return
        desired = min(max(current, spec["minReplicas"]), spec["maxReplicas"])
        if desired != current:
            self.objects.update(
                scaled,
                namespace,
                target["name"],
                lambda now_live: scale.into({"spec": {"replicas": desired}}, now_live),
                _BY_CONTROLLER,
                subresource="scale",
            )
        able = {"type": "AbleToScale", "status": "True", "reason": "ReadyForNewScale"}
        status = {"currentReplicas": current, "desiredReplicas": desired, "conditions": [able]}
        self._status(kind, body, status)

    def _collect(self, gone: Json) -> None:
        """Deletes what nothing owns any more."""
        for kind in self.objects.kinds():
            if kind.stored_as[1]:
                continue
            for body in self.objects.store.listed(kind.key):
                owners = body["metadata"].get("ownerReferences", ())
                if owners and all(owner["uid"] == gone["uid"] for owner in owners):
                    meta = body["metadata"]
                    self._delete(kind, meta)

    def _delete(self, kind: Kind, meta: Json) -> None:
        try:
            self.objects.delete(kind, meta.get("namespace", ""), meta["name"], {})
        except Refused:
            return  # gone meanwhile

    def _leave(self, key: tuple[str, str], body: Json) -> None:
        """Goes on with a deletion that waits for something of ours."""
        meta = body["metadata"]
        if key == NAMESPACE.key:
            for kind in self.objects.kinds():
                for item in self.objects.store.listed(kind.key, meta["name"]):
                    if kind.namespaced and not kind.stored_as[1]:
                        self._delete(kind, item["metadata"])
            self._empty(meta["name"])
            return
        ours = {"foregroundDeletion", "orphan"} & set(meta.get("finalizers", ()))
        if not ours:
            return
        found = next((k for k in self.objects.kinds() if k.key == key), None)
        if found is None:
            return
        if "orphan" in ours:
            self._let_go(meta)
        else:
            self._collect(meta)
        rest = [name for name in meta["finalizers"] if name not in ours]
        self._try(
            lambda kind, _: self.objects.update(
                kind,
                meta.get("namespace", ""),
                meta["name"],
                lambda live: {**live, "metadata": {**live["metadata"], "finalizers": rest}},
                _BY_CONTROLLER,
            ),
            found,
            body,
        )

    def _let_go(self, owner: Json) -> None:
        for kind in self.objects.kinds():
            for body in self.objects.store.listed(kind.key):
                meta = body["metadata"]
                owners = meta.get("ownerReferences", ())
                kept = [o for o in owners if o["uid"] != owner["uid"]]
                if len(kept) != len(owners):
                    rest = {k: v for k, v in meta.items() if k != "ownerReferences"}
                    rest |= {"ownerReferences": kept} if kept else {}
                    new = {**body, "metadata": rest}
                    self.objects.store.put(kind.key, new)

    def _empty(self, name: str) -> None:
        """A namespace that is to go goes when nothing is left in it."""
        store = self.objects.store
        live = store.get(NAMESPACE.key, ("", name))
        if live is None or "deletionTimestamp" not in live["metadata"]:
            return
        if not any(store.listed(key, name) for key in store.keys()):  # noqa: SIM118 -- no mapping
            store.remove(NAMESPACE.key, ("", name))


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

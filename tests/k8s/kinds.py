"""The kinds that the responder scales: how each is held, and an object of each to try it on."""

import itertools
from collections.abc import Mapping
from typing import Any

from tests.k8s.account import AUTOSCALERS, DEPLOYMENTS, MANAGER, STATEFUL_SETS, Account
from tests.k8s.objects import autoscaler, workload

Fields = dict[str, Any]
KINDS: dict[str, tuple[tuple[str, str], Fields, Fields, Fields]] = {
    "Deployment": (DEPLOYMENTS, {"replicas": 2}, {"replicas": 1}, {"replicas": 8}),
    "StatefulSet": (STATEFUL_SETS, {"replicas": 2}, {"replicas": 1}, {"replicas": 8}),
    "HorizontalPodAutoscaler": (
        AUTOSCALERS,
        {"maxReplicas": 4},
        {"maxReplicas": 1, "minReplicas": 1},
        {"maxReplicas": 20, "minReplicas": 2},
    ),
}
"""Kind to its resource, a mild limit, a strict one, and the baseline of the fields in both."""
_serial = itertools.count(1)


def fresh_name() -> str:
    return f"sender-{next(_serial)}"


def made(account: Account, kind: str, **marks: Mapping[str, str]) -> str:
    """Creates an object of the kind; returns its name."""
    name = fresh_name()
    manifest = (
        autoscaler(name, **marks)
        if kind == "HorizontalPodAutoscaler"
        else workload(kind, name, **marks)
    )
    account.kube.create(*KINDS[kind][0], manifest)
    return name


def ours(account: Account, kind: str, name: str) -> list[str]:
    entries = account.kube.get(*KINDS[kind][0], name)["metadata"]["managedFields"]
    return [entry["manager"] for entry in entries if entry["manager"].startswith(MANAGER)]

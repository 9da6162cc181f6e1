"""The responder's ServiceAccount as a client: what the real API server answers to its writes."""

import dataclasses
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from tests.controlplane.admin_client import MERGE_PATCH, AdminClient, RequestFailedError
from tests.controlplane.kube import Kube

MANAGER = "campaign-responder"
GIVE_BACK = "campaign-responder-give-back"
LEDGER = "campaign-responder.dev/ledger"
ALLOWED = {"campaign-responder.dev/hold": "allowed"}

DEPLOYMENTS = ("apps/v1", "deployments")
STATEFUL_SETS = ("apps/v1", "statefulsets")
AUTOSCALERS = ("autoscaling/v2", "horizontalpodautoscalers")
CONFIG_MAPS = ("v1", "configmaps")


@dataclasses.dataclass(frozen=True, slots=True)
class Account:
    """`client` asks with the account's token; `kube` arranges and looks as cluster-admin."""

    client: AdminClient
    kube: Kube

    def write(
        self,
        method: str,
        resource: tuple[str, str],
        name: str = "",
        body: Mapping[str, Any] | None = None,
        *,
        subresource: str = "",
        manager: str = MANAGER,
        content_type: str = MERGE_PATCH,
    ) -> str:
        """Returns "" if it was done, else the reason why not, with its status in front."""
        path = self.kube.path(*resource, name, subresource=subresource)
        query = urlencode({"fieldManager": manager})
        try:
            self.client.request(
                method,
                f"{path}?{query}",
                body=body,
                content_type=content_type,
                timeout_seconds=30.0,
            )
        except RequestFailedError as error:
            return str(error)
        return ""

    def patch(
        self,
        resource: tuple[str, str],
        name: str,
        body: Mapping[str, Any],
        *,
        manager: str = MANAGER,
    ) -> str:
        return self.write("PATCH", resource, name, body, manager=manager)

    def tidy(self, resource: tuple[str, str], name: str) -> str:
        """The patch of managedFields alone that removes every entry of ours."""
        entries = self.kube.get(*resource, name)["metadata"]["managedFields"]
        kept = [entry for entry in entries if not entry["manager"].startswith(MANAGER)]
        return self.patch(resource, name, managed(kept), manager=GIVE_BACK)


def managed(entries: list[dict[str, Any]]) -> dict[str, Any]:
    return {"metadata": {"managedFields": entries}}


def ledger(text: str | None = '{"epoch":"e1"}', **spec: object) -> dict[str, Any]:
    """A write of ours: some fields of spec, and the ledger beside them (None takes it away)."""
    return {"metadata": {"annotations": {LEDGER: text}}, "spec": spec}


def documents(text: str | None = '{"epoch":"e1"}', **data: str | None) -> dict[str, Any]:
    """A write of ours to a ConfigMap; a key is written with `_` for its dots."""
    keys = {key.replace("_", "."): value for key, value in data.items()}
    return {"metadata": {"annotations": {LEDGER: text}}, "data": keys}

"""The real API server behind the methods of the model."""

from collections.abc import Mapping
from typing import Any, Final

from responder.holds.objects import ObjectKey
from tests.controlplane.admin_client import RequestFailedError
from tests.controlplane.kube import Kube
from tests.holds.api_server import API_VERSIONS, ConflictError, InvalidError
from tests.holds.field_sets import Json, merged

_PLURALS: Final = {
    "Deployment": "deployments",
    "HorizontalPodAutoscaler": "horizontalpodautoscalers",
    "ConfigMap": "configmaps",
}
_LABELS: Final = {"app": "sender"}
_REQUIRED: Final[Mapping[str, Json]] = {
    "Deployment": {
        "spec": {
            "selector": {"matchLabels": _LABELS},
            "template": {
                "metadata": {"labels": _LABELS},
                "spec": {"containers": [{"name": "main", "image": "none.invalid/none"}]},
            },
        }
    },
    "HorizontalPodAutoscaler": {},
    "ConfigMap": {},
}


class RealServer:
    """One namespace of it."""

    def __init__(self, kube: Kube) -> None:
        self._kube = kube

    def get(self, key: ObjectKey) -> Json:
        return self._request("GET", key)

    def create(self, key: ObjectKey, body: Mapping[str, Any], *, manager: str) -> Json:
        return self._request("POST", key, body=self._whole(key, body), manager=manager)

    def patch(
        self, key: ObjectKey, patch: Mapping[str, Any], *, manager: str, subresource: str = ""
    ) -> Json:
        content = "application/merge-patch+json"
        self._request(
            "PATCH", key, body=patch, manager=manager, content=content, subresource=subresource
        )
        return self.get(key)

    def replace(self, key: ObjectKey, manifest: Mapping[str, Any], *, manager: str) -> Json:
        return self._request("PUT", key, body=self._whole(key, manifest), manager=manager)

    def apply(
        self, key: ObjectKey, manifest: Mapping[str, Any], *, manager: str, force: bool
    ) -> Json:
        return self._request(
            "PATCH",
            key,
            body=merged(manifest, self._names(key)),
            manager=manager,
            content="application/apply-patch+yaml",
            more=f"&force={str(force).lower()}",
        )

    def _names(self, key: ObjectKey) -> Json:
        return {
            "apiVersion": API_VERSIONS[key.kind],
            "kind": key.kind,
            "metadata": {"name": key.name},
        }

    def _whole(self, key: ObjectKey, body: Mapping[str, Any]) -> Json:
        whole: Json = merged(merged(_REQUIRED[key.kind], body), self._names(key))
        return whole

    def _request(
        self,
        method: str,
        key: ObjectKey,
        *,
        body: Any = None,  # noqa: ANN401 -- JSON
        manager: str = "",
        content: str = "application/json",
        subresource: str = "",
        more: str = "",
    ) -> Json:
        name = "" if method == "POST" else key.name
        path = self._kube.path(
            API_VERSIONS[key.kind], _PLURALS[key.kind], name, subresource=subresource
        )
        query = f"?fieldManager={manager}{more}" if manager else ""
        try:
            answer: Json = self._kube.control_plane.request(
                method, path + query, body=body, content_type=content
            )
        except RequestFailedError as error:
            if error.status == 409:
                raise ConflictError(error.body) from error
            if error.status == 422:
                raise InvalidError(error.body) from error
            raise
        return answer

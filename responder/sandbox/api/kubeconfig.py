"""The kubeconfig by which kubectl and the responder reach the embedded server."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml


def kubeconfig_text(url: str, *, token: str, namespace: str) -> str:
    """Give a kubeconfig for kubectl and for the responder."""
    told: Mapping[str, Any] = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "sandbox", "cluster": {"server": url}}],
        "users": [{"name": "sandbox", "user": {"token": token}}],
        "contexts": [
            {
                "name": "sandbox",
                "context": {"cluster": "sandbox", "user": "sandbox", "namespace": namespace},
            }
        ],
        "current-context": "sandbox",
    }
    return yaml.safe_dump(dict(told), sort_keys=False)


def write_kubeconfig(path: Path, url: str, *, token: str, namespace: str) -> None:
    """Write it so that nobody else can read it."""
    path.touch(mode=0o600)
    path.write_text(kubeconfig_text(url, token=token, namespace=namespace), encoding="utf-8")

"""How clients find the server: a kubeconfig file for one user."""

import json
from pathlib import Path
from typing import Final

CONTEXT: Final = "campaign-responder-sandbox"
"""By this a kubeconfig is known as one of ours."""


def write_kubeconfig(path: Path, *, url: str, token: str, namespace: str = "default") -> Path:
    """Readable by the owner only; JSON is YAML.

    The token is in the address, too: kubectl sends none over plain http.
    """
    name = CONTEXT
    context = {"cluster": name, "user": name, "namespace": namespace}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": {"server": f"{url}/as/{token}"}}],
        "users": [{"name": name, "user": {"token": token}}],
        "contexts": [{"name": name, "context": context}],
        "current-context": name,
    }
    path.touch(mode=0o600)
    path.write_text(json.dumps(config, indent=2) + "\n", "utf-8")
    return path

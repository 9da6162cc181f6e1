"""The keys, tokens and kubeconfig files of a control plane, made without any other program."""

import base64
import dataclasses
import functools
import http.client
import json
import secrets
import ssl
import urllib.parse
from pathlib import Path

_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
# RFC 5915: version 1, the 32 bytes of the key, the curve's name. The public half is optional.
_BEFORE_KEY = bytes.fromhex("30310201010420")
_AFTER_KEY = bytes.fromhex("a00a06082a8648ce3d030107")


@dataclasses.dataclass(frozen=True, slots=True)
class Cluster:
    """Where a control plane is reached, and how its certificate is verified."""

    url: str
    certificate_authority: Path | None
    """None where it is plain http."""

    def connection(self, *, timeout_seconds: float) -> http.client.HTTPConnection:
        """Not yet connected. The time-out is per step."""
        address = urllib.parse.urlsplit(self.url)
        host = address.hostname or ""
        if self.certificate_authority is None:
            return http.client.HTTPConnection(host, address.port, timeout=timeout_seconds)
        trust = _trust(self.certificate_authority)
        return http.client.HTTPSConnection(
            host, address.port, timeout=timeout_seconds, context=trust
        )

    def write_kubeconfig(
        self, path: Path, *, user: str, token: str, namespace: str = "default"
    ) -> Path:
        """Writes a kubeconfig with this one user in it, readable by the owner only."""
        assert self.certificate_authority is not None
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [
                {
                    "name": "test",
                    "cluster": {
                        "server": self.url,
                        "certificate-authority-data": base64.b64encode(
                            self.certificate_authority.read_bytes()
                        ).decode(),
                    },
                }
            ],
            "users": [{"name": user, "user": {"token": token}}],
            "contexts": [
                {"name": user, "context": {"cluster": "test", "user": user, "namespace": namespace}}
            ],
            "current-context": user,
        }
        path.touch(mode=0o600)
        # JSON is YAML, and needs no dumper.
        path.write_text(json.dumps(config, indent=2) + "\n")
        return path


@functools.cache
def _trust(certificate_authority: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=certificate_authority)


def write_service_account_key(path: Path) -> Path:
    """A fresh P-256 private key in PEM: the API server signs service account tokens with it."""
    key = (secrets.randbelow(_P256_ORDER - 1) + 1).to_bytes(32, "big")
    encoded = base64.b64encode(_BEFORE_KEY + key + _AFTER_KEY).decode()
    path.touch(mode=0o600)
    path.write_text(
        "-----BEGIN EC PRIVATE KEY-----\n"
        + "".join(f"{encoded[at : at + 64]}\n" for at in range(0, len(encoded), 64))
        + "-----END EC PRIVATE KEY-----\n"
    )
    return path


def write_admin_token(path: Path) -> str:
    """Writes a static token file with one member of system:masters; returns its token."""
    token = secrets.token_urlsafe(24)
    path.touch(mode=0o600)
    path.write_text(f'{token},admin,admin,"system:masters"\n')
    return token

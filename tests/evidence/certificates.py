"""An authority, a server's certificate for 127.0.0.1, and a client's: made anew for a test."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

_CURVE = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2")


@dataclass(frozen=True, slots=True)
class Certificates:
    """Files in PEM: NAME.crt and NAME.key."""

    folder: Path

    @classmethod
    def make(cls, folder: Path) -> "Certificates":
        """Needs the program `openssl`: without it the test is skipped, or fails in CI."""
        if shutil.which("openssl") is None:
            why = "there is no openssl to make certificates with"
            if os.environ.get("CI"):
                pytest.fail(why, pytrace=False)
            pytest.skip(why)
        certificates = cls(folder)
        certificates._openssl("ca", "-subj", "/CN=authority")
        certificates.issue("server", "-addext", "subjectAltName=IP:127.0.0.1")
        certificates.issue("client")
        return certificates

    def issue(self, name: str, *more: str) -> None:
        """Make a certificate of this authority, or replace it by another."""
        signed = ("-CA", str(self.crt("ca")), "-CAkey", str(self.key("ca")))
        self._openssl(name, "-subj", f"/CN={name}", *signed, *more)

    def crt(self, name: str) -> Path:
        return self.folder / f"{name}.crt"

    def key(self, name: str) -> Path:
        return self.folder / f"{name}.key"

    def _openssl(self, name: str, *more: str) -> None:
        subprocess.run(
            [
                *("openssl", "req", "-x509", *_CURVE, *more),
                *("-keyout", self.key(name), "-out", self.crt(name)),
            ],
            check=True,
            capture_output=True,
        )

"""kubectl as a person runs it, but for that person's preferences."""

import os
import subprocess
from pathlib import Path


class KubectlFailedError(RuntimeError):
    """kubectl ended with another code than 0; carries what it said."""


def run_kubectl(
    program: Path,
    *arguments: str,
    kubeconfig: Path,
    cache: Path,
    stdin: str = "",
    namespace: str = "",
) -> str:
    """Returns its stdout. `cache`: a folder for what it learns of the server.

    Raises:
        KubectlFailedError: with its stderr.

    """
    result = subprocess.run(
        [
            program,
            f"--kubeconfig={kubeconfig}",
            f"--cache-dir={cache}",
            *((f"--namespace={namespace}",) if namespace else ()),
            *arguments,
        ],
        input=stdin,
        # Whatever the person at this machine prefers, the output is the same.
        env={**os.environ, "KUBERC": "off"},
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        raise KubectlFailedError(f"kubectl {' '.join(arguments)}: {result.stderr.strip()}")
    return result.stdout

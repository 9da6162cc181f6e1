"""Runs a kubeconfig's credential plugin (client.authentication.k8s.io): bounded in time and output.

Both of its outputs are read at once, since a plugin that says much on stderr would else wait for
us while we wait for it; and it is killed when its time is up, since one that asks for a password
on a terminal that isn't there waits for ever.
"""

import asyncio
import base64
import json
import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from responder.errors import ResponderError

TIMEOUT_SECONDS = 30.0
_SHOWN_CHARACTERS = 500


class PluginFailed(ResponderError):  # noqa: N818 -- named for what happened, as in errors.py
    """The plugin didn't give credentials; says which plugin and what it said."""


class _Variable(BaseModel):
    model_config = ConfigDict(frozen=True)

    name: str
    value: str


class ExecPlugin(BaseModel):
    """The `exec` mapping of a kubeconfig's user."""

    model_config = ConfigDict(frozen=True)

    api_version: str = Field(alias="apiVersion")
    command: str = Field(min_length=1)
    args: tuple[str, ...] | None = None
    env: tuple[_Variable, ...] | None = None
    provide_cluster_info: bool = Field(default=False, alias="provideClusterInfo")


class ExecStatus(BaseModel):
    """What a plugin gives: a token, a client certificate with its key, or all of them."""

    model_config = ConfigDict(frozen=True)

    token: str | None = None
    expires: AwareDatetime | None = Field(default=None, alias="expirationTimestamp")
    certificate: str | None = Field(default=None, alias="clientCertificateData")
    key: str | None = Field(default=None, alias="clientKeyData")


class _ExecCredential(BaseModel):
    model_config = ConfigDict(frozen=True)

    api_version: str = Field(alias="apiVersion")
    status: ExecStatus


async def run_plugin(
    plugin: ExecPlugin,
    *,
    directory: Path,
    cluster: Mapping[str, object],
    environ: Mapping[str, str] = os.environ,
    timeout_seconds: float = TIMEOUT_SECONDS,
) -> ExecStatus:
    """Runs it once; `directory` is the kubeconfig's, to which a command with a "/" is relative.

    `cluster` is the kubeconfig's cluster, handed over where the plugin asks for it. Raises
    PluginFailed.
    """
    command = plugin.command
    if "/" in command:
        command = str(directory / command)
    spec: dict[str, object] = {"interactive": False}
    if plugin.provide_cluster_info:
        spec["cluster"] = _with_authority_data(cluster, directory=directory)
    request = {"apiVersion": plugin.api_version, "kind": "ExecCredential", "spec": spec}
    try:
        process = await asyncio.create_subprocess_exec(
            command,
            *(plugin.args or ()),
            env={
                **environ,
                **{variable.name: variable.value for variable in plugin.env or ()},
                "KUBERNETES_EXEC_INFO": json.dumps(request),
            },
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
    except OSError as error:
        raise PluginFailed(f"{plugin.command}: {error}") from error
    try:
        async with asyncio.timeout(timeout_seconds):
            stdout, stderr = await process.communicate()
    except TimeoutError as error:
        raise PluginFailed(f"{plugin.command}: no answer in {timeout_seconds:g} s") from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        said = stderr.decode(errors="replace").strip()[-_SHOWN_CHARACTERS:]
        raise PluginFailed(f"{plugin.command}: ended with {process.returncode}: {said}")
    return _read(stdout, plugin=plugin)


def _read(stdout: bytes, *, plugin: ExecPlugin) -> ExecStatus:
    try:
        credential = _ExecCredential.model_validate_json(stdout)
    except ValidationError as error:
        # Not the error's own text, which quotes what may be a token.
        fields = ", ".join(
            ".".join(map(str, problem["loc"])) or "JSON" for problem in error.errors()
        )
        raise PluginFailed(
            f"{plugin.command}: its output is no ExecCredential ({fields})"
        ) from None
    status = credential.status
    if credential.api_version != plugin.api_version:
        raise PluginFailed(
            f"{plugin.command}: speaks {credential.api_version}, asked for {plugin.api_version}"
        )
    if status.token is None and (status.certificate is None or status.key is None):
        raise PluginFailed(f"{plugin.command}: gave neither a token nor a certificate with its key")
    return status


def _with_authority_data(cluster: Mapping[str, object], *, directory: Path) -> dict[str, object]:
    """The protocol has no path of a certificate authority, only its content."""
    given = dict(cluster)
    authority = given.pop("certificate-authority", None)
    if isinstance(authority, str) and "certificate-authority-data" not in given:
        content = (directory / authority).read_bytes()
        given["certificate-authority-data"] = base64.b64encode(content).decode()
    return given

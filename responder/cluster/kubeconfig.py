"""Where the API server is and how one proves who one is there, from a kubeconfig or from the pod.

kubernetes-asyncio reads the files (merging, contexts, certificates given as data); what it does
with tokens is done here: it reads a `tokenFile` once, keeps a trailing newline in the header,
gives a plugin no time limit, and trips over a context without a user.
"""

import asyncio
import base64
import os
import ssl
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import yaml
from kubernetes_asyncio.client import Configuration
from kubernetes_asyncio.config import ConfigException
from kubernetes_asyncio.config.incluster_config import (
    SERVICE_CERT_FILENAME,
    SERVICE_HOST_ENV_NAME,
    SERVICE_TOKEN_FILENAME,
    load_incluster_config,
)
from kubernetes_asyncio.config.kube_config import ConfigNode, KubeConfigLoader, KubeConfigMerger
from pydantic import ValidationError

from responder.cluster.credentials import Credentials, Fixed, Made, MadeToken, TokenFile
from responder.cluster.exec_plugin import ExecPlugin, run_plugin
from responder.errors import BadInput, Problem

_PROVIDER_TIMEOUT_SECONDS = 15.0
_PROVIDER_ASKED_SECONDS = 60.0
"""The library knows when its token ends, so it is asked often; that costs nothing till then."""


@dataclass(frozen=True, slots=True)
class Server:
    """One API server and our credentials for it; `tls` is None for plain http."""

    url: str
    tls: ssl.SSLContext | None
    credentials: Credentials
    server_hostname: str | None = None
    proxy: str | None = None


def find_server(kubeconfig: Path | None, *, environ: Mapping[str, str] = os.environ) -> Server:
    """The file given; else, in a pod, the pod's own cluster; else $KUBECONFIG or ~/.kube/config.

    Raises BadInput that says which of them was tried and what is wrong with it.
    """
    if kubeconfig is None and environ.get(SERVICE_HOST_ENV_NAME):
        return in_cluster(environ=environ)
    # Read here, since kubernetes-asyncio reads the variable when it is imported.
    default = environ.get("KUBECONFIG") or str(Path.home() / ".kube" / "config")
    paths = default if kubeconfig is None else str(kubeconfig)
    try:
        return _from_files(paths, environ=environ)
    except (
        ConfigException,
        OSError,  # a certificate's file; ssl.SSLError is one, too
        AttributeError,  # a file that holds something else than a mapping
        AssertionError,
        KeyError,
        TypeError,
        ValueError,  # base64 and pydantic's included
        yaml.YAMLError,
    ) as error:
        raise _bad(f"can't use {paths}: {_told(error)}") from error


def in_cluster(
    *,
    environ: Mapping[str, str] = os.environ,
    token: Path = Path(SERVICE_TOKEN_FILENAME),
    authority: Path = Path(SERVICE_CERT_FILENAME),
) -> Server:
    """A pod's own cluster, as its ServiceAccount."""
    configuration = Configuration()
    try:
        load_incluster_config(  # type: ignore[no-untyped-call]
            client_configuration=configuration,
            environ=environ,
            token_filename=str(token),
            cert_filename=str(authority),
        )
        tls = _tls(authority.read_text("ascii"))
    except (ConfigException, OSError) as error:
        raise _bad(f"can't use the pod's ServiceAccount: {_told(error)}") from error
    return Server(url=str(configuration.host), tls=tls, credentials=TokenFile(token))


def _from_files(paths: str, *, environ: Mapping[str, str]) -> Server:
    merged = None
    if any(Path(path).expanduser().exists() for path in paths.split(os.pathsep) if path):
        merged = KubeConfigMerger(paths).config  # which logs a warning of its own for none
    if merged is None:
        raise ConfigException("there is no such file")
    loader = _Loader(config_dict=merged, config_base_path=None)
    cluster, user = loader.cluster, loader.user
    url = str(cluster.values["server"]).rstrip("/")
    if not url.startswith(("https://", "http://")):
        raise ConfigException(f"the server {url!r} is no http or https address")
    tls = _kubeconfig_tls(cluster, user) if url.startswith("https:") else None
    return Server(
        url=url,
        tls=tls,
        credentials=_credentials(loader, tls=tls, environ=environ),
        server_hostname=cluster.values.get("tls-server-name"),
        proxy=cluster.values.get("proxy-url"),
    )


@dataclass(frozen=True, slots=True)
class _Section:
    """The current context's cluster or user; `directory` is that of the file it stands in."""

    values: dict[str, Any]
    directory: Path

    @classmethod
    def of(cls, node: ConfigNode) -> "_Section":
        return cls(values=node.value, directory=Path(node.path or ".").absolute().parent)

    def content(self, key: str) -> str | None:
        """PEM that is given as base64 data, which counts first, or as a file."""
        if data := self.values.get(f"{key}-data"):
            return base64.b64decode(data, validate=True).decode("ascii")
        if path := self.values.get(key):
            text: str = (self.directory / path).read_text("ascii")
            return text
        return None


class _Loader(KubeConfigLoader):
    """Finds the current context's sections, and renews an identity provider's token."""

    @property
    def user(self) -> _Section:
        """Empty where the context names no user: kubernetes-asyncio trips over such a one."""
        return _Section({}, Path()) if self._user is None else _Section.of(self._user)

    @property
    def cluster(self) -> _Section:
        # Set by the constructor, or that raised.
        return _Section.of(cast("ConfigNode", self._cluster))

    async def make_token(self) -> Made:
        """Asks the identity provider (`auth-provider: oidc`) if the token is about to end."""
        async with asyncio.timeout(_PROVIDER_TIMEOUT_SECONDS):
            await self._load_authentication()
        return Made(authorization=self.token, ends_at=time.time() + _PROVIDER_ASKED_SECONDS)


def _credentials(
    loader: _Loader, *, tls: ssl.SSLContext | None, environ: Mapping[str, str]
) -> Credentials:
    user = loader.user
    values = user.values
    token = str(values.get("token") or "").strip()
    if "exec" in values:
        plugin = ExecPlugin.model_validate(values["exec"])
        cluster = loader.cluster.values
        return MadeToken(
            lambda: _run(plugin, user.directory, cluster=cluster, tls=tls, environ=environ)
        )
    if "auth-provider" in values:
        return MadeToken(loader.make_token)
    if values.get("tokenFile"):
        # client-go's precedence; kubernetes-asyncio has it the other way round.
        return TokenFile(user.directory / values["tokenFile"], fallback=token)
    if token:
        return Fixed(f"Bearer {token}")
    if "username" in values and "password" in values:
        pair = f"{values['username']}:{values['password']}".encode()
        return Fixed(f"Basic {base64.b64encode(pair).decode()}")
    return Fixed(None)


async def _run(
    plugin: ExecPlugin,
    directory: Path,
    *,
    cluster: Mapping[str, object],
    tls: ssl.SSLContext | None,
    environ: Mapping[str, str],
) -> Made:
    status = await run_plugin(plugin, directory=directory, cluster=cluster, environ=environ)
    if status.certificate and status.key and tls is not None:
        # For the connections made from now on.
        _use_certificate(tls, certificate=status.certificate, key=status.key)
    return Made(
        authorization=f"Bearer {status.token.strip()}" if status.token else None,
        ends_at=None if status.expires is None else status.expires.timestamp(),
    )


def _kubeconfig_tls(cluster: _Section, user: _Section) -> ssl.SSLContext:
    context = _tls(cluster.content("certificate-authority"))
    if cluster.values.get("insecure-skip-tls-verify"):
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    certificate, key = user.content("client-certificate"), user.content("client-key")
    if certificate and key:
        _use_certificate(context, certificate=certificate, key=key)
    return context


def _tls(authority: str | None) -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=authority)
    # Set by default since Python 3.13; many clusters' authorities lack the key identifiers that
    # it asks for, and Kubernetes' own clients don't.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


def _use_certificate(tls: ssl.SSLContext, *, certificate: str, key: str) -> None:
    """`load_cert_chain` reads nothing but files, so there is one, for us only and for a moment."""
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
        file.write(f"{certificate}\n{key}\n")
        file.flush()
        tls.load_cert_chain(file.name)


def _bad(message: str) -> BadInput:
    return BadInput([Problem(field="kubeconfig", message=message)])


def _told(error: Exception) -> str:
    if isinstance(error, ValidationError):
        return "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
    if isinstance(error, AttributeError | AssertionError | KeyError | TypeError):
        # What kubernetes-asyncio does with a list where it expects a mapping.
        return f"it is no kubeconfig ({error})"
    return str(error) or type(error).__name__

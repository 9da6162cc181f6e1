"""Which server, and with whose credentials: from kubeconfig files and from a pod's own files."""

import base64
import json
import ssl
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from responder.cluster.credentials import Fixed, TokenFile
from responder.cluster.kubeconfig import find_server, in_cluster
from responder.errors import BadInput
from tests.controlplane.control_plane import ControlPlane

Write = Callable[..., Path]
SERVER = {"server": "http://example.com:1"}


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write_kubeconfig(
        user: Mapping[str, Any] | None = None,
        *,
        cluster: Mapping[str, Any] = SERVER,
        name: str = "config",
    ) -> Path:
        context = {"cluster": "c"} | ({} if user is None else {"user": "u"})
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(
            yaml.safe_dump(
                {
                    "apiVersion": "v1",
                    "kind": "Config",
                    "current-context": "x",
                    "contexts": [{"name": "x", "context": context}],
                    "clusters": [{"name": "c", "cluster": dict(cluster)}],
                    "users": [] if user is None else [{"name": "u", "user": dict(user)}],
                }
            )
        )
        return path

    return write_kubeconfig


@pytest.fixture
def authority(control_plane: ControlPlane) -> str:
    """A real certificate authority, in PEM."""
    path = control_plane.cluster.certificate_authority
    assert path is not None
    return path.read_text()


@pytest.mark.parametrize(
    ("user", "expected"),
    [
        pytest.param({"token": "abc"}, "Bearer abc", id="token"),
        pytest.param({"token": "abc\n"}, "Bearer abc", id="token-with-a-newline"),
        pytest.param(
            {"username": "a", "password": "b"},
            f"Basic {base64.b64encode(b'a:b').decode()}",
            id="password",
        ),
        pytest.param({}, None, id="empty-user"),
        pytest.param(None, None, id="no-user"),
    ],
)
async def test_what_a_user_says(
    write: Write, user: Mapping[str, Any] | None, expected: str | None
) -> None:
    server = find_server(write(user), environ={})
    assert isinstance(server.credentials, Fixed)
    assert await server.credentials.authorization() == expected
    assert server.url == "http://example.com:1"
    assert server.tls is None


async def test_a_token_file_counts_before_the_token_and_is_found_beside_the_kubeconfig(
    write: Write, tmp_path: Path
) -> None:
    (tmp_path / "token").write_text("from-file\n")
    server = find_server(write({"token": "fixed", "tokenFile": "token"}), environ={})
    assert isinstance(server.credentials, TokenFile)
    assert await server.credentials.authorization() == "Bearer from-file"


async def test_a_plugin_is_not_run_before_a_request_and_then_once(
    write: Write, tmp_path: Path
) -> None:
    runs = tmp_path / "runs"
    answer = json.dumps({"apiVersion": "v1", "status": {"token": "abc"}})
    code = f"open({str(runs)!r}, 'a').write('x'); print({answer!r})"
    plugin = {"apiVersion": "v1", "command": sys.executable, "args": ["-c", code]}
    server = find_server(write({"exec": plugin}), environ={})
    assert not runs.exists()
    for _ in range(3):
        assert await server.credentials.authorization() == "Bearer abc"
    assert runs.read_text() == "x"


async def test_the_clusters_other_settings(write: Write) -> None:
    cluster = SERVER | {"tls-server-name": "api", "proxy-url": "http://proxy:3128"}
    server = find_server(write(cluster=cluster), environ={})
    assert (server.server_hostname, server.proxy) == ("api", "http://proxy:3128")


@pytest.mark.parametrize("given_as", ["data", "file"])
async def test_a_certificate_authority(
    write: Write, tmp_path: Path, authority: str, given_as: str
) -> None:
    (tmp_path / "ca.crt").write_text(authority)
    data = base64.b64encode(authority.encode()).decode()
    cluster = {"server": "https://example.com"} | (
        {"certificate-authority-data": data}
        if given_as == "data"
        else {"certificate-authority": "ca.crt"}
    )
    for _ in range(2):  # the second time as well: nothing is kept in a file that was removed
        server = find_server(write(cluster=cluster), environ={})
        assert server.tls is not None
        assert server.tls.cert_store_stats()["x509"] > 0
        assert server.tls.verify_mode is ssl.CERT_REQUIRED
        assert server.tls.check_hostname


async def test_verification_is_off_only_where_that_is_asked_for(write: Write) -> None:
    cluster = {"server": "https://example.com", "insecure-skip-tls-verify": True}
    server = find_server(write(cluster=cluster), environ={})
    assert server.tls is not None
    assert server.tls.verify_mode is ssl.CERT_NONE


@pytest.mark.parametrize(
    ("content", "told"),
    [
        pytest.param("", "is no kubeconfig", id="empty"),
        pytest.param("[]", "is no kubeconfig", id="a-list"),
        pytest.param("{a: [", "line 1", id="no-yaml"),
        pytest.param("apiVersion: v1\nkind: Config\n", "current-context", id="no-context"),
        pytest.param(
            "current-context: x\ncontexts: [{name: y}]\n", "name x", id="context-that-is-not-there"
        ),
        pytest.param(
            "current-context: x\ncontexts: [{name: x, context: {cluster: c}}]\n"
            "clusters: [{name: c, cluster: {}}]\n",
            "server",
            id="no-server",
        ),
        pytest.param(
            "current-context: x\ncontexts: [{name: x, context: {cluster: c}}]\n"
            "clusters: [{name: c, cluster: {server: 'https://a', "
            "certificate-authority: missing.crt}}]\n",
            "missing.crt",
            id="missing-authority",
        ),
        pytest.param(
            "current-context: x\ncontexts: [{name: x, context: {cluster: c}}]\n"
            "clusters: [{name: c, cluster: {server: 'https://a', "
            "certificate-authority-data: '%%%'}}]\n",
            "base64",
            id="no-base64",
        ),
        pytest.param(
            "current-context: x\ncontexts: [{name: x, context: {cluster: c}}]\n"
            "clusters: [{name: c, cluster: {server: 'ftp://a'}}]\n",
            "no http or https",
            id="no-http",
        ),
        pytest.param(
            "current-context: x\ncontexts: [{name: x, context: {cluster: c, user: u}}]\n"
            "clusters: [{name: c, cluster: {server: 'https://a'}}]\n"
            "users: [{name: u, user: {client-certificate-data: eA==, client-key-data: eA==}}]\n",
            "PEM",
            id="client-certificate-that-is-none",
        ),
        pytest.param(
            "current-context: x\ncontexts: [{name: x, context: {cluster: c, user: u}}]\n"
            "clusters: [{name: c, cluster: {server: 'http://a'}}]\n"
            "users: [{name: u, user: {exec: {command: a}}}]\n",
            "apiVersion",
            id="incomplete-plugin",
        ),
    ],
)
async def test_what_is_wrong_with_a_file_is_told(tmp_path: Path, content: str, told: str) -> None:
    path = tmp_path / "config"
    path.write_text(content)
    with pytest.raises(BadInput, match=told) as caught:
        find_server(path, environ={})
    assert str(path) in str(caught.value)
    assert caught.value.problems[0].field == "kubeconfig"


async def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no such file"):
        find_server(tmp_path / "missing", environ={})


async def test_a_given_file_counts_before_the_pod_and_the_pod_before_the_environments_file(
    write: Write,
) -> None:
    pod = {"KUBERNETES_SERVICE_HOST": "10.0.0.1", "KUBERNETES_SERVICE_PORT": "443"}
    named = {"KUBECONFIG": str(write(cluster={"server": "http://named"}))}
    given = write(name="given")
    assert (find_server(given, environ=pod | named)).url == "http://example.com:1"
    with pytest.raises(BadInput, match="ServiceAccount"):  # there is no pod around this test
        find_server(None, environ=pod | named)
    assert (find_server(None, environ=named)).url == "http://named"


async def test_several_files_are_merged(write: Write, tmp_path: Path) -> None:
    write(name="one/config")
    other = tmp_path / "other"
    other.write_text("users: [{name: u, user: {token: abc}}]\n")
    paths = f"{tmp_path}/missing:{tmp_path}/one/config:{other}"
    assert (find_server(None, environ={"KUBECONFIG": paths})).url == "http://example.com:1"


def pod_files(directory: Path, *, authority: str) -> dict[str, Path]:
    files = {"token": directory / "token", "authority": directory / "ca.crt"}
    files["token"].write_text("abc\n")
    files["authority"].write_text(authority)
    return files


async def test_a_pods_own_cluster(tmp_path: Path, authority: str) -> None:
    environ = {"KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "6443"}
    server = in_cluster(environ=environ, **pod_files(tmp_path, authority=authority))
    assert server.url == "https://[fd00::1]:6443"
    assert server.tls is not None
    assert await server.credentials.authorization() == "Bearer abc"


@pytest.mark.parametrize(
    ("environ", "told"),
    [
        pytest.param({"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, "port", id="no-port"),
        pytest.param(
            {"KUBERNETES_SERVICE_HOST": "10.0.0.1", "KUBERNETES_SERVICE_PORT": "443"},
            "certificate",
            id="authority-that-is-none",
        ),
    ],
)
async def test_an_unusable_pod_is_told(
    tmp_path: Path, environ: Mapping[str, str], told: str
) -> None:
    with pytest.raises(BadInput, match=told):
        in_cluster(environ=environ, **pod_files(tmp_path, authority="none"))

"""pytest plugin: a control plane for the whole run, a namespace per test, private ones on demand.

What needs no more than an API server runs twice, on the embedded one and on the real one: see
`pytest_generate_tests`.
Where its programs can't be built the tests that need it are skipped, with the reason; with CI in
the environment they fail.
"""

import contextlib
import itertools
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol

import pytest

from tests.controlplane import run_logs
from tests.controlplane.api_server import ApiServer
from tests.controlplane.binaries import find
from tests.controlplane.control_plane import ControlPlane
from tests.controlplane.embedded import EmbeddedControlPlane
from tests.controlplane.external_metrics import ExternalMetrics
from tests.controlplane.go_build import GoMissingError
from tests.controlplane.kube import Kube
from tests.controlplane.real_alertmanager import Alertmanager
from tests.controlplane.real_prometheus import Prometheus
from tests.controlplane.toolsets import ALERTMANAGER, KUBERNETES, PROMETHEUS, Toolset

_serial = itertools.count(1)
EMBEDDED, REAL = "embedded", "real"
REAL_ONLY = "real_control_plane"
_REAL = frozenset({"control_plane", "own_control_plane", "start_control_plane", "api_server"})
_SERVERS: dict[str, Literal["session", "function"]] = {
    "server": "session",
    "own_server": "function",
    "plain_server": "session",
}


class StartControlPlane(Protocol):
    def __call__(self, *, controllers: bool = False) -> ControlPlane: ...


class StartAlertmanager(Protocol):
    def __call__(
        self, configuration: Mapping[str, Any], *, flags: Sequence[str] = ()
    ) -> Alertmanager: ...


class StartPrometheus(Protocol):
    def __call__(
        self,
        configuration: Mapping[str, Any],
        *,
        web: Mapping[str, Any] | None = None,
        flags: Sequence[str] = (),
    ) -> Prometheus: ...


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", f"{REAL_ONLY}(why): not for the embedded API server")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Tests of a server run on both, but for those that ask for the real one or are marked."""
    asked = set(metafunc.fixturenames)
    only_real = asked & _REAL or metafunc.definition.get_closest_marker(REAL_ONLY)
    for name, scope in _SERVERS.items():
        if name in asked:
            which = [REAL] if only_real else [EMBEDDED, REAL]
            metafunc.parametrize(name, which, indirect=True, scope=scope)


def require(toolset: Toolset, config: pytest.Config) -> None:
    """Finds or builds the programs, showing the progress despite pytest's capturing."""
    capture = config.pluginmanager.getplugin("capturemanager")
    shown = capture.global_and_fixture_disabled() if capture else contextlib.nullcontext()
    try:
        with shown:
            find(toolset)
    except GoMissingError as error:
        if os.environ.get("CI"):
            pytest.fail(str(error), pytrace=False)
        pytest.skip(str(error))


def _own_logs(request: pytest.FixtureRequest) -> Path:
    return run_logs.directory(request.config) / f"{_subject(request)}-{next(_serial)}"


def _subject(request: pytest.FixtureRequest) -> str:
    """The test's name, as far as a folder or a namespace may carry it."""
    return re.sub(r"[^a-z0-9]+", "-", request.node.name.lower()).strip("-")[:40].strip("-")


@pytest.fixture(scope="session")
def control_plane(request: pytest.FixtureRequest) -> Iterator[ControlPlane]:
    """With controllers, scheduler and nodes; shared by all tests, so nobody may disturb it."""
    require(KUBERNETES, request.config)
    plane = ControlPlane.start(logs=run_logs.directory(request.config) / "shared")
    yield plane
    plane.stop()


@pytest.fixture(scope="session")
def external_metrics(
    control_plane: ControlPlane, request: pytest.FixtureRequest
) -> Iterator[ExternalMetrics]:
    """The metrics of the shared control plane's autoscalers; a test uses its own namespace's."""
    metrics = ExternalMetrics.start(
        control_plane, logs=run_logs.directory(request.config) / "shared"
    )
    yield metrics
    metrics.stop()


@pytest.fixture(scope="session")
def embedded_control_plane() -> Iterator[EmbeddedControlPlane]:
    """Shared by all tests, too."""
    plane = EmbeddedControlPlane.start()
    yield plane
    plane.stop()


@pytest.fixture(scope="session")
def server(request: pytest.FixtureRequest) -> ApiServer:
    """The embedded API server, then the real one."""
    found: ApiServer = request.getfixturevalue(
        "embedded_control_plane" if request.param == EMBEDDED else "control_plane"
    )
    return found


@pytest.fixture
def namespace(server: ApiServer, request: pytest.FixtureRequest) -> Iterator[str]:
    """A fresh one, ready to run pods; what runs in it is taken away afterwards."""
    name = f"{_subject(request)}-{next(_serial)}"
    server.create_namespace(name)
    yield name
    server.clear_namespace(name)


@pytest.fixture
def kube(server: ApiServer, namespace: str) -> Kube:
    """The shared server, seen from the test's own namespace."""
    return Kube(control_plane=server, namespace=namespace)


@pytest.fixture
def start_control_plane(request: pytest.FixtureRequest) -> Iterator[StartControlPlane]:
    """Starts private ones, for tests that stop, kill or break it. Some 3 s each."""
    require(KUBERNETES, request.config)
    with contextlib.ExitStack() as started:

        def start(*, controllers: bool = False) -> ControlPlane:
            plane = ControlPlane.start(logs=_own_logs(request), controllers=controllers)
            started.callback(plane.stop)
            return plane

        yield start


@pytest.fixture
def own_control_plane(start_control_plane: StartControlPlane) -> ControlPlane:
    """A private API server with its etcd, and nothing else: no pods, no garbage collection."""
    return start_control_plane()


@pytest.fixture
def own_server(request: pytest.FixtureRequest) -> Iterator[ApiServer]:
    """A private one, embedded and then real."""
    if request.param == EMBEDDED:
        plane = EmbeddedControlPlane.start()
        yield plane
        plane.stop()
    else:
        yield request.getfixturevalue("own_control_plane")


@pytest.fixture
def own_kube(own_server: ApiServer) -> Kube:
    own_server.create_namespace("test")
    return Kube(control_plane=own_server, namespace="test")


@pytest.fixture
def start_alertmanager(request: pytest.FixtureRequest) -> Iterator[StartAlertmanager]:
    """Starts real ones with the given configuration; see `webhook_configuration`."""
    require(ALERTMANAGER, request.config)
    with contextlib.ExitStack() as started:

        def start(configuration: Mapping[str, Any], *, flags: Sequence[str] = ()) -> Alertmanager:
            alertmanager = Alertmanager.start(configuration, logs=_own_logs(request), flags=flags)
            started.callback(alertmanager.stop)
            return alertmanager

        yield start


@pytest.fixture
def start_prometheus(request: pytest.FixtureRequest) -> Iterator[StartPrometheus]:
    """Starts real ones with the given configuration; see `scrape_configuration`."""
    require(PROMETHEUS, request.config)
    with contextlib.ExitStack() as started:

        def start(
            configuration: Mapping[str, Any],
            *,
            web: Mapping[str, Any] | None = None,
            flags: Sequence[str] = (),
        ) -> Prometheus:
            logs = _own_logs(request)
            prometheus = Prometheus.start(configuration, logs=logs, web=web, flags=flags)
            started.callback(prometheus.stop)
            return prometheus

        yield start

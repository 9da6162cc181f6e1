"""The recorder misses no version, whatever happens to its watches."""

import contextlib
import itertools
from collections.abc import Iterator

import pytest

from responder.sandbox.audit.versions import CONFIG_MAP, Version
from tests.auditor.recorder import Recorder
from tests.controlplane.control_plane import ControlPlane
from tests.controlplane.eventually import eventually_blocking
from tests.controlplane.kube import Kube


@pytest.fixture
def recorder(own_kube: Kube) -> Iterator[Recorder]:
    with contextlib.ExitStack() as stack:
        recording = Recorder(own_kube)
        stack.callback(recording.stop)
        recording.start()
        yield recording


def test_every_version_is_kept_also_of_what_happens_while_the_watch_is_broken(
    own_control_plane: ControlPlane, own_kube: Kube, recorder: Recorder
) -> None:
    own_kube.create("v1", "configmaps", {"metadata": {"name": "some"}, "data": {"at": "0"}})

    def versions(name: str) -> list[Version]:
        eventually_blocking(recorder.is_caught_up)
        return [v for v in recorder.versions() if (v.kind, v.name) == (CONFIG_MAP, name)]

    def write(*numbers: int) -> None:
        for number in numbers:
            own_kube.patch("v1", "configmaps", "some", {"data": {"at": str(number)}})

    write(1, 2)
    assert len(versions("some")) == 3  # seen before the server forgets them
    own_control_plane.kill_api_server()
    own_control_plane.start_api_server()
    marks = itertools.count()

    def is_watching() -> bool:
        """A mark is told of as it is made, not found later."""
        name = f"mark-{next(marks)}"
        made = own_kube.create("v1", "configmaps", {"metadata": {"name": name}})
        uid = made["metadata"]["uid"]
        return any(version.uid == uid and not version.after_gap for version in versions(name))

    eventually_blocking(is_watching)
    write(3, 4)
    own_kube.delete("v1", "configmaps", "some")
    own_kube.create("v1", "configmaps", {"metadata": {"name": "some"}, "data": {"at": "5"}})

    seen = versions("some")
    assert [(v.fields["at"], v.deleted) for v in seen] == [
        ("0", False),
        ("1", False),
        ("2", False),
        ("3", False),
        ("4", False),
        ("4", True),
        ("5", False),
    ]
    assert len({v.uid for v in seen}) == 2
    assert not any(v.after_gap for v in seen)

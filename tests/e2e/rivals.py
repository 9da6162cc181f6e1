"""Other writers that keep an object as their manifest has it, each as the program it stands for."""

import contextlib
import dataclasses
import threading
from collections.abc import Callable, Iterator
from typing import Any

from tests.controlplane.admin_client import RequestFailedError
from tests.controlplane.kube import Kube

Json = dict[str, Any]
OURS = "campaign-responder"
_LOOKS_SECONDS = 0.02
_APPLY = "application/apply-patch+yaml"


@dataclasses.dataclass(slots=True)
class Rival:
    """Sets an object back to its manifest, in a thread of its own, until it ends or is told to."""

    kube: Kube
    resource: tuple[str, str]
    manifest: Json
    manager: str
    write: Callable[["Rival", Json], None]
    every_seconds: float = _LOOKS_SECONDS
    respects: frozenset[str] = frozenset()
    """Managers whose fields it leaves alone: Argo CD's `managedFieldsManagers`."""
    is_ignoring: bool = False
    """It leaves the whole object alone: Flux's `ssa: Ignore`."""
    writes: int = 0

    @property
    def name(self) -> str:
        return str(self.manifest["metadata"]["name"])

    def apply(self) -> None:
        self.write(self, self.manifest)

    @contextlib.contextmanager
    def at_work(self) -> Iterator["Rival"]:
        ends = threading.Event()
        failed: list[BaseException] = []

        def work() -> None:
            try:
                while not ends.wait(self.every_seconds):
                    self._look()
            except BaseException as error:  # noqa: BLE001 -- raised in the test's own thread
                failed.append(error)

        thread = threading.Thread(target=work, name=self.manager)
        thread.start()
        try:
            yield self
        finally:
            ends.set()
            thread.join()
        if failed:
            raise failed[0]

    def _look(self) -> None:
        if self.is_ignoring:
            return
        live = self.kube.get(*self.resource, self.name)
        wanted = self._wanted(live)
        if all(read(live, path) == value for path, value in leaves(wanted)):
            return
        with contextlib.suppress(RequestFailedError):  # e.g. a conflict; it comes again
            self.write(self, wanted)
            self.writes += 1

    def _wanted(self, live: Json) -> Json:
        """The manifest, with what it respects as it is: `RespectIgnoreDifferences`."""
        owned = [
            entry["fieldsV1"]
            for entry in live["metadata"].get("managedFields") or ()
            if entry["manager"] in self.respects
        ]
        wanted = self.manifest
        for path, _ in leaves(self.manifest):
            fields = [f"f:{step}" for step in path]
            if any(read(entry, tuple(fields)) is not None for entry in owned):
                wanted = put(wanted, path, read(live, path))
        return wanted


def server_side(rival: Rival, manifest: Json) -> None:
    path = rival.kube.path(*rival.resource, rival.name)
    rival.kube.control_plane.request(
        "PATCH",
        f"{path}?fieldManager={rival.manager}&force=true",
        body=manifest,
        content_type=_APPLY,
    )


def client_side(rival: Rival, manifest: Json) -> None:
    rival.kube.apply(manifest)


def leaves(found: Json, above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """What a manifest says of spec and data; lists count as one."""
    for key, value in found.items():
        path = (*above, key)
        if not above and key not in ("spec", "data"):
            continue
        if isinstance(value, dict):
            yield from leaves(value, path)
        elif not isinstance(value, list):
            yield path, value


def read(found: Any, path: tuple[str, ...]) -> Any:  # noqa: ANN401 -- JSON
    for step in path:
        if not isinstance(found, dict) or step not in found:
            return None
        found = found[step]
    return found


def put(found: Json, path: tuple[str, ...], value: Any) -> Json:  # noqa: ANN401 -- JSON
    head, *rest = path
    return {**found, head: put(found[head], tuple(rest), value) if rest else value}

"""The sandbox's API server at the port, and behind the kubeconfig, that a person has asked for."""

import contextlib
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

from responder.errors import BadInput, Problem
from responder.sandbox.api.kubeconfig import CONTEXT
from responder.sandbox.api.server import Running, serve


@asynccontextmanager
async def serving(
    *, port: int, kubeconfig: Path | None, namespace: str, sync_seconds: float
) -> AsyncIterator[Running]:
    """Serve until left. Raises BadInput: the port or the kubeconfig can't be had."""
    async with contextlib.AsyncExitStack() as ends:
        try:
            api = await ends.enter_async_context(serve(port=port, sync_seconds=sync_seconds))
        except OSError as error:
            told = f"can't listen on 127.0.0.1:{port}: {error.strerror}"
            raise BadInput([Problem(told, field="--port", fix="take 0 for a free one")]) from error
        if kubeconfig is not None:
            ends.enter_context(_kubeconfig(kubeconfig, api, namespace=namespace))
        yield api


@contextlib.contextmanager
def _kubeconfig(path: Path, api: Running, *, namespace: str) -> Iterator[None]:
    """Is there while inside, and never takes the place of somebody's own."""
    if not _may_be_written(path):
        told = "is there already, and is none of the sandbox's"
        fix = "name a file that is not there"
        raise BadInput([Problem(told, file=str(path), field="--kubeconfig", fix=fix)])
    try:
        api.write_kubeconfig(path, namespace=namespace)
    except OSError as error:
        told = f"can't be written: {error.strerror}"
        raise BadInput([Problem(told, file=str(path), field="--kubeconfig")]) from error
    written = path.read_bytes()
    try:
        yield
    finally:
        # Another sandbox may have taken it over meanwhile.
        with contextlib.suppress(OSError):
            if path.read_bytes() == written:
                path.unlink()


def _may_be_written(path: Path) -> bool:
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except OSError:
        return not path.is_file()
    except ValueError:
        return not path.stat().st_size
    return isinstance(told, dict) and told.get("current-context") == CONTEXT

"""Ports on the loopback interface for servers that can't be asked which port they got."""

import contextlib
import itertools
import os
import random
import socket
from collections.abc import Iterator

# Below the range from which Linux and macOS pick ports for outgoing connections: a client
# can't take the port in between, and a killed server finds its own port free again.
_FIRST, _LAST = 20_000, 30_000
_TRIES = 200


def _share() -> Iterator[int]:
    """Again and again, in an order of its own, what no other worker of the same run is given."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    ports = list(range(_FIRST + worker % workers, _LAST, workers))
    random.shuffle(ports)
    return itertools.cycle(ports)


_ports = _share()


def free_port() -> int:
    """A port nobody listens on now, and that was given to nobody else for long.

    Another run of the tests on this machine may still pick it at the same moment.
    """
    for port in itertools.islice(_ports, _TRIES):
        with contextlib.suppress(OSError), socket.socket() as probe:
            # As servers do, so that connections in TIME_WAIT don't count.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return port
    raise OSError(f"no free port among {_TRIES} tries in {_FIRST}..{_LAST}")

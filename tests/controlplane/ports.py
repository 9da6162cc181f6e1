"""Ports on the loopback interface for servers that can't be asked which port they got."""

import contextlib
import random
import socket

# Below the range from which Linux and macOS pick ports for outgoing connections: a client
# can't take the port in between, and a killed server finds its own port free again.
_FIRST, _LAST = 20_000, 30_000
_TRIES = 200


def free_port() -> int:
    """A port nobody listens on now. Two processes may still pick one at the same moment."""
    for _ in range(_TRIES):
        port = random.randint(_FIRST, _LAST)
        with contextlib.suppress(OSError), socket.socket() as probe:
            # As servers do, so that connections in TIME_WAIT don't count.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return port
    raise OSError(f"no free port among {_TRIES} tries in {_FIRST}..{_LAST}")

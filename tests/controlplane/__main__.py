"""`python -m tests.controlplane`: a control plane in the foreground, for tries by hand.

Prints its kubeconfig and waits for Ctrl-C. `--bare` leaves out controllers and nodes.
"""

import argparse
import signal
import tempfile
import time
from pathlib import Path

from tests.controlplane.control_plane import ControlPlane


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.controlplane", description=__doc__)
    parser.add_argument("--bare", action="store_true", help="API server and etcd only")
    bare = parser.parse_args().bare
    logs = Path(tempfile.mkdtemp(prefix="control-plane-logs-"))
    started = time.monotonic()
    plane = ControlPlane.start(logs=logs, controllers=not bare)
    try:
        print(  # noqa: T201 - this is a command
            f"# ready after {time.monotonic() - started:.1f} s; logs in {logs}; Ctrl-C ends it\n"
            f"export KUBECONFIG={plane.kubeconfig}\n"
            f"export PATH={plane.programs['kubectl'].parent}:$PATH",
            flush=True,
        )
        signal.pause()
    except KeyboardInterrupt:
        pass
    finally:
        plane.stop()


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    main()

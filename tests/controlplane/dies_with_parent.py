"""Becomes the given program, which the kernel then kills as soon as its parent is gone.

`python dies_with_parent.py PARENT_PID PROGRAM ARGUMENT...`. Neither atexit nor a signal handler
runs when pytest is killed with SIGKILL; this holds even then, and for a stopped child too.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def tie(parent: int) -> None:
    """From now on this process ends with its parent."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:  # it went before we asked: nobody will tell us any more
            sys.exit(1)


def main() -> None:
    parent, command = int(sys.argv[1]), sys.argv[2:]
    tie(parent)
    os.execv(command[0], command)


if __name__ == "__main__":
    main()

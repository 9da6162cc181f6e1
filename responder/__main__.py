"""`python -m responder` and the `responder` command."""

import errno
import io
import signal
import sys
from types import FrameType

_INTERRUPTED = 130
_MISTAKE = 2
_FAILED = 1


def main() -> None:
    """Run the command line; a mistake of the user's is told in words, not as a traceback."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _interrupted)
    for stream in (sys.stdout, sys.stderr):
        # A terminal that knows no UTF-8 shows what it can.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    # Half of the time to the first line goes by in imports: Ctrl-C counts there, too.
    import typer  # noqa: PLC0415

    from responder.cli import app  # noqa: PLC0415
    from responder.errors import ResponderError  # noqa: PLC0415

    try:
        app()
    except ResponderError as error:
        problems = getattr(error, "problems", None)
        for line in map(str, problems) if problems else (str(error),):
            typer.echo(f"responder: {line}", err=True)
        sys.exit(_MISTAKE)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EIO):
            raise
        typer.echo(f"responder: what it tells can't be written: {error.strerror}", err=True)
        sys.exit(_FAILED)


def _interrupted(_number: int, _frame: FrameType | None) -> None:
    """End; a second Ctrl-C must not come between the first and the end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise SystemExit(_INTERRUPTED)


if __name__ == "__main__":
    main()

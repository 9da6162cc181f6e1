"""`python -m responder` and the `responder` command."""

import sys

import typer

from responder.cli import app
from responder.errors import ResponderError


def main() -> None:
    """Run the command line; a mistake of the user's is told in words, not as a traceback."""
    try:
        app()
    except ResponderError as error:
        problems = getattr(error, "problems", None)
        for line in map(str, problems) if problems else (str(error),):
            typer.echo(f"responder: {line}", err=True)
        sys.exit(2)


if __name__ == "__main__":
    main()

"""How one proves who one is to Prometheus or Alertmanager: from files that somebody else replaces.

Files are read again for each request, so that a token that was rotated is used at once; while one
can't be read, the last one stays.
"""

import base64
import ssl
from dataclasses import dataclass, field
from pathlib import Path

from responder.errors import BadInput, Problem


@dataclass(slots=True)
class Credentials:
    """A bearer token, a user with a password, or neither; both files may end in a newline."""

    bearer_token_file: Path | None = None
    username: str = ""
    password_file: Path | None = None
    _last: str | None = field(default=None, init=False, repr=False)

    def authorization(self) -> str | None:
        """Give the header's value, None where there are no credentials.

        Raises BadInput where there should be some and none can be read.
        """
        path = self.bearer_token_file or self.password_file
        if path is None:
            return None
        secret = _secret(path)
        if secret is not None:
            if self.bearer_token_file is not None:
                self._last = f"Bearer {secret}"
            else:
                pair = f"{self.username}:{secret}".encode()
                self._last = f"Basic {base64.b64encode(pair).decode()}"
        if self._last is None:
            raise BadInput([Problem("no token or password can be read", file=str(path))])
        return self._last


def _secret(path: Path) -> str | None:
    try:
        secret = path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return None
    # What can't stand in a header is no secret, but somebody's binary or two lines.
    return secret if secret and secret.isascii() and secret.isprintable() else None


@dataclass(slots=True)
class Tls:
    """Whom we trust and which certificate we show; certificates are followed when they change."""

    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    context: ssl.SSLContext = field(init=False, repr=False)
    _loaded: tuple[int, ...] = field(default=(), init=False, repr=False)

    def __post_init__(self) -> None:
        """Read the files; raises BadInput where they can't be used."""
        try:
            self.context = ssl.create_default_context(cafile=self.ca_file)
            # Set by default since Python 3.13; private authorities often lack what it asks for.
            self.context.verify_flags &= ~ssl.VERIFY_X509_STRICT
            self._load()
        except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
            files = ", ".join(str(path) for path in self._files)
            raise BadInput([Problem(f"can't be used for TLS: {error}", file=files)]) from error

    def refresh(self) -> None:
        """Take changed files for the connections made from now on; unusable ones are left."""
        try:
            self._load()
        except (OSError, ValueError):
            return  # replaced right now: again with the next request

    @property
    def _files(self) -> tuple[Path, ...]:
        files = (self.ca_file, self.cert_file, self.key_file)
        return tuple(file for file in files if file is not None)

    def _load(self) -> None:
        stamps = tuple(file.stat().st_mtime_ns for file in self._files)
        if stamps == self._loaded:
            return
        if self._loaded and self.ca_file is not None:
            self.context.load_verify_locations(cafile=self.ca_file)
        if self.cert_file is not None:
            self.context.load_cert_chain(self.cert_file, self.key_file)
        self._loaded = stamps

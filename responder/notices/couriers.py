"""Sending couriers: few at a time, and none for longer than it may take."""

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from responder.notices.destinations import Address

_AT_ONCE: Final = 2
"""Each takes some 50 MB while it lives."""
_SECONDS: Final = 20.0
_MOST_ANSWER_BYTES: Final = 65_536
_PASSED_ON: Final = frozenset(
    {"HTTPS_PROXY", "HTTP_PROXY", "LANG", "NO_PROXY", "PATH", "REQUESTS_CA_BUNDLE", "SSL_CERT_DIR"}
    | {"SSL_CERT_FILE", "TZ", "https_proxy", "http_proxy", "no_proxy"}
)
"""Of our own environment: settings and tokens are none of a courier's business."""


class Outcome(StrEnum):
    """What became of one message."""

    SENT = "sent"
    REFUSED = "refused"
    """The destination, or the way there, said no."""
    TIMED_OUT = "timed-out"
    """Nobody knows: it may have arrived."""
    BROKE = "broke"
    """The courier itself came to grief."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a courier came back with; `why` holds no secret."""

    outcome: Outcome
    why: str = ""
    template_fault: str = ""


class Couriers:
    """Starts a process for each message."""

    def __init__(self, *, seconds: float = _SECONDS, at_once: int = _AT_ONCE) -> None:
        self._seconds = seconds
        self._places = asyncio.Semaphore(at_once)

    async def send(
        self, address: Address, *, templates: Mapping[str, Sequence[str]], facts: Mapping[str, Any]
    ) -> Answer:
        """Send one message; never raises, and ends within its time once it has a place.

        `templates` has those to try for `text` and for `markdown`, in order.
        """
        order = {
            "url": address.text,
            "secrets": sorted(address.secrets),
            "templates": {form: list(sources) for form, sources in templates.items()},
            "facts": facts,
        }
        answer = await self._ask(order)
        if isinstance(answer, Answer):
            return answer
        return Answer(
            Outcome.SENT if answer.get("sent") is True else Outcome.REFUSED,
            why=str(answer.get("why", "")),
            template_fault=str(answer.get("template_fault", "")),
        )

    async def known(self, addresses: Sequence[Address]) -> tuple[bool, ...] | None:
        """Tell which addresses Apprise knows what to do with; None where that can't be told."""
        answer = await self._ask({"check": [address.text for address in addresses]})
        found = None if isinstance(answer, Answer) else answer.get("known")
        if not isinstance(found, list) or len(found) != len(addresses):
            return None
        return tuple(each is True for each in found)

    async def _ask(self, order: Mapping[str, Any]) -> Mapping[str, Any] | Answer:
        async with self._places:
            try:
                # By its standard input: arguments are for everybody on the machine to see.
                process = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-I", "-m", "responder.notices.courier"),
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                    stderr=asyncio.subprocess.DEVNULL,
                    env={key: os.environ[key] for key in _PASSED_ON & os.environ.keys()},
                )
            except OSError as error:
                return Answer(Outcome.BROKE, why=f"no courier: {error.strerror}")
            try:
                async with asyncio.timeout(self._seconds):
                    told, _ = await process.communicate(json.dumps(order).encode())
            except TimeoutError:
                why = f"no answer within {self._seconds:g} s"
                return Answer(Outcome.TIMED_OUT, why=why)
            except OSError as error:
                return Answer(Outcome.BROKE, why=f"the courier broke: {error.strerror}")
            finally:
                await _end(process)
        return _read(told, code=process.returncode)


async def _end(process: asyncio.subprocess.Process) -> None:
    """Leave no process behind, whatever we were waiting for and why we stopped."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
    await asyncio.shield(process.wait())


def _read(told: bytes, *, code: int | None) -> Mapping[str, Any] | Answer:
    try:
        answer = json.loads(told[:_MOST_ANSWER_BYTES])
    except ValueError:
        answer = None
    if isinstance(answer, dict):
        return answer
    return Answer(Outcome.BROKE, why=f"the courier broke (exit code {code})")

"""The lines of one open watch, as events: whole ones only, of any length, and never silence.

aiohttp's own line reader gives up at a fixed length with an error that is no ClientError, and
hands out half a line when the connection ends.
"""

import asyncio
import json
from collections.abc import AsyncGenerator
from dataclasses import dataclass

import aiohttp
import structlog

from responder.cluster.failures import from_status, unavailable
from responder.cluster.resources import JsonObject, version_of
from responder.cluster.transport import UNANSWERED

_LONGEST_LINE_BYTES = 2**25
"""An etcd of default settings stores up to 1.5 MiB in an object; its JSON may be longer."""
_LINES_IN_ONE_GO = 100
_LIST_ENDS = "k8s.io/initial-events-end"
_SHOWN_BYTES = 400

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class WatchEvent:
    """`kind` is ADDED, MODIFIED, DELETED or BOOKMARK."""

    kind: str
    obj: JsonObject

    @property
    def ends_list(self) -> bool:
        """The bookmark after the last object of a streamed list."""
        annotations = self.obj["metadata"].get("annotations")
        return self.kind == "BOOKMARK" and bool(annotations) and _LIST_ENDS in annotations


async def read_events(response: aiohttp.ClientResponse) -> AsyncGenerator[WatchEvent]:
    """The events until the server ends the watch in order, that is after a whole line.

    Lets others run in between, however fast the events come. Raises ApiFailure: what an ERROR
    event says (Gone for a version that is too old), or Unavailable for everything else. Closes
    the response in any case.
    """
    try:
        pieces: list[bytes] = []
        waiting_bytes = handled = 0
        async for chunk in response.content.iter_any():
            if b"\n" not in chunk:
                pieces.append(chunk)
                waiting_bytes += len(chunk)
                if waiting_bytes > _LONGEST_LINE_BYTES:
                    raise unavailable(f"a line of more than {_LONGEST_LINE_BYTES} bytes")
                continue
            *lines, rest = b"".join((*pieces, chunk)).split(b"\n")
            pieces, waiting_bytes = [rest], len(rest)
            for line in lines:
                if (event := _event(line)) is not None:
                    yield event
                handled += 1
                if handled % _LINES_IN_ONE_GO == 0:
                    await asyncio.sleep(0)
        if waiting_bytes:
            raise unavailable("the watch ended in the middle of a line")
    except UNANSWERED as error:
        timed_out = isinstance(error, TimeoutError)
        message = "silence" if timed_out else str(error) or type(error).__name__
        raise unavailable(f"watch: {message}", timed_out=timed_out) from error
    finally:
        response.close()


def _event(line: bytes) -> WatchEvent | None:
    """Read an event; None where its object is nested too deep to be read: it stops no other."""
    try:
        event = json.loads(line)
        kind, obj = event["type"], event["object"]
        if kind != "ERROR":
            version_of(obj)
            return WatchEvent(kind, obj)
        failure = from_status(obj, status=int(obj["code"]))
    except (KeyError, TypeError, ValueError) as error:
        raise unavailable("a line of the watch is no event") from error
    except RecursionError:
        # Listed afresh, it would be there again.
        begins = line[:_SHOWN_BYTES].decode(errors="replace")
        log.error("object_nested_too_deep", begins=begins)  # noqa: TRY400 -- 1,000 lines of trace
        return None
    raise failure

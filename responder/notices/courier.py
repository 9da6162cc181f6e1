"""The courier: a process that takes one message to one place, and is gone.

The only part of this program that knows Apprise. A process, since what it does may hang beyond any
time-out of its own, takes a third of a second to import and 35 MB to keep, and is other people's
code: killed, niced and gone it costs the brake nothing. It renders templates too, for the same
reasons: an author's loop may have no end.

Speaks JSON, one object each way, on its standard input and output. It imports nothing of this
program but what renders, to start soon.
"""

import contextlib
import json
import logging
import os
import resource
import sys
from collections.abc import Iterable, Mapping
from typing import Any, Final

from responder.notices.neutral import clipped, lines_within, neutral
from responder.notices.rendering import Message, TemplateFault, render

_NICE: Final = 10
_MOST_DATA_BYTES: Final = 384 * 2**20
_MOST_WHY_CHARACTERS: Final = 200


def _step_back() -> None:
    """Give way to the brake: for the processor, and when memory runs out."""
    with contextlib.suppress(OSError, ValueError):
        os.nice(_NICE)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_DATA, (_MOST_DATA_BYTES, _MOST_DATA_BYTES))
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:  # noqa: PTH123
        file.write("1000")


class _Heard(logging.Handler):
    """Keeps what Apprise says of a failure."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.told: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.told.append(record.getMessage())


def _known(url: str) -> Any:  # noqa: ANN401 -- a plugin of Apprise's, None if there is none
    import apprise  # noqa: PLC0415 -- only in this process, and only once it is asked to send

    asset = apprise.AppriseAsset(
        app_id="Campaign Responder",
        app_desc="Campaign Responder",
        app_url="",
        async_mode=False,
        secure_logging=True,
        storage_mode="memory",
    )
    return apprise.Apprise.instantiate(url, asset=asset, suppress_exceptions=True)


def _takes_markdown(plugin: Any) -> bool:  # noqa: ANN401 -- as above
    """Prefer markdown where it is the destination's own way; HTML is better made from text."""
    told = plugin.notify_format
    formats = told if isinstance(told, tuple | list) else (told,)
    as_text, as_markdown = (plugin.resolve_format(each) for each in ("text", "markdown"))
    if as_text == as_markdown:  # the only one, or the one that the address asks for
        return bool(as_text == "markdown")
    return bool(as_markdown == "markdown") and (formats[0] == "markdown" or "html" not in formats)


def _fitted(message: Message, plugin: Any) -> Message:  # noqa: ANN401 -- as above
    """Cut a message to what the destination takes; what matters most stands first."""
    title = message.title
    if plugin.title_maxlen:
        title = clipped(title, most=plugin.title_maxlen)
    # A destination without a title gets it as the first line of the body.
    room = plugin.body_maxlen - (0 if plugin.title_maxlen else len(title) + 2)
    return Message(title, lines_within(message.body, most=max(1, room)))


def _rendered(order: Mapping[str, Any], *, markdown: bool) -> tuple[Message, str]:
    """Render by the operator's template; where it fails by ours, and say what failed."""
    form = "markdown" if markdown else "text"
    fault = ""
    for source in order["templates"][form]:
        try:
            return render(source, order["facts"], markdown=markdown), fault
        except TemplateFault as failed:
            fault = str(failed)
    facts = order["facts"]
    plain = Message(neutral(str(facts.get("headline", "notice"))), str(facts.get("command", "")))
    return plain, fault


def _without(text: str, secrets: Iterable[str]) -> str:
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, "***")
    return neutral(text, most=_MOST_WHY_CHARACTERS)


def send(order: Mapping[str, Any]) -> dict[str, Any]:
    """Take one message there; tells whether it arrived, and if not why, without any secret."""
    heard = _Heard()
    logging.getLogger("apprise").addHandler(heard)
    secrets = order["secrets"]
    plugin = _known(order["url"])
    if plugin is None:
        return {"sent": False, "why": "Apprise doesn't know such an address"}
    markdown = _takes_markdown(plugin)
    message, fault = _rendered(order, markdown=markdown)
    fitted = _fitted(message, plugin)
    sent = bool(
        plugin.notify(
            title=fitted.title,
            body=fitted.body,
            body_format="markdown" if markdown else "text",
            notify_type=order.get("kind", "warning"),
        )
    )
    why = "" if sent else (heard.told or ["it was not taken"])[-1]
    return {"sent": sent, "why": _without(why, secrets), "template_fault": _without(fault, secrets)}


def check(order: Mapping[str, Any]) -> dict[str, Any]:
    """Tell of each address whether Apprise knows what to do with it."""
    return {"known": [_known(url) is not None for url in order["check"]]}


def main() -> None:
    # What a plugin prints must not get into the answer.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    _step_back()
    order = json.load(sys.stdin)
    answer = check(order) if "check" in order else send(order)
    json.dump(answer, answers)
    answers.flush()
    # Threads that a plugin left behind don't keep the process.
    os._exit(0)


if __name__ == "__main__":
    main()

"""Prometheus and Alertmanager by a script: they answer what a history has them say."""

import json
import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from aiohttp import web

Says = Literal["yes", "no", "unknown", "down"]
_ASKED: Final = re.compile(r'(check|volume|stage)_value\{about="([^"]*)"')
_BOUND: Final = 5
"""A check is passed up to it, a stage is reached from it on."""


@dataclass(slots=True)
class Script:
    """What is answered to each kind of question about each campaign or pool, since when."""

    now: Callable[[], datetime]
    said: dict[tuple[str, str], list[tuple[datetime, Says]]] = field(
        default_factory=lambda: defaultdict(list)
    )

    def say(self, kind: str, about: str, what: Says) -> None:
        self.said[kind, about].append((self.now(), what))

    def of(self, kind: str, about: str) -> Says:
        told = self.said.get((kind, about))
        return told[-1][1] if told else "unknown"

    def was(self, kind: str, about: str, what: Says, *, since: datetime) -> bool:
        """Tell whether it was said at some time from then until now."""
        told = self.said.get((kind, about), [])
        ends = [at for at, _ in told[1:]] + [self.now() + timedelta(seconds=1)]
        return any(each == what and end >= since for (_, each), end in zip(told, ends, strict=True))

    def yes_seconds(self, kind: str, about: str) -> float:
        """Tell for how long it was yes since it was last no."""
        seconds = 0.0
        told = self.said.get((kind, about), [])
        ends = [at for at, _ in told[1:]] + [self.now()]
        for (at, what), end in zip(told, ends, strict=True):
            if what == "no":
                seconds = 0.0
            elif what == "yes":
                seconds += max(0.0, (end - at).total_seconds())
        return seconds

    # -- as Prometheus

    async def query(self, request: web.Request) -> web.Response:
        form = await request.post()
        match = _ASKED.search(str(form["query"]))
        if match is None:
            return _vector()
        kind, about = match.groups()
        match self.of(kind, about):
            case "down":
                return web.Response(status=503, text="not now")
            case "unknown":
                return _vector()
            case says:
                return _vector(_value(kind, yes=says == "yes"))


def _value(kind: str, *, yes: bool) -> str:
    match kind:
        case "volume":
            return "1000000" if yes else "1"
        case "check":
            return "0" if yes else str(_BOUND + 1)
        case _:
            return str(_BOUND + 1) if yes else "0"


def _vector(value: str | None = None) -> web.Response:
    result = [] if value is None else [{"metric": {}, "value": [0, value]}]
    return web.json_response(
        {"status": "success", "data": {"resultType": "vector", "result": result}}
    )


@dataclass(slots=True)
class Alerting:
    """What really fires: Alertmanager lists it, and its notifications may get lost."""

    now: Callable[[], datetime]
    firing: dict[str, dict[str, Any]] = field(default_factory=dict)
    is_down: bool = False
    started_at: str = ""

    async def alerts(self, _request: web.Request) -> web.Response:
        if self.is_down:
            return web.Response(status=503)
        told = [
            {
                "fingerprint": fingerprint,
                "labels": alert["labels"],
                "annotations": {},
                "startsAt": alert["startsAt"],
                "endsAt": _text(self.now() + timedelta(minutes=5)),
                "updatedAt": _text(self.now()),
                "receivers": [{"name": "responder"}],
                "status": {
                    "state": "active", "silencedBy": [], "inhibitedBy": [], "mutedBy": []
                },
            }
            for fingerprint, alert in self.firing.items()
        ]  # fmt: skip
        return web.Response(text=json.dumps(told), content_type="application/json")

    async def status(self, _request: web.Request) -> web.Response:
        if self.is_down:
            return web.Response(status=503)
        told = {"uptime": self.started_at, "cluster": {"status": "disabled", "peers": []}}
        return web.json_response(told)


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")

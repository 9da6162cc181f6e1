"""A small Alertmanager: takes alerts, groups them, posts them to one webhook, and lists them."""

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import aiohttp
from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.alias_generators import to_camel

from responder.sandbox.alerting.grouping import Flush, Groups, Routing
from responder.sandbox.alerting.rules import AlertState, RuleAlert
from responder.sandbox.alerting.samples import labels_of
from responder.sandbox.alerting.webhook import SentAlert, body, fingerprint, rfc3339

RECEIVER: Final = "responder"
USER_AGENT: Final = "Alertmanager/0.34 (campaign-responder sandbox)"
_FIRST_RETRY_SECONDS: Final = 0.1
_LEAST_TRYING_SECONDS: Final = 10.0
_SERVER_ERROR: Final = 500
_RESOLVE_AFTER_NS: Final = 5 * 60 * 1_000_000_000
_MS: Final = 1_000_000


class _Posted(BaseModel):
    """One alert as a Prometheus posts it."""

    model_config = ConfigDict(alias_generator=to_camel, extra="ignore", frozen=True)

    labels: dict[str, str] = Field(min_length=1)
    annotations: dict[str, str] = Field(default_factory=dict)
    starts_at: str = ""
    ends_at: str = ""
    generator_url: str = Field(default="", alias="generatorURL")


_POSTED: Final = TypeAdapter(tuple[_Posted, ...])


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where notifications go."""

    url: str
    token: str = ""
    timeout_seconds: float = 10.0


class Notifier:
    """Groups of alerts, and one loop that tells them."""

    def __init__(
        self,
        webhook: Webhook,
        *,
        routing: Routing,
        external_url: str = "http://127.0.0.1:9093",
        now_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._webhook = webhook
        self._groups = Groups(routing)
        self._external_url = external_url
        self._now_ns = now_ns
        self._changed = asyncio.Event()

    def take(self, alerts: Iterable[SentAlert]) -> None:
        """Take what is said about alerts."""
        for alert in alerts:
            self._groups.add(alert, now_ns=self._now_ns())
        self._changed.set()

    def take_from_rules(self, alerts: Iterable[RuleAlert]) -> None:
        """Take the alerts of the built-in evaluator; those pending are not told."""
        self.take(_sent(alert) for alert in alerts if alert.state is not AlertState.PENDING)

    async def run(self) -> None:
        """Tell each group when it is due, until cancelled."""
        async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as posts:
            while True:
                for flush in self._groups.due(now_ns=self._now_ns()):
                    posts.create_task(self._tell(flush, session))
                self._changed.clear()
                due = self._groups.next_due_ns
                wait = None if due is None else max(0.0, (due - self._now_ns()) / 1e9)
                try:
                    async with asyncio.timeout(wait):
                        await self._changed.wait()
                except TimeoutError:
                    pass  # a group is due

    async def _tell(self, flush: Flush, session: aiohttp.ClientSession) -> None:
        """Tell it, and note whether it arrived."""
        arrived = await self._arrives(flush, session)
        self._groups.told(flush, arrived=arrived)
        self._changed.set()

    async def _arrives(self, flush: Flush, session: aiohttp.ClientSession) -> bool:
        """Post until it is taken, refused for good, or the group's next turn has come."""
        told = body(
            flush.alerts,
            group=flush.group,
            now_ns=flush.at_ns,
            receiver=RECEIVER,
            external_url=self._external_url,
        )
        # Alertmanager tries for ten seconds at least, however short the interval is.
        deadline_ns = max(flush.deadline_ns, flush.at_ns + round(_LEAST_TRYING_SECONDS * 1e9))
        pause = _FIRST_RETRY_SECONDS
        while True:
            status = await self._post(told, session)
            if status is not None and status < _SERVER_ERROR:
                return status < 300  # noqa: PLR2004 -- success, by HTTP
            if self._now_ns() + round(pause * 1e9) >= deadline_ns:
                return False
            await asyncio.sleep(pause)
            pause = min(2 * pause, 5.0)

    async def _post(self, told: dict[str, Any], session: aiohttp.ClientSession) -> int | None:
        headers = {"User-Agent": USER_AGENT}
        if self._webhook.token:
            headers["Authorization"] = f"Bearer {self._webhook.token}"
        timeout = aiohttp.ClientTimeout(total=self._webhook.timeout_seconds)
        try:
            async with session.post(
                self._webhook.url, json=told, headers=headers, timeout=timeout
            ) as answer:
                await answer.read()
                return answer.status
        except (aiohttp.ClientError, TimeoutError):
            return None

    def firing(self) -> list[dict[str, str]]:
        """Give the labels of every alert that fires."""
        return [dict(alert.labels) for alert in self._groups.open_alerts(now_ns=self._now_ns())]

    def routes(self) -> list[web.RouteDef]:
        """Give what a Prometheus and a responder ask an Alertmanager for."""
        return [
            web.post("/api/v2/alerts", self._take_posted),
            web.get("/api/v2/alerts", self._list),
            web.get("/-/ready", self._ready),
        ]

    async def _ready(self, request: web.Request) -> web.Response:
        del request
        return web.Response(text="OK")

    async def _take_posted(self, request: web.Request) -> web.Response:
        try:
            posted = _POSTED.validate_json(await request.read())
            alerts = [_of_posted(one, self._now_ns()) for one in posted]
        except (ValidationError, ValueError) as error:
            return web.json_response(str(error), status=400)
        self.take(alerts)
        return web.Response()

    async def _list(self, request: web.Request) -> web.Response:
        del request
        now_ns = self._now_ns()
        return web.json_response(
            [_listed(alert, now_ns) for alert in self._groups.open_alerts(now_ns=now_ns)]
        )


def _listed(alert: SentAlert, now_ns: int) -> dict[str, Any]:
    ends = now_ns + _RESOLVE_AFTER_NS if alert.ends_at_ns is None else alert.ends_at_ns
    return {
        "annotations": dict(alert.annotations),
        "endsAt": rfc3339(ends),
        "fingerprint": fingerprint(alert.labels),
        "receivers": [{"name": RECEIVER}],
        "startsAt": rfc3339(alert.starts_at_ns),
        "status": {"inhibitedBy": [], "mutedBy": [], "silencedBy": [], "state": "active"},
        "updatedAt": rfc3339(now_ns),
        "generatorURL": alert.generator_url,
        "labels": dict(alert.labels),
    }


def _sent(alert: RuleAlert) -> SentAlert:
    started = alert.active_at_ms if alert.fired_at_ms is None else alert.fired_at_ms
    ended = alert.resolved_at_ms
    return SentAlert(
        labels=alert.labels,
        annotations=alert.annotations,
        starts_at_ns=started * _MS,
        ends_at_ns=None if ended is None else ended * _MS,
    )


def _of_posted(posted: _Posted, now_ns: int) -> SentAlert:
    ends = _ns_of(posted.ends_at)
    return SentAlert(
        labels=labels_of(posted.labels),
        annotations=posted.annotations,
        starts_at_ns=_ns_of(posted.starts_at) or now_ns,
        ends_at_ns=ends or now_ns + _RESOLVE_AFTER_NS,
        generator_url=posted.generator_url,
    )


def _ns_of(text: str) -> int | None:
    """Read a time; None for Go's zero time or none. Raises ValueError."""
    if not text or text.startswith("0001-"):
        return None
    point = text.find(".")
    end = next((at for at in range(19, len(text)) if text[at] in "Z+-"), len(text))
    digits = text[point + 1 : end] if 0 < point < end else ""
    whole = datetime.fromisoformat(text[:19] + text[end:])
    if whole.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone")
    return round(whole.timestamp()) * 1_000_000_000 + int(digits[:9].ljust(9, "0") or 0)

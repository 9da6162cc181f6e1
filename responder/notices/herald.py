"""The herald: hears of every change of an incident, and sees that those who want to know are told.

It must never hold up the brake: hearing costs a comparison, and everything else happens in tasks
and processes of its own. A notice is made from the difference of two versions, and kept in memory
until it is sent: a responder that dies loses those that it had not sent yet, and repeats none.
"""

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

import structlog

from responder.incidents.incident import Incident
from responder.metrics import Metrics
from responder.notices.couriers import Answer, Couriers
from responder.notices.destinations import Destination
from responder.notices.facts import Facts, facts_of
from responder.notices.loading import Loaded, load
from responder.notices.moments import PASSING, Moment, moments
from responder.notices.outbox import Outbox, Pace
from responder.notices.rendering import shipped

_LOOK_SECONDS: Final = 2.0
_QUIET_SECONDS: Final = 600.0
"""What comes and goes with another writer is told once in so long, for one incident."""
_MOST_REMEMBERED: Final = 10_000
_LAST_WORDS_SECONDS: Final = 3.0
_AGAIN_SECONDS: Final = 5.0

log = structlog.get_logger()


class Herald:
    """The destinations in force, and what each is still to be told."""

    def __init__(
        self,
        file: Path | None,
        *,
        templates: Path | None,
        link: str,
        namespace: str,
        metrics: Metrics,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        pace: Pace | None = None,
        couriers: Couriers | None = None,
    ) -> None:
        self._file = file
        self._templates = templates
        self._link = link
        self._namespace = namespace
        self._metrics = metrics
        metrics.notify_file_valid.set(0 if file else 1)  # without a file there is no mistake in it
        self._now = now
        self._pace = pace
        self._couriers = couriers or Couriers()
        self._loaded: Loaded | None = None
        self._digest: str | None = None
        self._outboxes: dict[str, Outbox] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._looked = asyncio.Event()
        self._told: OrderedDict[tuple[str, Moment], datetime] = OrderedDict()

    def hear(self, before: Incident, after: Incident) -> None:
        """Take note of a change; never raises, and never waits."""
        if not self._outboxes:
            return
        try:
            found = [moment for moment in moments(before, after) if self._is_news(after, moment)]
            if not found:
                return
            made: dict[tuple[Moment, ...], Facts] = {}
            for outbox in self._outboxes.values():
                wanted = tuple(
                    moment for moment in found if outbox.destination.wants(moment, after.playbook)
                )
                if wanted and wanted not in made:
                    made[wanted] = facts_of(after, wanted, now=self._now(), link=self._link)
                if wanted:
                    outbox.put(made[wanted])
        except Exception:
            # The brake goes on whatever is wrong here.
            log.exception("notice_not_made", incident=after.name)

    def _is_news(self, incident: Incident, moment: Moment) -> bool:
        if moment not in PASSING:
            return True
        key, now = (incident.uid, moment), self._now()
        last = self._told.get(key)
        if last is not None and (now - last).total_seconds() < _QUIET_SECONDS:
            return False
        self._told[key] = now
        self._told.move_to_end(key)
        if len(self._told) > _MOST_REMEMBERED:
            self._told.popitem(last=False)
        return True

    # -- the file

    async def follow(self) -> None:
        """Read the file, and again whenever it changes, until cancelled."""
        while self._file is not None:
            try:
                await self.look()
            except Exception:
                # A responder that can't tell anybody still brakes.
                log.exception("notify_file_not_read")
            self._looked.set()
            await asyncio.sleep(_LOOK_SECONDS)

    async def ready(self, *, within_seconds: float) -> None:
        """Return once the file was looked at, if there is one, or the time is over."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_seconds if self._file is not None else 0):
                await self._looked.wait()

    async def look(self) -> None:
        """Look at the file now. One with a mistake never replaces the last good one."""
        if self._file is None:
            return
        loaded = await asyncio.to_thread(load, self._file, self._templates)
        if loaded.digest == self._digest:
            return
        self._digest = loaded.digest
        self._metrics.notify_file_valid.set(0 if loaded.problems else 1)
        for problem in loaded.problems:
            log.error("notify_file_mistake", problem=str(problem))
        if loaded.problems:
            log.error(
                "notify_file_not_loaded",
                in_force=sorted(self._outboxes),
                fix="run `responder check --notify-file`",
            )
            return
        await self._take(loaded)

    async def _take(self, loaded: Loaded) -> None:
        self._loaded = loaded
        wanted = {each.name: each for each in loaded.destinations}
        for name in self._outboxes.keys() - wanted.keys():
            await self._end(name)
            self._outboxes.pop(name).drop_all(why="its destination is no longer in the file")
        for name, destination in wanted.items():
            self._serve(name, destination)
        log.info("notify_file_loaded", destinations=sorted(wanted))
        known = await self._couriers.known([each.url for each in loaded.destinations])
        for each, is_known in zip(loaded.destinations, known or (), strict=False):
            if not is_known:
                self._metrics.notify_file_valid.set(0)
                log.error(
                    "notify_address_unknown",
                    destination=each.name,
                    line=loaded.lines.get(each.name),
                    fix="run `responder notify NAME` once it is right",
                )

    def _serve(self, name: str, destination: Destination) -> None:
        """Keep what waits for a destination that changes; its next try goes by the new words."""
        deliver = partial(self._deliver, destination)
        pace = self._pace or replace(Pace(), every_seconds=float(destination.every.seconds))
        outbox = self._outboxes.get(name)
        if outbox is not None:
            outbox.change(destination, deliver, every_seconds=pace.every_seconds)
            return
        outbox = self._outboxes[name] = Outbox(
            destination,
            deliver,
            metrics=self._metrics,
            pace=pace,
            namespace=self._namespace,
            link=self._link,
        )
        self._tasks[name] = asyncio.create_task(self._keep_running(outbox))

    async def _deliver(
        self, destination: Destination, template: str, facts: Mapping[str, Any]
    ) -> Answer:
        return await self._couriers.send(
            destination.url, templates=sources(self._loaded or Loaded(), template), facts=facts
        )

    async def _keep_running(self, outbox: Outbox) -> None:
        while True:
            try:
                await outbox.run()
            except Exception:
                log.exception("outbox_failed", destination=outbox.destination.name)
                await asyncio.sleep(_AGAIN_SECONDS)

    async def _end(self, name: str) -> None:
        task = self._tasks.pop(name, None)
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def close(self) -> None:
        """Try once more to deliver what waits, for a short while."""
        for name in list(self._tasks):
            await self._end(name)
        last_words = [outbox.flush() for outbox in self._outboxes.values() if outbox.waiting]
        if last_words:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LAST_WORDS_SECONDS):
                    await asyncio.gather(*last_words)
        for outbox in self._outboxes.values():
            outbox.drop_all(why="the responder stopped")
        self._outboxes.clear()


def sources(loaded: Loaded, template: str) -> dict[str, list[str]]:
    """Give the templates of this name to try, for text and for markdown: the operator's first."""
    kind = template if template in {"notice", "digest"} else "notice"
    found: dict[str, list[str]] = {}
    for form, markdown in (("text", False), ("markdown", True)):
        own = loaded.own(template, markdown=markdown)
        found[form] = [*([own] if own is not None else []), shipped(kind, markdown=markdown)]
    return found

"""The Alertmanagers are asked what fires, and what they never told us, or we never took, is stored.

They are asked at the start, from time to time, and at once when a notification left alerts out. One
inquiry runs at a time; all that are asked for meanwhile are one more. Whatever goes wrong in it is
logged, counted and tried again next time: nothing waits for it, and of the turns to write it takes
one at a time.
"""

import asyncio
import contextlib
import random
import re
import time
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Protocol

import structlog

from responder.alerts.notification import Alert
from responder.cluster.failures import ApiFailure
from responder.evidence.comparing import SKEW, Doubt
from responder.evidence.listings import ListedAlert, Listing, Unheard
from responder.evidence.reckoning import Known, Senders, compared
from responder.evidence.verdict import Unknown
from responder.incidents.absorption import Absorbed
from responder.incidents.quiet import Quiet
from responder.metrics import Metrics
from responder.reconcile.hearsay import Hearsay
from responder.reconcile.intake import Stored
from responder.reconcile.recovering import Recovery
from responder.reconcile.view import View

_LONGEST_SECONDS: Final = 120.0
_LEAST_PAUSE_SECONDS: Final = 1.0
"""Between two inquiries, and as long as the last one took, however often they are asked for."""
_AFTER_NEWS_SECONDS: Final = 1.5 * SKEW.total_seconds()
"""When to ask again about what was heard of while they were asked."""
_SLICE: Final = 500
"""Alerts of incidents that are looked at before others get their turn: a millisecond or two."""
_QUOTED: Final = re.compile(r"\\(.)")

log = structlog.get_logger()


class Asked(Protocol):
    """The Alertmanagers, in the order of the configuration."""

    async def listings(self, *, now: datetime) -> tuple[Listing | Unheard, ...]: ...


@dataclass(frozen=True, slots=True)
class Practice:
    """How it is asked, and what counts."""

    senders: Senders
    interval_seconds: float = 60.0
    grace_seconds: float = 300.0
    receiver: str = ""
    """Ours; where it is empty, alerts for any receiver are."""


@dataclass(slots=True)
class _Found:
    """What one inquiry came to."""

    lost_firings: dict[str, ListedAlert] = field(default_factory=dict)
    lost_resolves: set[str] = field(default_factory=set)
    doubts: dict[str, Doubt] = field(default_factory=dict)
    quiet: dict[str, Quiet] = field(default_factory=dict)


class Inquiry:
    """Asks, over and over."""

    def __init__(
        self,
        asked: Asked,
        practice: Practice,
        *,
        view: View,
        recovery: Recovery,
        metrics: Metrics,
        now: Callable[[], datetime],
        is_ready: Callable[[], bool],
        leads: Callable[[], bool],
        on_quiet: Callable[[Mapping[str, Quiet]], None],
        longest_seconds: float = _LONGEST_SECONDS,
        least_pause_seconds: float = _LEAST_PAUSE_SECONDS,
        chance: Callable[[], float] = random.random,
    ) -> None:
        """`is_ready` tells whether the view is in sync, `leads` whether this replica acts."""
        self._alertmanagers = asked
        self._practice = practice
        self._view = view
        self._recovery = recovery
        self._metrics = metrics
        self._now = now
        self._is_ready = is_ready
        self._leads = leads
        self._on_quiet = on_quiet
        self._longest_seconds = longest_seconds
        self._least_pause_seconds = least_pause_seconds
        self._chance = chance
        self._hearsay = Hearsay(metrics)
        self._quiet: Mapping[str, Quiet] = {}
        self._cut_short: set[str] = set()
        self._wanted = asyncio.Event()
        self._heard_meanwhile = False

    def on_cut_short(self, receiver: str) -> None:
        """Ask at once: a notification to this receiver (as sent, quoted) left alerts out."""
        self._cut_short.add(_QUOTED.sub(r"\1", receiver))
        self._wanted.set()

    async def run(self) -> None:
        """Ask until cancelled."""
        while True:
            started = time.monotonic()
            self._wanted.clear()
            # Each replica hears of other notifications, so whichever hears of one that was cut
            # short looks; writes are guarded, and what two of them find is stored once.
            if self._cut_short or self._leads():
                await self.ask()
            took = time.monotonic() - started
            await asyncio.sleep(max(self._least_pause_seconds, took))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._pause_seconds()):
                    await self._wanted.wait()

    def _pause_seconds(self) -> float:
        usual = self._practice.interval_seconds * (0.9 + 0.2 * self._chance())
        return min(usual, _AFTER_NEWS_SECONDS) if self._heard_meanwhile else usual

    async def ask(self) -> None:
        """Ask once and store what was lost; never raises but when it is cancelled."""
        outcome = "failed"
        try:
            if not self._is_ready():
                outcome = "not_in_sync"
                return
            async with asyncio.timeout(self._longest_seconds):
                outcome = await self._ask()
        except TimeoutError:
            log.warning("inquiry_took_too_long", seconds=self._longest_seconds)
        except Exception as error:  # the outermost edge of this loop
            log.exception("inquiry_failed", error=type(error).__name__)
        finally:
            self._metrics.inquiries.labels(outcome=outcome).inc()

    async def _ask(self) -> str:
        cut_short, self._cut_short = frozenset(self._cut_short), set()
        answers = await self._alertmanagers.listings(now=self._now())
        self._hearsay.tell_answers(answers)
        found = await self._weigh(answers, cut_short)
        self._hearsay.tell_doubts(found.doubts)
        reasons = {doubt.reason for doubt in found.doubts.values()}
        self._heard_meanwhile = Unknown.JUST_HEARD in reasons
        self._tell_quiet(found.quiet, answers)
        failures = await self._store(found, answers)
        is_partial = any(isinstance(one, Unheard) for one in answers)
        if failures or is_partial:
            self._cut_short |= cut_short  # what was left out may be in what is not stored yet
        return "not_stored" if failures else "partial" if is_partial else "whole"

    async def _weigh(
        self, answers: Sequence[Listing | Unheard], cut_short: Collection[str]
    ) -> _Found:
        known = Known(self._practice.senders, now=self._now())
        looked_at = 0
        for incident in list(self._view.incidents.values()):
            known.add(incident)
            looked_at += len(incident.alerts)
            if looked_at >= _SLICE:
                looked_at = 0
                await asyncio.sleep(0)
        found = _Found(doubts=dict(known.doubts))
        heard_before = _heard_before(answers)
        comparisons = compared(
            known.alerts,
            answers,
            concerns=lambda alert: self._concerns(alert, heard_before),
            grace_seconds=self._practice.grace_seconds,
            cut_short=cut_short,
        )
        for part in comparisons:
            found.lost_firings |= part.lost_firings
            found.lost_resolves |= part.lost_resolves
            found.doubts |= part.unknown
            for each in {*part.silenced, *part.inhibited, *part.muted}:
                found.quiet[each] = Quiet(
                    part.silenced.get(each, ()),
                    part.inhibited.get(each, ()),
                    part.muted.get(each, ()),
                )
            await asyncio.sleep(0)
        return found

    def _concerns(self, alert: ListedAlert, heard_before: datetime | None) -> bool:
        receiver = self._practice.receiver
        if heard_before is None or not alert.labels:
            return False
        if receiver and receiver not in alert.receivers:
            return False
        return self._recovery.lacks(_firing(alert), heard_before=heard_before)

    def _tell_quiet(self, quiet: Mapping[str, Quiet], answers: Sequence[Listing | Unheard]) -> None:
        unheard = [one for one in answers if isinstance(one, Unheard)]
        if unheard:
            # What it would say now is not known: what it said stands, but for what others list.
            listed = {each for one in answers if isinstance(one, Listing) for each in one.alerts}
            stands = {each: told for each, told in self._quiet.items() if each not in listed}
            quiet = {**stands, **quiet}
        self._quiet = quiet
        self._hearsay.tell_quiet(quiet)
        if len(unheard) < len(answers):
            self._on_quiet(quiet)

    # -- what was lost

    async def _store(self, found: _Found, answers: Sequence[Listing | Unheard]) -> int:
        """Store it, what fires first; gives how much could not be stored now."""
        heard_before = _heard_before(answers)
        if heard_before is None:
            return 0
        failures = 0
        for (sender, receiver), alerts in self._by_sender(found, answers).items():
            failures += await self._count(
                "firing",
                self._recovery.firings(
                    alerts, heard_before=heard_before, sender=sender, receiver=receiver
                ),
            )
        failures += await self._count(
            "resolved",
            self._recovery.resolves(
                found.lost_resolves,
                is_asked=self._practice.senders.are_asked,
                heard_before=heard_before,
            ),
        )
        return failures

    def _by_sender(
        self, found: _Found, answers: Sequence[Listing | Unheard]
    ) -> Mapping[tuple[str, str], Iterable[Alert]]:
        told: dict[tuple[str, str], list[Alert]] = defaultdict(list)
        for fingerprint, alert in found.lost_firings.items():
            receiver = self._practice.receiver or next(iter(alert.receivers), "")
            sender = self._practice.senders.telling(fingerprint, answers)
            told[sender, receiver].append(_firing(alert))
        return told

    async def _count(self, status: str, storing: AsyncGenerator[Stored | ApiFailure, None]) -> int:
        failures = 0
        async with aclosing(storing):
            async for stored in storing:
                if not isinstance(stored, Stored):
                    failures += 1
                    log.warning("lost_notification_not_stored", status=status, why=str(stored))
                elif stored.what in (Absorbed.OPEN, Absorbed.CHANGE) and not stored.message:
                    self._metrics.lost_notifications.labels(status=status).inc(
                        len(stored.fingerprints)
                    )
                    log.warning(
                        "lost_notification_found",
                        status=status,
                        incident=stored.incident,
                        playbook=stored.playbook,
                        alerts=len(stored.fingerprints),
                    )
        return failures


def _heard_before(answers: Sequence[Listing | Unheard]) -> datetime | None:
    """Give the time since which news count more than what was listed; None if nothing was."""
    asked_at = min((one.asked_at for one in answers if isinstance(one, Listing)), default=None)
    return None if asked_at is None else asked_at - SKEW


def _firing(alert: ListedAlert) -> Alert:
    return Alert(
        status="firing",
        labels=dict(alert.labels),
        annotations=dict(alert.annotations),
        starts_at=alert.starts_at,
        fingerprint=alert.fingerprint,
    )

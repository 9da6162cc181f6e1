"""What the senders of one hold show, by the mildest evidence that suffices.

Their own word for the document that stands; else attempts that fell to what was asked.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from responder.evidence.answers import NoAnswer
from responder.evidence.falling import fell_to_rate, fell_to_share
from responder.evidence.metric import Metric
from responder.evidence.prometheus import Prometheus
from responder.evidence.questions import NotAskable, Question
from responder.evidence.senders import attempts_of, senders_of, sent, sent_before
from responder.evidence.verdict import Truth, Unknown
from responder.holds.signs import Sign, labels_of, signs_of
from responder.holds.subjects import told
from responder.incidents.confirmation import Effect, Sight
from responder.incidents.transitions import read_moment
from responder.playbooks.asks import Ask

_EFFECTS = {Truth.YES: Effect.SEEN, Truth.NO: Effect.DENIED, Truth.UNKNOWN: Effect.UNKNOWN}


@dataclass(frozen=True, slots=True)
class Looked:
    """What stands on the objects of one hold, and since when."""

    begun_at: str
    """Until then nothing was held; it is applied a little later."""
    applied_at: str
    is_first_turn: bool
    is_alone: bool
    """No other incident is on them: what was sent before was the normal rate."""
    stands: bool
    """What is asked for is in the documents."""
    ids: tuple[str, ...]


class SenderSigns:
    """One hold on sending, looked at again and again until its effect is seen."""

    def __init__(self, ask: Ask, *, within_seconds: float) -> None:
        self._ask = ask
        self._within = timedelta(seconds=within_seconds)
        self._before: dict[int, tuple[float, float] | NoAnswer] = {}
        self.is_down = False
        """Prometheus gave no answer when it was last asked."""

    async def look(
        self,
        looked: Looked,
        prometheus: Prometheus | None,
        metrics: Mapping[str, Metric],
        *,
        now: datetime,
    ) -> Sight:
        """Ask once; whatever can't be asked is unknown."""
        self.is_down = False
        applied_at = read_moment(looked.applied_at)
        if prometheus is None:
            return self._sight(Effect.UNKNOWN, "no Prometheus is configured")
        if not looked.stands or applied_at is None:
            return self._sight(Effect.UNKNOWN, "it does not stand where it was written")
        return await self._asked(prometheus, metrics, looked, applied_at, now)

    async def _asked(
        self,
        prometheus: Prometheus,
        metrics: Mapping[str, Metric],
        looked: Looked,
        applied_at: datetime,
        now: datetime,
    ) -> Sight:
        concerned = labels_of(self._ask)
        if not concerned:
            return self._sight(Effect.UNKNOWN, "no metric tells what its keys come to")
        document = looked.ids[0] if len(looked.ids) == 1 else ""
        senders = await senders_of(prometheus, concerned, document=document, now=now)
        if isinstance(senders, NoAnswer):
            return self._unknown(senders)
        if senders.all_observe:
            told = f"all {senders.observed} exporter(s) say that they keep to {document}"
            return self._sight(Effect.SEEN, told)
        if senders.silent:
            told = f"{senders.silent} exporter(s) of its senders can't be scraped"
            return self._sight(Effect.UNKNOWN, told)
        found = await self._by_attempts(prometheus, metrics, looked, applied_at, now)
        return self._unknown(found) if isinstance(found, NoAnswer) else found

    async def _by_attempts(
        self,
        prometheus: Prometheus,
        metrics: Mapping[str, Metric],
        looked: Looked,
        applied_at: datetime,
        now: datetime,
    ) -> Sight | NoAnswer:
        signs, window = signs_of(self._ask), prometheus.least_window_seconds
        if not signs:
            return self._sight(Effect.UNKNOWN, "attempts can't tell, and its senders don't")
        effects: list[Effect] = []
        for index, sign in enumerate(signs):
            attempts = attempts_of(sign.labels, metrics=metrics, window_seconds=window)
            if isinstance(attempts, NotAskable):
                return NoAnswer(attempts.reason, attempts.message)
            after = await sent(prometheus, attempts, since=applied_at, now=now)
            if isinstance(after, NoAnswer):
                return after
            before = None
            if sign.share and looked.is_first_turn and looked.is_alone:
                before = await self._sent_before(prometheus, attempts, index, looked)
            truth = _judged(sign, before=before, after=after, window=window)
            # Only what is sent after the deadline tells that it has passed unheeded.
            late = now - timedelta(seconds=window) >= applied_at + self._within
            if truth is Truth.NO and not (late and sign.denies):
                truth = Truth.UNKNOWN
            effects.append(_EFFECTS[truth])
        return self._judged_together(effects)

    async def _sent_before(
        self, prometheus: Prometheus, attempts: Question, index: int, looked: Looked
    ) -> tuple[float, float] | None:
        found = self._before.get(index)
        if found is None or (isinstance(found, NoAnswer) and found.reason is not Unknown.NO_DATA):
            begun_at = read_moment(looked.begun_at)
            if begun_at is None:
                return None
            found = await sent_before(prometheus, attempts, moment=begun_at)
            self._before[index] = found
        return None if isinstance(found, NoAnswer) else found

    def _judged_together(self, effects: list[Effect]) -> Sight:
        paused = [sign.share for sign in signs_of(self._ask)] == [0.0]
        if Effect.DENIED in effects:
            told = "mail is still sent" if paused else "more is sent than is asked"
            return self._sight(Effect.DENIED, told)
        if Effect.UNKNOWN in effects:
            return self._sight(Effect.UNKNOWN, "attempts have not been seen to fall to it")
        told = "nothing is sent any more" if paused else "attempts fell to what is asked"
        return self._sight(Effect.SEEN, told)

    def _unknown(self, answer: NoAnswer) -> Sight:
        self.is_down = answer.reason in (Unknown.DOWN, Unknown.TIMED_OUT)
        return self._sight(Effect.UNKNOWN, f"{answer.reason}: {answer.message}")

    def _sight(self, effect: Effect, message: str) -> Sight:
        return Sight(told(self._ask), effect, message)


def _judged(sign: Sign, *, before: tuple[float, float] | None, after: float, window: int) -> Truth:
    if sign.per_minute is not None:
        return fell_to_rate(sign.per_minute, after=after, window_seconds=window)
    if sign.share is None:
        return Truth.UNKNOWN
    return fell_to_share(sign.share, before=before, after=after)

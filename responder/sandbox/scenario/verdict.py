"""Whether what was expected of a scenario came about."""

from collections.abc import Iterator
from dataclasses import dataclass

from responder.holds.sending import SendingLimit
from responder.playbooks.quantities import Duration
from responder.sandbox.chronicle import Chronicle, Moment, in_words
from responder.sandbox.scenario.schema import Expectation, Held, Scale, Scenario
from responder.sandbox.speed import Speed

_ALL = 1.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """One expectation, and what became of it."""

    kept: bool
    expected: str
    found: str


def verdicts(scenario: Scenario, chronicle: Chronicle, *, speed: Speed) -> tuple[Verdict, ...]:
    """Judge every expectation of a scenario that is over."""
    return tuple(_Judging(chronicle, speed).of(each) for each in scenario.spec.expect)


class _Judging:
    def __init__(self, chronicle: Chronicle, speed: Speed) -> None:
        self._chronicle = chronicle
        self._speed = speed

    def of(self, expected: Expectation) -> Verdict:
        by = f" by {expected.by.text}" if expected.by else ""
        if expected.held is not None:
            return self._held(expected.held, expected.by, by)
        if expected.replicas is not None:
            return self._replicas(expected.replicas, expected.by, by)
        if expected.never_held is not None:
            return self._never_held(expected.never_held)
        if expected.incidents is not None:
            count = len(self._chronicle.incidents)
            told = f"{expected.incidents} incident(s)"
            return Verdict(count == expected.incidents, told, f"{count} opened")
        return self._given_back(expected.by, f"everything is given back{by}")

    def _until(self, by: Duration | None) -> Iterator[Moment]:
        """Give every moment up to then."""
        for moment in self._chronicle.moments:
            told_seconds = self._speed.told_seconds(moment.at_seconds)
            if by is None or told_seconds <= by.seconds:
                yield moment

    def _when(self, moment: Moment) -> str:
        return at_words(self._speed.told_seconds(moment.at_seconds))

    def _held(self, wanted: Held, by: Duration | None, told_by: str) -> Verdict:
        name = _subject(wanted)
        at = f" at {wanted.provider}" if wanted.provider and "provider/" not in name else ""
        how = "paused" if wanted.to.ratio == 0 else f"held to {wanted.to.text}"
        told = f"{name}{at} is {how}{told_by}"
        last = "it was not held"
        for moment in self._until(by):
            limit = moment.held.get(name)
            if wanted.segment is not None and _is_suppressed(wanted.segment, moment):
                return Verdict(kept=True, expected=told, found=f"skipped at {self._when(moment)}")
            if limit is None:
                continue
            last = f"it was {in_words(limit)}"
            if _lets_through(limit, wanted.provider) <= wanted.to.ratio:
                return Verdict(kept=True, expected=told, found=f"at {self._when(moment)}")
        return Verdict(kept=False, expected=told, found=last)

    def _replicas(self, wanted: Scale, by: Duration | None, told_by: str) -> Verdict:
        told = f"{wanted.workload} has {wanted.to} replicas{told_by}"
        seen: list[str] = []
        for moment in self._until(by):
            found = moment.replicas.get(wanted.workload)
            if found == wanted.to:
                return Verdict(kept=True, expected=told, found=f"at {self._when(moment)}")
            seen.append(str(found))
        return Verdict(
            kept=False, expected=told, found=f"it had {', '.join(dict.fromkeys(seen)) or 'none'}"
        )

    def _never_held(self, campaign: str) -> Verdict:
        told = f"campaign/{campaign} is never held"
        for moment in self._until(None):
            limit = moment.held.get(f"campaign/{campaign}")
            if limit is not None:
                found = f"{in_words(limit)} at {self._when(moment)}"
                return Verdict(kept=False, expected=told, found=found)
        return Verdict(kept=True, expected=told, found="it went on all the time")

    def _given_back(self, by: Duration | None, told: str) -> Verdict:
        moments = list(self._until(by))
        if not any(moment.traces for moment in moments):
            return Verdict(kept=False, expected=told, found="nothing was held until then")
        if moments[-1].traces:
            held = ", ".join(f"{key} {in_words(limit)}" for key, limit in moments[-1].held.items())
            return Verdict(kept=False, expected=told, found=f"still held: {held or 'a workload'}")
        last = max(at for at, moment in enumerate(moments) if moment.traces)
        return Verdict(kept=True, expected=told, found=f"at {self._when(moments[last + 1])}")


def _subject(wanted: Held) -> str:
    for kind in ("campaign", "pool", "segment"):
        name = getattr(wanted, kind)
        if name is not None:
            return f"{kind}/{name}"
    return f"provider/{wanted.provider}"


def _is_suppressed(segment: str, moment: Moment) -> bool:
    return any(segment in limit.suppress for limit in moment.held.values())


def _lets_through(limit: SendingLimit, provider: str | None) -> float:
    shares = [_ALL if limit.share is None else limit.share]
    shares += [share for name, share in limit.providers if name == provider]
    return min(shares)


def at_words(told_seconds: float) -> str:
    """Say a time of the story: `12m30s`."""
    whole = round(told_seconds)
    hours, rest = divmod(whole, 3600)
    minutes, seconds = divmod(rest, 60)
    return f"{hours}h{minutes:02}m{seconds:02}s" if hours else f"{minutes}m{seconds:02}s"

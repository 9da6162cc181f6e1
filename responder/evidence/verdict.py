"""A verdict: yes, no, or unknown with its reason. Nothing is ever loosened by what is unknown."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NoReturn, Self


class Truth(StrEnum):
    """The three of them; there is no other order among them than that of careful callers."""

    YES = "Yes"
    NO = "No"
    UNKNOWN = "Unknown"


class Unknown(StrEnum):
    """Why something is not known."""

    DOWN = "Down"
    """Prometheus can't be reached, or says that it can't answer now."""
    TIMED_OUT = "TimedOut"
    REFUSED = "Refused"
    """Our credentials are not accepted, or may not ask this."""
    UNREADABLE = "Unreadable"
    """An answer that is none: another server's page, a redirect, or too much of it."""
    INCOMPLETE = "Incomplete"
    """The answer came with warnings: part of the data was not there to be counted."""
    SKEWED = "Skewed"
    """Its clock and the cluster's differ: a window is not what it seems."""
    BAD_QUERY = "BadQuery"
    NO_DATA = "NoData"
    SEVERAL_SERIES = "SeveralSeries"
    NOT_A_NUMBER = "NotANumber"
    """NaN, an infinity, a histogram, or a negative count."""
    TOO_EARLY = "TooEarly"
    """Too little time has passed since the last resume."""
    TOO_FEW_SENDS = "TooFewSends"
    TOO_FEW_EVENTS = "TooFewEvents"
    UNDECIDED = "Undecided"
    """Enough was sent, and chance alone may still explain which side of the threshold it is on."""
    MISSING_LABEL = "MissingLabel"
    """The incident lacks a label that the question is about."""
    UNKNOWN_METRIC = "UnknownMetric"
    YOUNG = "Young"
    """An Alertmanager that may not have heard again of all that fires."""
    NOT_ALL_ASKED = "NotAllAsked"
    """An Alertmanager has a peer that is not asked, or none is."""
    JUST_HEARD = "JustHeard"
    """Something was said of the alert while the Alertmanagers were asked."""
    UNKNOWN_SENDER = "UnknownSender"
    """The alert was told by none of the Alertmanagers that are asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What measured values come to. `reason` is there exactly if the truth is unknown.

    `value` is what was compared with the threshold: a ratio 0..1, a count, or what a query gave;
    `least` the least ratio that the sample proves.
    """

    truth: Truth
    reason: Unknown | None = None
    message: str = ""
    value: float | None = None
    least: float | None = None
    events: float | None = None
    samples: float | None = None

    def __post_init__(self) -> None:
        if (self.truth is Truth.UNKNOWN) != (self.reason is not None):
            raise ValueError(f"{self.truth} with the reason {self.reason}")

    @classmethod
    def unknown(cls, reason: Unknown, message: str = "") -> Self:
        """Nothing was measured."""
        return cls(truth=Truth.UNKNOWN, reason=reason, message=message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The answer to one question at one time. It is no boolean: ask which of the three it is.

    `is_yes` and `is_no` are both false of what is unknown, so that whoever acts on either acts on
    evidence.
    """

    question: str
    finding: Finding
    at: datetime
    window_seconds: int | None = None
    """What the queries looked over, or would have; None where there is no range."""
    warnings: tuple[str, ...] = ()
    """What Prometheus said beside the answer."""

    def __bool__(self) -> NoReturn:
        raise TypeError("a verdict may be unknown: ask `is_yes`, `is_no` or `is_unknown`")

    @property
    def is_yes(self) -> bool:
        return self.finding.truth is Truth.YES

    @property
    def is_no(self) -> bool:
        return self.finding.truth is Truth.NO

    @property
    def is_unknown(self) -> bool:
        return self.finding.truth is Truth.UNKNOWN

    def __str__(self) -> str:
        """Say it in a line, for a timeline."""
        found = self.finding
        why = f" ({found.reason})" if found.reason is not None else ""
        told = f"{self.question}: {found.truth.lower()}{why}"
        return f"{told}: {found.message}" if found.message else told

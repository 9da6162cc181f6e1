"""From the answers to a question's queries to what they come to: what is missing never counts."""

from dataclasses import replace
from typing import TypeAlias

from responder.evidence.answers import NoAnswer
from responder.evidence.questions import Question
from responder.evidence.verdict import Finding, Truth, Unknown

Value: TypeAlias = float | NoAnswer | None
"""One finite number; or why there is none; or None for a query without a series."""


def found(
    question: Question, events: Value, total: Value, reported: Value
) -> tuple[Finding, tuple[str, ...]]:
    """Judge a question by its answers; gives the warnings that came with them, too.

    While `reported` says that such events are counted at all, no series of them means none. When it
    doesn't, what looks healthy is unknown; what was counted before and is too much, stays too much.
    """
    is_counted = question.reported is None or isinstance(reported, float)
    if events is None and question.reported is not None:
        events = 0.0 if is_counted else reported
    counted = _counted(events, question, "events")
    if isinstance(counted, NoAnswer):
        return Finding.unknown(counted.reason, counted.message), counted.warnings
    sent = None if question.total is None else _counted(total, question, "total")
    if isinstance(sent, NoAnswer):
        return Finding.unknown(sent.reason, sent.message), sent.warnings
    finding = question.judge(counted, sent)
    if is_counted or finding.truth is not _healthy(question):
        return finding, ()
    missing = _counted(reported, question, "reported")
    if not isinstance(missing, NoAnswer):
        raise TypeError(missing)  # `is_counted` says that it is one
    told = f"{finding.message}; {missing.message}"
    unknown = replace(finding, truth=Truth.UNKNOWN, reason=missing.reason, message=told)
    return unknown, missing.warnings


def _healthy(question: Question) -> Truth:
    return Truth.YES if question.bound == "max" else Truth.NO


def _counted(value: Value, question: Question, what: str) -> float | NoAnswer:
    """Say why a value can't be judged, in the words of the metric's author."""
    where = "" if question.measure == "value" else f"`{what}` "
    match value:
        case None:
            return NoAnswer(Unknown.NO_DATA, f"{where}gives no series")
        case NoAnswer():
            return NoAnswer(value.reason, f"{where}{value.message}", value.warnings)
        case _ if question.measure != "value" and value < 0:
            return NoAnswer(Unknown.NOT_A_NUMBER, f"{where}gives {value:g}, less than nothing")
        case _:
            return value

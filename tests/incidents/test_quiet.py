"""Alerts that are kept quiet are told on their incident, and change nothing else."""

import dataclasses

import pytest

from responder.incidents.incident import Incident
from responder.incidents.quiet import Quiet, with_quiet
from responder.incidents.requests import Request
from responder.incidents.status import Condition, Phase
from responder.incidents.stored import body_of
from tests.incidents.given import alerts, fingerprint, incident, told_at
from tests.incidents.resource_schema import fault

OTHER = Condition("Applied", "True", "Committed", last_transition_time=told_at(0))
A, B = fingerprint(1), fingerprint(2)
SILENCED = Quiet(silenced_by=("s1",))


def told(found: Incident, quiet: dict[str, Quiet] | None, *, minutes: float = 1) -> Incident:
    conditions = with_quiet(found, quiet, [OTHER], now=told_at(minutes))
    assert conditions[0] == OTHER
    return dataclasses.replace(
        found, status=dataclasses.replace(found.status, conditions=conditions)
    )


def silenced(found: Incident) -> Condition | None:
    return next((each for each in found.status.conditions if each.type == "Silenced"), None)


@pytest.mark.parametrize(
    ("quiet", "reason", "message"),
    [
        (SILENCED, "Silenced", f"{A} is silenced by s1"),
        (Quiet(inhibited_by=(B,)), "Inhibited", f"{A} is inhibited by the alert {B}"),
        (Quiet(muted_by=("nights",)), "Muted", f"{A} is muted by nights"),
        (
            Quiet(silenced_by=("1", "2", "3", "4", "5"), muted_by=("nights",)),
            "Silenced",
            f"{A} is silenced by 1, 2, 3 and 2 more, muted by nights",
        ),
    ],
)
def test_it_says_by_what(quiet: Quiet, reason: str, message: str) -> None:
    found = silenced(told(incident(), {A: quiet, B: SILENCED}))
    assert found == Condition("Silenced", "True", reason, message, told_at(1))


def test_it_keeps_its_time_while_it_lasts_and_says_when_it_is_over() -> None:
    first = told(incident(alerts=alerts(fire=2)), {A: SILENCED}, minutes=1)
    more = told(first, {A: SILENCED, B: SILENCED}, minutes=2)
    over = told(more, {}, minutes=3)
    assert silenced(more) == Condition(
        "Silenced",
        "True",
        "Silenced",
        f"{A} is silenced by s1; {B} is silenced by s1",
        told_at(1),
    )
    assert silenced(over) == Condition("Silenced", "False", "Heard", "", told_at(3))
    assert told(over, {}, minutes=4) == over


def test_what_nobody_knows_stays_as_it_was() -> None:
    assert silenced(told(incident(), None)) is None
    assert silenced(told(incident(), {B: SILENCED})) is None
    first = told(incident(), {A: SILENCED})
    assert told(first, None, minutes=9) == first
    leaving = dataclasses.replace(
        first,
        status=dataclasses.replace(
            first.status, phase=Phase.COOLING, letting_go=Request(told_at(5), "")
        ),
    )
    assert told(leaving, {}, minutes=9) == leaving


def test_however_many_there_are_the_server_takes_it() -> None:
    hostile = {
        key: dataclasses.replace(record, labels={"alertname": "x" * 1000})
        for key, record in alerts(fire=200).items()
    }
    long = Quiet(silenced_by=("s" * 900,) * 9, inhibited_by=("i" * 900,) * 9)
    found = told(incident(alerts=hostile), dict.fromkeys(hostile, long))
    condition = silenced(found)
    assert condition is not None
    assert len(condition.message) <= 1000
    status = {key: value for key, value in found.status.to_json().items() if value is not None}
    assert fault({**body_of(found), "status": status}) == ""

"""The report for people: readable, bounded, and harmless whatever the labels hold."""

import dataclasses
import json
from datetime import timedelta
from pathlib import Path

from responder.holds.objects import ObjectKey
from responder.incidents.decision import Change, Decision, Place
from responder.incidents.figures import PlaybookReport
from responder.incidents.incident import Incident
from responder.incidents.reporting import report
from responder.incidents.requests import Request, Wishes
from responder.reporting import told_as_json, told_in_words
from tests.incidents.given import at, told_at
from tests.incidents.test_reporting import REPLICAS, acted, lowered, observed
from tests.test_telling import HOSTILE, is_harmless

PAGE = (Path(__file__).parents[1] / "docs" / "observing.md").read_text(encoding="utf-8")
SINCE, NOW = at(-60), at(240)


def words(*found: Incident, kept_days: float = 7) -> str:
    playbooks = report(found, since=SINCE, now=NOW, quick=timedelta(minutes=10))
    return told_in_words(playbooks, since=SINCE, now=NOW, kept_seconds=kept_days * 86_400)


def test_nothing_says_so() -> None:
    assert words() == "from 2026-11-24T17:00:00Z to 2026-11-24T22:00:00Z\nno incidents"


def test_what_is_gone_already_is_admitted() -> None:
    assert "are kept for 2h: older ones are gone" in words(kept_days=2 / 24)
    assert "older ones" not in words()


def test_one_that_observed_in_full() -> None:
    needs = Decision(
        at=told_at(0),
        changes=(Change(REPLICAS, "8", "2"),),
        refused=("campaign/x: no ConfigMap is marked as of this campaign",),
        person=("to acknowledge the cause: the playbook asks for it",),
    )
    found = observed(
        1,
        resolved=90,
        decision=needs,
        changes=[lowered(14), dataclasses.replace(lowered(20, after="9"), by="argocd-controller")],
        wishes=Wishes(release=Request(told_at(90), "ada@desk", "list cleaned")),
    )
    assert words(found).splitlines()[2:] == [
        "high-bounce-rate",
        "  incidents     1: 1 observed, 0 held, 0 proposed",
        "  false alarms  0, as far as can be told",
        "  would hold",
        "    Deployment/email-sender in mail: 1h 30m in 1 incident(s); replicas: 8 -> 2",
        "  would not hold",
        "    campaign/x: no ConfigMap is marked as of this campaign (in 1 incident(s))",
        "  a person would have been necessary",
        "    to acknowledge the cause: the playbook asks for it (in 1 incident(s))",
        "  what people did",
        (
            "    2026-11-24T18:14:00Z a person lowered replicas 8 -> 2 after 14m on"
            f" Deployment/email-sender in mail (by kubectl-scale, {found.name})"
        ),
        (
            "    2026-11-24T18:20:00Z somebody raised replicas 8 -> 9 after 20m on"
            f" Deployment/email-sender in mail (by argocd-controller, {found.name})"
        ),
        f"    2026-11-24T19:30:00Z ada@desk released it after 1h 30m: list cleaned ({found.name})",
        (
            "  => Keep observing: only 1 observed, and 3 are the least;"
            " in 1 of 1 something would not have been held."
        ),
    ]


def test_one_that_acts() -> None:
    told = words(acted(1, status={"brake_milliseconds": 40}), acted(2))
    assert "time to brake 40 ms (median), 40 ms (worst)" in told
    assert "Deployment/email-sender in mail: 4h in 2 incident(s), and still" in told
    assert "what people did: nothing that was seen" in told


def test_it_is_bounded_and_says_what_is_left_out() -> None:
    found = observed(changes=[lowered(number / 10) for number in range(32)])
    witnessed = dataclasses.replace(found.status.witnessed, omitted=968)
    many = dataclasses.replace(found, status=dataclasses.replace(found.status, witnessed=witnessed))
    told = words(many)
    assert "and 980 more" in told
    assert len(told.splitlines()) < 40


def test_hostile_words_stay_harmless() -> None:
    place = Place(REPLICAS.key._replace(name=HOSTILE), HOSTILE)
    found = observed(
        decision=Decision(told_at(0), (Change(place, HOSTILE, HOSTILE),), (HOSTILE,)),
        changes=[Change(place, HOSTILE, HOSTILE, told_at(1), HOSTILE)],
        wishes=Wishes(release=Request(told_at(5), HOSTILE, HOSTILE)),
    )
    told = words(found)
    assert is_harmless(told)
    more = 4  # a false alarm, what would not be held with its title, a wish
    usual = words(observed(changes=[lowered(1)]))
    assert len(told.splitlines()) == len(usual.splitlines()) + more


def json_of(*found: PlaybookReport) -> dict[str, object]:
    return told_as_json(found, since=SINCE, now=NOW)


def test_json_has_fixed_keys() -> None:
    (one,) = report([acted(1), observed(2)], since=SINCE, now=NOW, quick=timedelta(0))
    told = json_of(one)
    assert list(told) == ["since", "until", "playbooks"]
    assert told["since"] == "2026-11-24T17:00:00.000000Z"
    assert json_of()["playbooks"] == []
    (playbook,) = json.loads(json.dumps(told))["playbooks"]
    assert list(playbook) == [
        "playbook",
        "incidents",
        "open",
        "observed",
        "held",
        "proposed",
        "falseAlarms",
        "timeToBrake",
        "targets",
        "refused",
        "refusedIncidents",
        "personNeeded",
        "people",
        "peopleOmitted",
        "brakedByHand",
        "relapses",
        "escalations",
        "advice",
    ]


def test_the_page_shows_what_is_printed() -> None:
    hold = Place(ObjectKey("ConfigMap", "mail", "spring-sale"), "hold.json")

    def one(number: int, begun: float, *, for_minutes: float, after: float, to: str) -> Incident:
        changes = (Change(hold, "absent", '{"share": 0.0}'), Change(REPLICAS, "8", "2"))
        person = ("to acknowledge the cause: the playbook asks for it",)
        return observed(
            number,
            begun=begun,
            resolved=begun + for_minutes,
            decision=Decision(told_at(begun), changes, person=person),
            changes=[lowered(begun + after, after=to)],
        )

    week = timedelta(days=7)
    first = one(1, -4000, for_minutes=90, after=14, to="2")
    cleaned = Request(told_at(-3950), "ada@desk", "list cleaned")
    found = [
        dataclasses.replace(first, wishes=Wishes(acknowledge=cleaned)),
        one(2, -2500, for_minutes=35, after=9, to="2"),
        one(3, -600, for_minutes=120, after=31, to="0"),
    ]
    told = told_in_words(
        report(found, since=at(0) - week, now=at(0), quick=timedelta(minutes=10)),
        since=at(0) - week,
        now=at(0),
        kept_seconds=week.total_seconds(),
    )
    assert f"$ responder report --since 7d --namespace mail\n{told}\n```" in PAGE

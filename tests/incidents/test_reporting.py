"""What incidents came to over a week, case by case."""

import dataclasses
import json
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pytest

from responder.holds.ledger import Entry as LedgerEntry
from responder.holds.ledger import Ledger
from responder.holds.objects import ObjectKey
from responder.incidents.advising import advice, lasted
from responder.incidents.decision import Change, Decision, Place, Witnessed
from responder.incidents.figures import PlaybookReport, Proposals
from responder.incidents.incident import Incident
from responder.incidents.reporting import report
from responder.incidents.requests import Request, Wishes
from responder.incidents.status import (
    Entry,
    Outcome,
    Phase,
    Ramp,
    Reason,
    Target,
    TargetState,
)
from tests.incidents.given import IDENTITY, alerts, at, incident, told_at

SENDER = ObjectKey("Deployment", "mail", "email-sender")
REPLICAS = Place(SENDER, "replicas")
LEDGER = Ledger("uid-1", 1, {"replicas": LedgerEntry(8, 2, holder="x", uid="uid-1")})
HELD = (Target(SENDER, TargetState.APPLIED, str(SENDER), uid="d-1", ledger=LEDGER),)
BACK = (Target(SENDER, TargetState.GIVEN_BACK, str(SENDER), uid="d-1"),)
OVER = alerts(resolve=1)


def step(minutes: float, what: str, reason: Reason) -> Entry:
    return Entry(told_at(minutes), what, f"{reason}: told", "x")


def lowered(minutes: float, *, after: str = "2", by: str = "kubectl-scale") -> Change:
    return Change(REPLICAS, "8", after, time=told_at(minutes), by=by)


def observed(
    number: int = 1,
    *,
    begun: float = 0,
    resolved: float | None = 60,
    changes: Iterable[Change] = (),
    decision: Decision | None = None,
    **more: Any,  # noqa: ANN401 -- fields of an incident
) -> Incident:
    """One that observed for so long, and is closed where its alerts resolved."""
    over = resolved is not None
    decision = decision or Decision(at=told_at(begun), changes=(Change(REPLICAS, "8", "2"),))
    timeline = [step(begun, "Holding", Reason.OBSERVING)]
    status: dict[str, Any] = {"decision": decision, "witnessed": Witnessed(None, tuple(changes))}
    if resolved is not None:
        timeline.append(step(resolved, "Cooling", Reason.ALERTS_RESOLVED))
        status |= {
            "outcome": Outcome.OBSERVED,
            "closed_at": told_at(resolved),
            "letting_go": Request(told_at(resolved), "campaign-responder", "CoolDownOver"),
            "decision": dataclasses.replace(decision, ends=told_at(resolved)),
        }
    given = {"alerts": OVER if over else alerts(fire=1), "mode": "observe", **more}
    return incident(
        phase=Phase.CLOSED if over else Phase.HOLDING,
        status=status | {"timeline": tuple(timeline)},
        name=IDENTITY.name(number),
        uid=f"uid-{number}",
        received_at=told_at(begun),
        **given,
    )


def acted(
    number: int = 1,
    *,
    begun: float = 0,
    steps: Iterable[Entry] = (),
    targets: tuple[Target, ...] = HELD,
    status: dict[str, Any] | None = None,
    **more: Any,  # noqa: ANN401 -- fields of an incident
) -> Incident:
    timeline = (step(begun, "Holding", Reason.ALERT_FIRING), *steps)
    given: dict[str, Any] = {
        "name": IDENTITY.name(number),
        "received_at": told_at(begun),
        "status": {"timeline": timeline, "targets": targets, **(status or {})},
    }
    return incident(**(given | more))


def proposal(number: int, *steps: Entry, let_go: str = "", **more: Any) -> Incident:  # noqa: ANN401
    timeline = (step(0, "Proposed", Reason.WAITS_FOR_APPROVAL), *steps)
    status: dict[str, Any] = {"timeline": timeline}
    if let_go:
        status |= {"letting_go": Request(told_at(9), "x", let_go), "closed_at": told_at(9)}
    held = any(each.what == "Holding" for each in steps)
    phase = Phase.CLOSED if let_go else Phase.HOLDING if held else Phase.PROPOSED
    return incident(
        mode="approve",
        phase=phase,
        status=status | {"targets": HELD if held else ()},
        name=IDENTITY.name(number),
        **more,
    )


def only(*found: Incident, since: float = -60, now: float = 120) -> PlaybookReport:
    (one,) = report(found, since=at(since), now=at(now), quick=timedelta(minutes=10))
    return one


def test_nothing_is_nothing() -> None:
    assert report((), since=at(0), now=at(1), quick=timedelta(0)) == ()


def test_what_began_before_is_not_counted() -> None:
    found = (observed(1, begun=-90, resolved=-80), observed(2, begun=10))
    assert only(*found).incidents == 1
    assert only(*found, since=-100).incidents == 2


def test_playbooks_are_told_apart_by_name() -> None:
    other = dataclasses.replace(IDENTITY, playbook="a-complaint")
    found = report(
        (observed(1), observed(2, identity=other)),
        since=at(-1),
        now=at(99),
        quick=timedelta(0),
    )
    assert [one.playbook for one in found] == ["a-complaint", "high-bounce-rate"]


def test_what_was_observed_held_and_proposed_is_counted() -> None:
    told = only(observed(1), acted(2), proposal(3), observed(4, resolved=None))
    assert (told.incidents, told.observed, told.held, told.open) == (4, 2, 1, 3)
    assert told.proposals == Proposals(waiting=1)


HOLDING = step(5, "Holding", Reason.APPROVED)
WISH = Request(told_at(5), "ada", "why")
PROPOSALS = [
    pytest.param(proposal(1), Proposals(waiting=1), id="waiting"),
    pytest.param(proposal(1, HOLDING), Proposals(approved=1), id="approved"),
    pytest.param(
        proposal(1, let_go="Rejected", wishes=Wishes(reject=WISH)),
        Proposals(rejected=1),
        id="rejected",
    ),
    pytest.param(
        proposal(1, let_go="ReleasedByHand", wishes=Wishes(release=WISH)),
        Proposals(rejected=1),
        id="released unheld",
    ),
    pytest.param(proposal(1, let_go="Expired"), Proposals(expired=1), id="expired"),
    pytest.param(proposal(1, let_go="AlertsResolved"), Proposals(resolved=1), id="resolved"),
    pytest.param(
        proposal(1, step(5, "Holding", Reason.NOBODY_DECIDED)),
        Proposals(nobody_decided=1),
        id="nobody decided",
    ),
]


@pytest.mark.parametrize(("found", "proposals"), PROPOSALS)
def test_what_became_of_a_proposal(found: Incident, proposals: Proposals) -> None:
    assert only(found).proposals == proposals


RESOLVED = step(5, "Cooling", Reason.ALERTS_RESOLVED)
FALSE = [
    pytest.param(observed(resolved=5), "resolved by itself", id="resolved soon"),
    pytest.param(observed(resolved=11), "", id="resolved late"),
    pytest.param(observed(resolved=5, changes=[lowered(3)]), "", id="because of a person"),
    pytest.param(observed(resolved=None), "", id="fires still"),
    pytest.param(
        acted(steps=[RESOLVED], phase=Phase.COOLING, alerts=OVER), "", id="the hold took it away"
    ),
    pytest.param(acted(wishes=Wishes(release=WISH)), "released by hand", id="released soon"),
    pytest.param(acted(wishes=Wishes(release=Request(told_at(11), "ada"))), "", id="released late"),
    pytest.param(
        proposal(1, let_go="Rejected", wishes=Wishes(reject=Request(told_at(50), "ada"))),
        "rejected",
        id="rejected, however late",
    ),
    pytest.param(
        proposal(
            1, step(5, "Proposed", Reason.ALERTS_RESOLVED), let_go="AlertsResolved", alerts=OVER
        ),
        "resolved by itself",
        id="resolved before anybody decided",
    ),
]


@pytest.mark.parametrize(("found", "why"), FALSE)
def test_what_looks_like_a_false_alarm(found: Incident, why: str) -> None:
    told = only(found).false_alarms
    assert bool(told) == bool(why)
    assert all(why in each for each in told.values())


def test_the_time_to_brake_is_told_as_median_and_worst() -> None:
    found = [acted(n, status={"brake_milliseconds": ms}) for n, ms in enumerate((30, 50, 400))]
    told = only(*found, acted(9))
    assert (told.brake_median_milliseconds, told.brake_worst_milliseconds) == (50, 400)
    assert only(acted(9)).brake_median_milliseconds is None


SPANS = [
    pytest.param([observed(1, resolved=60)], 0, 60, id="would have been"),
    pytest.param([observed(1, resolved=None)], 0, 120, id="would be until now"),
    pytest.param(
        [observed(1, resolved=60), observed(2, begun=30, resolved=90)], 0, 90, id="overlapping"
    ),
    pytest.param(
        [observed(1, resolved=10), observed(2, begun=30, resolved=40)], 0, 20, id="one by one"
    ),
    pytest.param([acted(1)], 120, 0, id="held until now"),
    pytest.param(
        [acted(1, phase=Phase.CLOSED, targets=BACK, status={"closed_at": told_at(45)})],
        45,
        0,
        id="held and given back",
    ),
    pytest.param([proposal(1, HOLDING)], 115, 0, id="from its approval on"),
    pytest.param([proposal(1)], 0, 0, id="only proposed"),
    pytest.param([acted(1, targets=())], 0, 0, id="refused"),
    pytest.param([acted(1, begun=60), observed(2, resolved=30)], 60, 30, id="both"),
]


@pytest.mark.parametrize(("found", "held", "would"), SPANS)
def test_how_long_a_target_was_held(found: list[Incident], held: float, would: float) -> None:
    targets = only(*found).targets
    assert sum(each.held_seconds for each in targets) == held * 60
    assert sum(each.would_seconds for each in targets) == would * 60


def test_what_people_did_is_told_with_when_after_the_alert() -> None:
    found = observed(begun=10, resolved=None, changes=[lowered(24)], wishes=Wishes(release=WISH))
    told = only(dataclasses.replace(found, wishes=Wishes(acknowledge=Request(told_at(40), "bob"))))
    assert [(deed.after_seconds, deed.by) for deed in told.deeds] == [
        (14 * 60, "kubectl-scale"),
        (30 * 60, "bob"),
    ]
    assert (told.braked_by_hand, told.braked_after_seconds) == (1, 14 * 60)


def test_a_change_that_two_incidents_witnessed_is_told_once() -> None:
    assert (
        len(only(observed(1, changes=[lowered(3)]), observed(2, changes=[lowered(3)])).deeds) == 1
    )


def test_raising_is_no_brake() -> None:
    told = only(observed(changes=[lowered(3, after="12")]))
    assert len(told.deeds) == 1
    assert told.braked_by_hand == 0


def test_relapses_and_escalations_are_counted() -> None:
    told = only(acted(1, status={"ramp": Ramp(relapses=2)}), acted(2, status={"stages": (0, 1)}))
    assert (told.relapses, told.escalations) == (2, 2)


REFUSED = Decision(at=told_at(0), refused=("Deployment/x: not labelled",))
QUIET = [observed(n, begun=n, resolved=60 + n) for n in range(3)]
BY_HAND = [observed(n, begun=n, resolved=60, changes=[lowered(n + 14)]) for n in range(3)]
ADVICE = [
    pytest.param(QUIET[:2], "Keep observing: only 2 observed", id="too few"),
    pytest.param(QUIET, "nobody braked by hand", id="nobody did anything"),
    pytest.param(BY_HAND, "braked by hand in 3, 14m after the alert", id="people braked late"),
    pytest.param(
        [*QUIET, observed(8, resolved=3)], "Keep observing: 1 of 4 look like false", id="false"
    ),
    pytest.param(
        [*QUIET, observed(8, decision=REFUSED)], "in 1 of 4 something would not", id="refused"
    ),
    pytest.param([acted(1)], "It acts: 1 of 1 held, and 0 of 1 look", id="acts"),
    pytest.param(
        [acted(1, wishes=Wishes(release=WISH))], "look at its alert", id="acts on false alarms"
    ),
    pytest.param([proposal(1)], "nobody decided about 1", id="nobody decides"),
    pytest.param(
        [proposal(1, let_go="Rejected", wishes=Wishes(reject=WISH))], "1 rejected", id="rejected"
    ),
]


@pytest.mark.parametrize(("found", "words"), ADVICE)
def test_it_ends_with_a_sentence(found: list[Incident], words: str) -> None:
    assert words in advice(only(*found))


def test_a_person_who_would_have_been_necessary_is_told() -> None:
    needs = Decision(at=told_at(0), changes=(Change(REPLICAS, "8", "2"),), person=("to release",))
    told = only(*[observed(n, begun=n, decision=needs) for n in range(3)])
    assert told.person_needed == {"to release": 3}
    assert "a person would have been necessary" in advice(told)


def test_json_is_the_same_whatever_the_order() -> None:
    found = [*BY_HAND, acted(8), proposal(9)]
    one, other = only(*found), only(*reversed(found))
    assert json.dumps(one.to_json()) == json.dumps(other.to_json())


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0, "0s"), (59, "59s"), (60, "1m"), (3_661, "1h 1m"), (90_000, "1d 1h"), (86_460, "1d")],
)
def test_a_length_of_time_is_told_in_two_units(seconds: float, told: str) -> None:
    assert lasted(seconds) == told

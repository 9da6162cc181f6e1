"""What became of an incident's targets, until it stands in the incident's status."""

import dataclasses

import pytest

from responder.holds.ledger import Entry, Ledger
from responder.holds.objects import ObjectKey
from responder.holds.subjects import CAMPAIGN
from responder.incidents.incident import Incident
from responder.incidents.status import Target, TargetState
from responder.reconcile.outcomes import MOST_TARGETS, Outcome, Outcomes
from responder.reconcile.view import IncidentKey, View
from tests.incidents.given import PAUSE, SCALE, incident
from tests.reconcile.objects import config_map

KEY = IncidentKey("mail", incident().name)
SENDER = ObjectKey("Deployment", "mail", "email-sender")
MAP = ObjectKey("ConfigMap", "mail", "spring-sale")


def ledger(sequence: int, *, uid: str = "uid-1", epoch: str = "e") -> Ledger:
    return Ledger(epoch, sequence, {"replicas": Entry(8, 2, holder="x", uid=uid)})


def target(state: TargetState = TargetState.APPLIED, **changes: object) -> Target:
    made = Target(SENDER, state, str(SENDER), uid="d-1", ledger=ledger(1))
    return dataclasses.replace(made, **changes)  # type: ignore[arg-type]


def held(*targets: Target) -> Incident:
    made = incident(plan=(SCALE,))
    return dataclasses.replace(made, status=dataclasses.replace(made.status, targets=targets))


def test_only_news_are_news() -> None:
    outcomes = Outcomes()
    assert outcomes.put(KEY, SENDER, Outcome((target(),)))
    assert not outcomes.put(KEY, SENDER, Outcome((target(),)))
    assert outcomes.put(KEY, SENDER, Outcome((), given_back=True))


def test_all_is_given_back_once_each_target_is() -> None:
    outcomes = Outcomes()
    outcomes.put(KEY, SENDER, Outcome((), given_back=True))
    assert not outcomes.given_back(KEY, [SENDER, MAP])
    outcomes.put(KEY, MAP, Outcome((), given_back=False))
    assert outcomes.all_in(KEY, [SENDER, MAP])
    assert not outcomes.given_back(KEY, [SENDER, MAP])
    outcomes.put(KEY, MAP, Outcome((), given_back=True))
    assert outcomes.given_back(KEY, [SENDER, MAP])


def test_an_incident_without_targets_has_nothing_to_give_back() -> None:
    assert Outcomes().given_back(KEY, [])


def test_what_was_given_back_counts_no_more_once_it_holds_again() -> None:
    outcomes = Outcomes()
    outcomes.put(KEY, SENDER, Outcome((), given_back=True))
    outcomes.reopen(KEY)
    assert not outcomes.given_back(KEY, [SENDER])


def test_what_is_forgotten_is_unknown() -> None:
    outcomes = Outcomes()
    outcomes.put(KEY, SENDER, Outcome((target(),)))
    outcomes.forget(KEY)
    assert outcomes.of(KEY) == {}


def test_an_object_stays_told_as_long_as_the_incident_is_open() -> None:
    """The set only grows: relabelling is no escape."""
    outcomes = Outcomes()
    outcomes.put(KEY, MAP, Outcome((target(key=MAP, subject="campaign/spring-sale"),)))
    told = outcomes.targets(held(target()), View())
    assert {each.key for each in told} == {SENDER, MAP}


@pytest.mark.parametrize(
    ("found", "kept"),
    [
        pytest.param(ledger(9), 9, id="it names this incident"),
        pytest.param(ledger(9, uid="another"), 1, id="it names another: one copy is enough"),
        pytest.param(ledger(9, uid="another", epoch="f"), 9, id="of another epoch"),
    ],
)
def test_the_second_copy_is_renewed_where_it_must_be(found: Ledger, kept: int) -> None:
    outcomes = Outcomes()
    outcomes.put(KEY, SENDER, Outcome((target(ledger=found),)))
    (told,) = outcomes.targets(held(target()), View())
    assert told.ledger is not None
    assert told.ledger.sequence == kept


def test_the_copy_of_another_object_of_that_name_is_replaced() -> None:
    outcomes = Outcomes()
    recreated = target(uid="d-2", ledger=ledger(5, uid="another"))
    outcomes.put(KEY, SENDER, Outcome((recreated,)))
    assert outcomes.targets(held(target()), View()) == (recreated,)


def test_an_autoscaler_that_is_left_alone_is_told_of_as_long_as_it_is_there() -> None:
    scaler = ObjectKey("HorizontalPodAutoscaler", "mail", "email-sender-hpa")
    left_alone = target(TargetState.NOT_ALLOWED, key=scaler, ledger=None)
    outcomes, found = Outcomes(), held(target(), left_alone)
    assert left_alone in outcomes.targets(found, View())
    outcomes.put(KEY, SENDER, Outcome((target(), left_alone)))
    assert left_alone in outcomes.targets(found, View())
    outcomes.put(KEY, SENDER, Outcome((target(),)))
    assert outcomes.targets(found, View()) == (target(),)
    was_held = held(target(), target(key=scaler))
    assert len(outcomes.targets(was_held, View())) == 2, "what was held stays told"


def test_what_was_given_back_has_no_copy() -> None:
    outcomes = Outcomes()
    given_back = target(TargetState.GIVEN_BACK, ledger=None)
    outcomes.put(KEY, SENDER, Outcome((given_back,), given_back=True))
    assert outcomes.targets(held(target()), View()) == (given_back,)


def test_a_campaign_that_nothing_is_marked_as_of_is_told_until_something_is() -> None:
    outcomes, view, found = Outcomes(), View(), incident(plan=(PAUSE,))
    (told,) = outcomes.targets(found, view)
    assert (told.key.kind, told.state) == (CAMPAIGN, TargetState.NO_TARGET)
    known = dataclasses.replace(found, status=dataclasses.replace(found.status, targets=(told,)))
    view.put_object("ConfigMap", config_map())
    assert outcomes.targets(known, view) == ()


def test_more_targets_than_the_resource_takes_are_told_as_far_as_they_are_held() -> None:
    outcomes = Outcomes()
    many = [
        target(
            key=ObjectKey("ConfigMap", "mail", f"c{number:03}"),
            ledger=ledger(1) if number >= 100 else None,
        )
        for number in range(MOST_TARGETS + 50)
    ]
    for each in many:
        outcomes.put(KEY, each.key, Outcome((each,)))
    told = outcomes.targets(held(), View())
    assert len(told) == MOST_TARGETS
    assert sum(each.ledger is not None for each in told) == MOST_TARGETS - 50


def test_a_deployment_that_was_away_is_told_of_no_more_once_its_autoscaler_holds_it() -> None:
    outcomes = Outcomes()
    away = Target(SENDER, TargetState.NO_TARGET, str(SENDER), "it does not exist")
    autoscaler = ObjectKey("HorizontalPodAutoscaler", "mail", "email-sender-hpa")
    outcomes.put(KEY, SENDER, Outcome((target(key=autoscaler),)))
    assert outcomes.targets(held(away), View()) == (target(key=autoscaler),)
    was_held = target(state=TargetState.APPLIED)
    assert was_held in outcomes.targets(held(was_held), View())

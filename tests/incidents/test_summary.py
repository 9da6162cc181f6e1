"""What an incident tells of its targets."""

import re

import pytest

from responder.holds.ledger import Entry as LedgerEntry
from responder.holds.ledger import Ledger
from responder.holds.objects import ObjectKey
from responder.incidents.incident import Incident
from responder.incidents.requests import Request
from responder.incidents.status import Condition, Reason, Target, TargetState
from responder.incidents.summary import conditions, entries_about
from tests.incidents.given import at, incident, told_at

DEPLOYMENT = ObjectKey("Deployment", "mail", "email-sender")
CAMPAIGN = ObjectKey("ConfigMap", "mail", "spring-sale")
LEDGER = Ledger("uid-1", 1, {"replicas": LedgerEntry(8, 2, holder="x-1", uid="uid-1")})


def target(state: TargetState, *, key: ObjectKey = DEPLOYMENT, message: str = "") -> Target:
    held = state in (TargetState.APPLIED, TargetState.ALTERED)
    return Target(key, state, subject=str(key), message=message, ledger=LEDGER if held else None)


def told(found: Incident, *targets: Target) -> dict[str, tuple[str, str]]:
    return {
        each.type: (each.status, each.reason)
        for each in conditions(found, targets, before=(), now=at(6))
    }


LETTING_GO = incident(
    status={"letting_go": Request(told_at(5), "ada", str(Reason.RELEASED_BY_HAND))}
)
REFUSED = incident(refusals=({"verb": "pause", "reason": "MissingLabel", "message": "no label"},))


@pytest.mark.parametrize(
    ("found", "targets", "applied", "no_target"),
    [
        pytest.param(incident(), [], "Unknown", "False", id="not yet written"),
        pytest.param(incident(), [target(TargetState.APPLIED)], "True", "False", id="held"),
        pytest.param(
            incident(),
            [target(TargetState.APPLIED), target(TargetState.DENIED, key=CAMPAIGN)],
            "False",
            "False",
            id="one of two is held",
        ),
        pytest.param(
            incident(), [target(TargetState.NO_TARGET)], "False", "True", id="nothing is there"
        ),
        pytest.param(
            incident(),
            [target(TargetState.NO_TARGET), target(TargetState.APPLIED, key=CAMPAIGN)],
            "False",
            "False",
            id="one of two is there",
        ),
        pytest.param(
            incident(), [target(TargetState.NOT_ALLOWED)], "False", "False", id="not allowed"
        ),
        pytest.param(incident(plan=()), [], "Unknown", "True", id="an empty plan"),
        pytest.param(
            REFUSED, [target(TargetState.APPLIED)], "False", "False", id="one hold was refused"
        ),
        pytest.param(
            incident(plan=(), refusals=REFUSED.refusals), [], "False", "True", id="all refused"
        ),
        pytest.param(
            LETTING_GO, [target(TargetState.GIVEN_BACK)], "False", "False", id="letting go"
        ),
    ],
)
def test_conditions(found: Incident, targets: list[Target], applied: str, no_target: str) -> None:
    seen = told(found, *targets)
    assert (seen["Applied"][0], seen["NoTarget"][0]) == (applied, no_target)


POOL = "pool/bulk"


def in_the_way(state: TargetState, *, ledger: Ledger | None = LEDGER) -> Target:
    return Target(CAMPAIGN, state, subject=POOL, message="it is so", ledger=ledger)


@pytest.mark.parametrize(
    ("targets", "reason", "message"),
    [
        pytest.param(
            [target(TargetState.GIVEN_BACK), in_the_way(TargetState.BASELINE_UNKNOWN)],
            "NotGivenBack",
            "not given back: pool/bulk (ConfigMap/spring-sale): it is so",
            id="nothing remembers what was there",
        ),
        pytest.param(
            [in_the_way(TargetState.BASELINE_UNKNOWN, ledger=None)],
            "NotGivenBack",
            "not given back: pool/bulk (ConfigMap/spring-sale): it is so",
            id="not even that it was held",
        ),
        pytest.param(
            [in_the_way(TargetState.NO_ROOM)],
            "NotGivenBack",
            "not given back: pool/bulk (ConfigMap/spring-sale): it is so",
            id="no room for what was there",
        ),
        pytest.param(
            [
                in_the_way(TargetState.DENIED),
                Target(DEPLOYMENT, TargetState.FORBIDDEN, str(DEPLOYMENT), "no", ledger=LEDGER),
            ],
            "NotGivenBack",
            "not given back: pool/bulk (ConfigMap/spring-sale): it is so; tried again by itself"
            " every half minute; Deployment/email-sender: no; tried again by itself every half"
            " minute",
            id="refused",
        ),
        pytest.param(
            [
                in_the_way(TargetState.NO_ROOM, ledger=None),
                in_the_way(TargetState.DENIED, ledger=None),
                in_the_way(TargetState.NO_TARGET, ledger=None),
                in_the_way(TargetState.ALTERED),
                in_the_way(TargetState.APPLIED),
            ],
            "LettingGo",
            "the holds of this incident are given back",
            id="what was never held, or is on its way, is in nobodys way",
        ),
    ],
)
def test_one_that_lets_go_tells_what_is_not_given_back(
    targets: list[Target], reason: str, message: str
) -> None:
    found = conditions(LETTING_GO, targets, before=(), now=at(6))
    applied = next(each for each in found if each.type == "Applied")
    assert (applied.status, applied.reason, applied.message) == ("False", reason, message)


def test_one_that_only_observes_promises_nothing() -> None:
    assert told(incident(mode="observe"), target(TargetState.APPLIED)) == {}


def test_altered_tells_by_what() -> None:
    found = conditions(
        incident(), [target(TargetState.ALTERED, message="a webhook")], before=(), now=at(6)
    )
    altered = next(each for each in found if each.type == "Altered")
    assert (altered.status, altered.message) == ("True", "a webhook")


def test_contested_tells_each_contest_once() -> None:
    targets = [
        target(TargetState.CONTESTED, message="argocd-controller"),
        target(TargetState.CONTESTED, key=CAMPAIGN, message="argocd-controller"),
        target(TargetState.CONTESTED, key=CAMPAIGN._replace(name="other"), message="a script"),
        target(TargetState.DENIED, message="a policy"),
    ]
    found = conditions(incident(), targets, before=(), now=at(6))
    contested = next(each for each in found if each.type == "Contested")
    assert (contested.status, contested.message) == ("True", "argocd-controller; a script")
    assert told(incident(), targets[0])["Applied"] == ("False", "Contested")
    assert told(incident(), target(TargetState.APPLIED))["Contested"] == ("False", "Uncontested")
    assert told(LETTING_GO, targets[0])["Applied"] == ("False", "LettingGo"), "it keeps nobody"


@pytest.mark.parametrize("reason", ["", "not a word", "x" * 200, "Grün", "1st"])
def test_a_reason_that_the_api_server_refuses_is_never_written(reason: str) -> None:
    """One odd reason, e.g. of a hand-made incident, would make every status write fail."""
    found = incident(refusals=({"reason": reason},))
    for _, told_reason in told(found).values():
        assert re.fullmatch(r"[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?", told_reason)
        assert len(told_reason) <= 128


def test_a_condition_keeps_its_time_as_long_as_its_status_stays() -> None:
    before = (
        Condition("Applied", "False", "Denied", "by a policy", told_at(1)),
        Condition("NoTarget", "True", "NothingFound", "", told_at(2)),
    )
    found = conditions(incident(), [target(TargetState.NOT_ALLOWED)], before=before, now=at(6))
    times = {each.type: each.last_transition_time for each in found}
    assert times == {"Applied": told_at(1)} | dict.fromkeys(
        ("Confirmed", "NoTarget", "Altered", "Contested"), told_at(6)
    )


def test_long_messages_are_cut() -> None:
    many = [
        target(
            TargetState.DENIED, key=ObjectKey("ConfigMap", "mail", f"c{number}"), message="x" * 900
        )
        for number in range(50)
    ]
    found = conditions(incident(), many, before=(), now=at(6))
    assert all(len(each.message) <= 4096 for each in found)
    assert all(len(entry.why) <= 4096 for entry in entries_about((), many, now=told_at(6)))


def test_a_change_of_a_targets_state_is_one_entry() -> None:
    was = [target(TargetState.PENDING), target(TargetState.APPLIED, key=CAMPAIGN)]
    now = [target(TargetState.APPLIED), target(TargetState.APPLIED, key=CAMPAIGN)]
    (entry,) = entries_about(was, now, now=told_at(6))
    assert (entry.time, entry.what) == (told_at(6), "Applied")
    assert "Deployment/email-sender" in entry.why
    assert entries_about(now, now, now=told_at(7)) == ()

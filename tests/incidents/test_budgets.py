"""How much may be held at once without a person, and what counts."""

import dataclasses
from typing import Any

import pytest

from responder.incidents.budgets import UNBOUNDED, Budgets, Load, exceeded, thing_of, things_of
from responder.incidents.policy import Stage
from tests.incidents.given import PAUSE, SCALE, incident

SPRING, SENDER = thing_of(PAUSE), thing_of(SCALE)
OTHERS = {("mail", "campaign", f"c{number}"): 1 for number in range(3)}


def load(held: dict[tuple[str, str, str], int], **more: Any) -> Load:  # noqa: ANN401 -- its fields
    return Load(held=held, held_by_playbook={"high-bounce-rate": held}, **more)


@pytest.mark.parametrize(
    ("budgets", "there", "word"),
    [
        (UNBOUNDED, load(OTHERS), ""),
        (Budgets(targets=5), load(OTHERS), ""),
        (Budgets(targets=4), load(OTHERS), "3 of 4 targets"),
        (Budgets(targets=4), load({**OTHERS, SPRING: 2}), "4 of 4 targets"),
        (Budgets(targets=5), load({**OTHERS, SPRING: 2, SENDER: 1}), ""),
        (Budgets(targets_per_playbook=4), load(OTHERS), "by this playbook"),
        (Budgets(targets_per_playbook=4), Load(held=OTHERS), ""),
        (Budgets(campaign_share=0.5), load(OTHERS, campaigns=8), ""),
        (Budgets(campaign_share=0.5), load(OTHERS, campaigns=7), "3 of 7 campaigns"),
        (Budgets(campaign_share=0.5), load({SENDER: 1}, campaigns=1), ""),
        (Budgets(incidents_per_hour=2), load(OTHERS, last_hour=1), ""),
        (Budgets(incidents_per_hour=2), load(OTHERS, last_hour=2), "2 incidents began"),
    ],
    ids=[
        "no budget",
        "room for both",
        "room for one of two",
        "one of them is held already",
        "both are held already: past the budget, and nobody is stopped anew",
        "of this playbook",
        "of other playbooks",
        "of the campaigns",
        "of too many campaigns",
        "the first campaign may always be held",
        "within the hour",
        "too many within the hour",
    ],
)
def test_what_a_budget_says(budgets: Budgets, there: Load, word: str) -> None:
    told = exceeded(budgets, there, incident())
    assert (word in told) if word else not told


def test_a_share_of_all_campaigns_is_exact() -> None:
    """29 % of 100 are 29, whatever floating point makes of it."""
    held = {("mail", "campaign", f"c{number}"): 1 for number in range(28)}
    budgets = Budgets(campaign_share=0.29)
    one = incident(plan=(PAUSE,))
    assert not exceeded(budgets, load(held, campaigns=100), one)
    assert exceeded(budgets, load({**held, ("mail", "campaign", "x"): 1}, campaigns=100), one)


def test_the_first_incident_may_hold_one_campaign_beyond_the_share_and_not_five() -> None:
    many = tuple(dataclasses.replace(PAUSE, target=f"campaign-{number}") for number in range(5))
    budgets, nothing = Budgets(campaign_share=0.1), load({}, campaigns=9)
    assert not exceeded(budgets, nothing, incident(plan=(PAUSE,)))
    assert "0 of 9 campaigns" in exceeded(budgets, nothing, incident(plan=many))


def test_what_only_observes_costs_nothing() -> None:
    assert not exceeded(Budgets(targets=0), load(OTHERS), incident(mode="observe"))


def test_what_a_later_stage_may_hold_counts_from_the_beginning() -> None:
    """A budget that is used up must not stand between a brake and its second stage."""
    staged = dataclasses.replace(
        incident(plan=(PAUSE,)), stages=(Stage({"name": "bounce-rate"}, 60, (SCALE,)),)
    )
    assert things_of(staged) == {SPRING, SENDER}

"""How much may be held at once without a person: the platform's word, not the playbooks'. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from responder.incidents.incident import Incident
from responder.playbooks.asks import Ask

_CAMPAIGN: Final = "campaign"
_WHOLE: Final = 100
_ROUNDING: Final = 1e-6
"""29 % of 100 come out as 28.999999999999996."""

Thing = tuple[str, str, str]
"""Namespace, kind and name of what is held."""


@dataclass(frozen=True, slots=True)
class Budgets:
    """The most that may be held at once; None is no bound."""

    targets: int | None = None
    targets_per_playbook: int | None = None
    campaign_share: float | None = None
    """Of all campaigns that there are, 0..1."""
    incidents_per_hour: int | None = None

    @property
    def are_none(self) -> bool:
        return self == UNBOUNDED


UNBOUNDED: Final = Budgets()


@dataclass(frozen=True, slots=True)
class Load:
    """What is held already, and how much there is."""

    held: Mapping[Thing, int] = field(default_factory=dict)
    """How many incidents hold each."""
    held_by_playbook: Mapping[str, Mapping[Thing, int]] = field(default_factory=dict)
    campaigns: int = 0
    """All that are known."""
    last_hour: int = 0
    """Incidents that began to hold within the last hour."""


def thing_of(ask: Ask) -> Thing:
    return (ask.namespace, ask.target_kind, ask.target)


def things_of(incident: Incident) -> frozenset[Thing]:
    """Give what an incident holds, or may come to hold at a later stage of its own."""
    asks = incident.plan + tuple(ask for stage in incident.stages for ask in stage.plan)
    return frozenset(map(thing_of, asks))


def exceeded(budgets: Budgets, load: Load, incident: Incident) -> str:
    """Tell which budget one more incident would exceed; empty where none.

    What others hold already costs nothing: one more hold on it stops no one else.
    """
    if budgets.are_none or not incident.acts:
        return ""
    things = things_of(incident)
    fresh = {thing for thing in things if thing not in load.held}
    own = load.held_by_playbook.get(incident.playbook, {})
    fresh_own = {thing for thing in things if thing not in own}
    if not _fits(len(load.held), len(fresh), budgets.targets):
        return f"{len(load.held)} of {budgets.targets} targets are held already"
    if not _fits(len(own), len(fresh_own), budgets.targets_per_playbook):
        return (
            f"{len(own)} of {budgets.targets_per_playbook} targets are held by this playbook "
            "already"
        )
    told = _too_many_campaigns(budgets, load, fresh)
    if told:
        return told
    if not _fits(load.last_hour, 1, budgets.incidents_per_hour):
        return f"{load.last_hour} incidents began to hold within the last hour"
    return ""


def _fits(have: int, more: int, most: int | None) -> bool:
    return most is None or not more or have + more <= most


def _too_many_campaigns(budgets: Budgets, load: Load, fresh: set[Thing]) -> str:
    more = sum(kind == _CAMPAIGN for _, kind, _ in fresh)
    if budgets.campaign_share is None or not more:
        return ""
    have = sum(kind == _CAMPAIGN for _, kind, _ in load.held)
    # The first one is always allowed: of two campaigns one is half of all.
    is_first = not have and more == 1
    if is_first or have + more <= budgets.campaign_share * load.campaigns + _ROUNDING:
        return ""
    percent = budgets.campaign_share * _WHOLE
    return f"{have} of {load.campaigns} campaigns are held already, and {percent:g} % may be"

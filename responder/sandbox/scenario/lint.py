"""What is wrong with a scenario as a whole: names that nothing bears, and what comes too late.

An event or an expectation about something that isn't there would mean nothing, and pass.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from responder.playbooks.documents import Document
from responder.playbooks.written import Mistake, Path
from responder.sandbox.scenario.schema import Change, Scenario

_KINDS: Mapping[str, str] = MappingProxyType(
    {
        "workload": "workload",
        "campaign": "campaign",
        "neverHeld": "campaign",
        "pool": "pool",
        "provider": "provider",
        "segment": "segment",
    }
)


def lint(scenario: Scenario, document: Document) -> None:
    """Report to the document what is wrong."""
    known = _names(scenario)
    _lint_names(scenario, known, document)
    written = document.data["spec"] if isinstance(document.data, dict) else {}
    for part in ("events", "expect"):
        for found, kind, name in _mentioned(written.get(part), ("spec", part)):
            if name not in known[kind]:
                document.report(found, _unknown(kind, name, known[kind]))
    fix = f"or let it last longer than {scenario.spec.lasts.text}"
    late = Mistake("comes after the end of the scenario", fix=fix)
    for at, event in enumerate(scenario.spec.events):
        if event.at.seconds > scenario.spec.lasts.seconds:
            document.report(("spec", "events", at, "at"), late)
        if event.change is not None:
            _lint_change(scenario, event.change, ("spec", "events", at, "change"), document)
    for at, expectation in enumerate(scenario.spec.expect):
        if expectation.by is not None and expectation.by.seconds > scenario.spec.lasts.seconds:
            document.report(("spec", "expect", at, "by"), late)


def _lint_change(scenario: Scenario, change: Change, at: Path, document: Document) -> None:
    """A part of a campaign that is no part of it would never change."""
    for campaign in scenario.spec.campaigns:
        if campaign.name != change.campaign:
            continue
        for key, name, parts in (
            ("provider", change.provider, campaign.providers),
            ("segment", change.segment, campaign.segments),
        ):
            if name is not None and name not in parts:
                told = f"{campaign.name!r} sends to no {key} that is called {name!r}"
                document.report((*at, key), Mistake(told, fix=f"there are {', '.join(parts)}"))


def _names(scenario: Scenario) -> Mapping[str, list[str]]:
    campaigns = scenario.spec.campaigns
    return {
        "workload": [workload.name for workload in scenario.spec.workloads],
        "campaign": [campaign.name for campaign in campaigns],
        "pool": [campaign.pool for campaign in campaigns],
        "provider": [name for campaign in campaigns for name in campaign.providers],
        "segment": [name for campaign in campaigns for name in campaign.segments],
    }


def _lint_names(scenario: Scenario, known: Mapping[str, list[str]], document: Document) -> None:
    for kind in ("workload", "campaign"):
        for at, name in enumerate(known[kind]):
            if name in known[kind][:at]:
                path = ("spec", f"{kind}s", at, "name")
                document.report(path, Mistake(f"{name!r} is taken already"))
    for at, campaign in enumerate(scenario.spec.campaigns):
        if campaign.workload is not None and campaign.workload not in known["workload"]:
            path = ("spec", "campaigns", at, "workload")
            document.report(path, _unknown("workload", campaign.workload, known["workload"]))


def _unknown(kind: str, name: str, known: list[str]) -> Mistake:
    there = ", ".join(dict.fromkeys(known))
    return Mistake(f"no {kind} is called {name!r}", fix=f"there are {there}")


def _mentioned(written: object, path: Path) -> Iterator[tuple[Path, str, str]]:
    """Give every name that is mentioned, with its place and of what it is the name."""
    if isinstance(written, dict):
        for key, value in written.items():
            if key in _KINDS and isinstance(value, str):
                yield (*path, key), _KINDS[key], value
            else:
                yield from _mentioned(value, (*path, key))
    elif isinstance(written, list):
        for at, item in enumerate(written):
            yield from _mentioned(item, (*path, at))

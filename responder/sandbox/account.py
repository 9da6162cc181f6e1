"""The account at the end: how fast the brake was, what it spared, what was given back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from responder.sandbox.audit.judge import judge
from responder.sandbox.audit.report import report
from responder.sandbox.chronicle import Chronicle
from responder.sandbox.scenario.schema import Scenario
from responder.sandbox.scenario.verdict import Verdict, verdicts
from responder.sandbox.speed import Speed

_PATIENCE_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class Account:
    """What came of a scenario."""

    scenario: str
    incidents: int
    brake_milliseconds: Sequence[int]
    """From each notification to the last patch of its incident."""
    not_sent: Mapping[str, int]
    """Messages that holds kept back, by campaign."""
    dropped: Mapping[str, int]
    """Of these, the ones that had been picked up already."""
    given_back: bool
    """Nothing is held at the end, and nothing of the responder's is left."""
    changes: int
    """Versions that the auditor looked at."""
    broken: str
    """The promises that were broken, in words; empty where all were kept."""
    verdicts: Sequence[Verdict]

    @property
    def kept(self) -> bool:
        """Every promise was kept, and everything came as expected."""
        return not self.broken and all(verdict.kept for verdict in self.verdicts)


def account_of(
    scenario: Scenario,
    chronicle: Chronicle,
    *,
    speed: Speed,
    withheld: Mapping[str, float],
    dropped: Mapping[str, float],
) -> Account:
    """Sum up a scenario that is over."""
    violations = judge(chronicle.versions, patience_seconds=_PATIENCE_SECONDS, answering=True)
    statuses: list[Mapping[str, Any]] = [
        body.get("status") or {} for body in chronicle.incidents.values()
    ]
    last = chronicle.moments[-1] if chronicle.moments else None
    return Account(
        scenario=scenario.name,
        incidents=len(chronicle.incidents),
        brake_milliseconds=[
            int(status["brakeMilliseconds"])
            for status in statuses
            if status.get("brakeMilliseconds") is not None
        ],
        not_sent={name: round(count) for name, count in withheld.items() if round(count)},
        dropped={name: round(count) for name, count in dropped.items() if round(count)},
        given_back=last is None or not last.traces,
        changes=len(chronicle.versions),
        broken=report(violations, chronicle.versions) if violations else "",
        verdicts=verdicts(scenario, chronicle, speed=speed),
    )


def in_lines(account: Account) -> list[str]:
    """Tell the account to people."""
    lines = [f"{account.scenario}: {account.incidents} incident(s)"]
    if account.brake_milliseconds:
        slowest = max(account.brake_milliseconds)
        lines.append(f"  braked within {slowest} ms of the notification")
    for name, count in account.not_sent.items():
        dropped = account.dropped.get(name)
        of_these = f", {dropped:,} of them dropped in flight" if dropped else ""
        lines.append(f"  {name}: {count:,} message(s) not sent because of it{of_these}")
    if account.incidents:
        told = "everything is given back, and nothing is left behind"
        lines.append(f"  {told if account.given_back else 'NOT everything is given back'}")
    audited = f"the auditor looked at {account.changes} changes"
    lines.append(f"  {audited}: {account.broken or 'every promise is kept'}")
    for verdict in account.verdicts:
        mark = "as expected" if verdict.kept else "NOT AS EXPECTED"
        lines.append(f"  {mark}: {verdict.expected} ({verdict.found})")
    return lines

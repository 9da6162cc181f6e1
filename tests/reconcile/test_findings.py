"""What was found on objects is told once, and what stands is counted."""

import dataclasses

import pytest
from structlog.testing import capture_logs

from responder.cluster.failures import ApiFailure, Denied, Invalid
from responder.holds.fields import FieldFinding
from responder.holds.ledger import LedgerFinding
from responder.holds.objects import ObjectKey
from responder.holds.planning import Finding, Purpose, Step, Write
from responder.metrics import Metrics
from responder.reconcile.findings import Findings
from responder.reconcile.situation import Situation
from responder.reconcile.view import View
from tests.reconcile.events import Events
from tests.reconcile.objects import config_map

HOLDS = ObjectKey("ConfigMap", "mail", "sending-holds")
CAMPAIGN = ObjectKey("ConfigMap", "mail", "spring-sale")
DENIED = Denied("the platform's own", status=403, reason="Forbidden")
INVALID = Invalid("too long", status=422)


@dataclasses.dataclass
class Desk:
    """Where findings are told, one look at a target after another."""

    events: Events = dataclasses.field(default_factory=Events)
    metrics: Metrics = dataclasses.field(default_factory=Metrics)
    view: View = dataclasses.field(default_factory=View)

    def __post_init__(self) -> None:
        for key in (HOLDS, CAMPAIGN):
            self.view.put_object("ConfigMap", config_map(key.name))
        self.findings = Findings(view=self.view, events=self.events, metrics=self.metrics)

    def look(
        self,
        *found: Finding,
        refusals: dict[str, ApiFailure] | None = None,
        write: Write | None = None,
        key: ObjectKey = HOLDS,
        settles: bool = True,
    ) -> int:
        """Look once; returns how much was told, in the log as by Events."""
        before = len(self.events.told)
        situation = Situation(key, self.view.objects[key], [], [], refusals=refusals or {})
        step = Step(write=write, pending=False, held={}, findings=found)
        with capture_logs() as logs:
            self.findings.tell(situation, step)
        if settles:
            self.findings.settled(key, dataclasses.replace(step, write=None))
        assert len(logs) == len(self.events.told) - before
        return len(logs)

    def counted(self, what: FieldFinding) -> float:
        labels = {"kind": "ConfigMap", "finding": str(what)}
        found = self.metrics.registry.get_sample_value("responder_findings_total", labels)
        return found or 0.0

    def standing(self, what: FieldFinding) -> float:
        labels = {"kind": "ConfigMap", "finding": str(what)}
        found = self.metrics.registry.get_sample_value("responder_standing_findings", labels)
        return found or 0.0

    @property
    def ghosts(self) -> float | None:
        return self.metrics.registry.get_sample_value("responder_ghost_holds")


def found(what: FieldFinding, number: int = 0, *, key: ObjectKey = HOLDS) -> Finding:
    return Finding(key, f"pool.{number}.json", what)


def many(what: FieldFinding, *numbers: int) -> list[Finding]:
    return [found(what, number) for number in numbers]


def test_what_stands_is_told_and_counted_once_however_often_it_is_looked_at() -> None:
    desk = Desk()
    full = many(FieldFinding.NO_ROOM, *range(300))
    assert desk.look(*full) == 300
    assert desk.look(*full) == 0
    assert desk.look(*full, found(FieldFinding.NO_ROOM, 300)) == 1
    assert desk.counted(FieldFinding.NO_ROOM) == desk.standing(FieldFinding.NO_ROOM) == 301
    assert desk.look(*full[:10]) == 0
    assert desk.standing(FieldFinding.NO_ROOM) == 10
    assert desk.look() == 0
    assert desk.standing(FieldFinding.NO_ROOM) == 0
    assert desk.counted(FieldFinding.NO_ROOM) == 301


def test_what_comes_up_again_is_told_again() -> None:
    desk = Desk()
    for _ in range(3):
        assert desk.look(found(FieldFinding.EDITED)) == 1
        assert desk.look() == 0
    assert desk.counted(FieldFinding.EDITED) == 3


def test_what_comes_and_goes_while_keys_are_tried_one_by_one_is_told_once() -> None:
    desk = Desk()
    full = many(FieldFinding.NO_ROOM, 1, 2)
    assert desk.look(*full, settles=False) == 2
    assert desk.look(full[0], settles=False) == 0
    assert desk.look(*full) == 0


def test_what_is_refused_is_told_again_where_it_is_for_another_reason() -> None:
    desk = Desk()
    refused = found(FieldFinding.REFUSED, 1)
    assert desk.look(refused, refusals={refused.field: DENIED}) == 1
    other = Denied("the very same, in other words", status=403, reason="Forbidden")
    assert desk.look(refused, refusals={refused.field: other}) == 0
    assert desk.look(refused, refusals={refused.field: INVALID}) == 1
    assert desk.standing(FieldFinding.REFUSED) == 1


def test_the_log_says_why_it_was_refused() -> None:
    desk = Desk()
    refused = found(FieldFinding.REFUSED, 1)
    situation = Situation(HOLDS, None, [], [], refusals={refused.field: DENIED})
    with capture_logs() as logs:
        desk.findings.tell(situation, Step(None, pending=False, held={}, findings=(refused,)))
    assert [line["why"] for line in logs] == ["the platform's own"]


def test_each_target_stands_for_itself() -> None:
    desk = Desk()
    desk.look(found(FieldFinding.NO_ROOM, 1))
    desk.look(found(FieldFinding.NO_ROOM, 1, key=CAMPAIGN), key=CAMPAIGN)
    assert desk.standing(FieldFinding.NO_ROOM) == 2
    desk.look(key=CAMPAIGN)
    assert desk.standing(FieldFinding.NO_ROOM) == 1
    assert desk.look(found(FieldFinding.NO_ROOM, 1)) == 0


def test_of_many_ghosts_on_one_object_one_is_told_and_objects_are_counted() -> None:
    desk = Desk()
    assert desk.look(*many(FieldFinding.GHOST, *range(100))) == 1
    assert desk.look(*many(FieldFinding.GHOST, *range(1, 101))) == 0
    assert desk.look(found(FieldFinding.GHOST, key=CAMPAIGN), key=CAMPAIGN) == 1
    assert desk.ghosts == 2
    desk.look(found(FieldFinding.NO_ROOM))
    assert desk.ghosts == 1
    assert desk.look(found(FieldFinding.GHOST)) == 1


@pytest.mark.parametrize("purpose", [Purpose.HOLD, Purpose.GIVE_BACK])
def test_a_ledger_that_we_took_away_ourselves_is_no_news(purpose: Purpose) -> None:
    desk = Desk()
    missing = Finding(HOLDS, "", LedgerFinding.MISSING)
    write = Write(HOLDS, purpose, {}, "campaign-responder", None)
    assert desk.look(missing, write=write) == (1 if purpose is Purpose.HOLD else 0)

"""An object takes so much and no more: what finds no room is refused alone."""

import json
from collections.abc import Callable
from typing import Final

import pytest

from responder.holds import ownership
from responder.holds.fields import FieldFinding
from responder.holds.ledger import Copy, Entry, Ledger, united
from responder.holds.objects import LEDGER_ANNOTATION, MANAGER, ObjectKey
from responder.holds.planning import Step
from responder.holds.room import MOST_ANNOTATION_BYTES, MOST_DATA_BYTES, Kept, Room
from responder.holds.sending import SendingControl, SendingLimit
from tests.holds.conductor import CAMPAIGN, Incident
from tests.holds.stage import Stage, campaign, found

STOP: Final = SendingLimit(share=0.0)
HALF: Final = SendingLimit(share=0.5)
MANY: Final = 700
"""More than find room: a ledger's entry of these has some 350 bytes."""


def segment(number: int) -> str:
    return f"segment.{number:03}.json"


def full() -> Stage:
    """As many segments as an object takes, and some more."""
    controls = {segment(number): SendingControl(segment(number)) for number in range(MANY)}
    stage = campaign({}, **controls)
    arrive(stage, "", HALF)
    return stage


def arrive(stage: Stage, prefix: str, limit: SendingLimit) -> None:
    for number in range(MANY):
        uid = f"{prefix}{number:03}"
        stage.incidents[uid] = Incident(uid, {segment(number): limit})
    stage.refresh()


def refused(step: Step) -> list[str]:
    return [each.field for each in step.findings if each.what is FieldFinding.NO_ROOM]


def size(stage: Stage) -> int:
    return sum(len(key) + len(value) for key, value in stage.annotations(CAMPAIGN).items())


def test_what_finds_no_room_is_refused_alone_and_tightening_still_gets_through() -> None:
    stage = full()
    step = stage.reconcile()
    left_out = refused(step)
    assert 0 < len(left_out) < MANY / 2
    assert set(left_out) == {segment(number) for number in range(MANY)} - set(stage.data)
    assert size(stage) <= MOST_ANNOTATION_BYTES * 3 / 4
    arrive(stage, "x", STOP)
    step = stage.reconcile()
    held = {key: json.loads(value)["share"] for key, value in stage.data.items()}
    assert set(held.values()) == {0.0}
    assert set(refused(step)) == set(left_out)
    assert size(stage) < MOST_ANNOTATION_BYTES


def test_who_waited_longest_comes_first_once_there_is_room() -> None:
    stage = full()
    left_out = sorted(refused(stage.reconcile()))
    for number in range(5):
        stage.let_go(f"{number:03}")
    stage.reconcile()
    stage.close()
    step = stage.reconcile()
    assert set(stage.data) & set(left_out) == set(left_out) - set(refused(step)) != set()
    assert (
        sorted(set(left_out) - set(refused(step))) == left_out[: len(left_out) - len(refused(step))]
    )
    stage.release_all()
    assert stage.data == {}
    assert not stage.traces()


def test_all_of_them_vanished_is_remembered_within_the_bounds() -> None:
    stage = full()
    stage.reconcile()
    held = dict(stage.data)
    stage.incidents.clear()
    stage.refresh()
    stage.reconcile()
    assert stage.data == held
    assert size(stage) < MOST_ANNOTATION_BYTES
    stage.reconcile(release_ghosts=True)
    assert stage.data == {}
    assert not stage.traces()


def test_a_persons_huge_document_does_not_stop_the_others() -> None:
    stage = campaign({}, **{segment(1): SendingControl(segment(1))})
    stage.arrive("1", **{"hold.json": HALF})
    stage.reconcile()
    huge = json.dumps({"share": 1.0, "notes": "x" * MOST_ANNOTATION_BYTES})
    stage.server.patch(CAMPAIGN, {"data": {"hold.json": huge}}, manager="kubectl-edit")
    stage.arrive("2", **{segment(1): STOP})
    step = stage.reconcile()
    assert refused(step) == []
    assert FieldFinding.BASELINE_UNKNOWN not in found(step)
    assert json.loads(stage.data["hold.json"])["share"] == 0.5
    assert json.loads(stage.data[segment(1)])["share"] == 0.0
    assert size(stage) < 2000
    stage.release_all()
    assert stage.data == {"hold.json": huge}
    assert not stage.traces()


HUGE: Final = json.dumps({"share": 1.0, "notes": 'x"é' + "x" * 280_000}, ensure_ascii=False)


def carrying(*, before: bool) -> Stage:
    """A person's document is there before the hold, or is written over it."""
    stage = campaign({"hold.json": HUGE} if before else {})
    stage.arrive("1", **{"hold.json": HALF})
    stage.reconcile()
    if not before:
        stage.change_document(HUGE)
        stage.reconcile()
    assert json.loads(stage.data["hold.json"])["share"] == 0.5
    assert json.loads(stage.data["hold.json"])["before"] == HUGE
    return stage


def strip(stage: Stage) -> None:
    stage.strip(CAMPAIGN)


def reset(stage: Stage) -> None:
    stage.server.patch(CAMPAIGN, {"metadata": {"managedFields": [{}]}}, manager="kubectl")


def killed(stage: Stage) -> None:
    stage.forget_copies()


@pytest.mark.parametrize("before", [True, False], ids=["before the hold", "over it"])
@pytest.mark.parametrize("happens", [None, strip, reset, killed])
def test_a_document_too_large_to_be_remembered_is_braked_and_given_back_to_the_byte(
    happens: Callable[[Stage], None] | None,
    before: bool,  # noqa: FBT001 -- a table
) -> None:
    stage = carrying(before=before)
    if happens is not None:
        happens(stage)
    stage.arrive("2", **{"hold.json": STOP})
    stage.reconcile()
    document = json.loads(stage.data["hold.json"])
    assert (document["share"], document["before"]) == (0.0, HUGE)
    stage.let_go("2")
    stage.reconcile()
    assert json.loads(stage.data["hold.json"])["share"] == 0.5
    stage.release_all()
    assert stage.data == {"hold.json": HUGE}
    assert not stage.traces()


def test_what_vanished_and_carries_a_document_gives_it_back_by_command() -> None:
    stage = carrying(before=True)
    stage.vanish("1")
    step = stage.reconcile()
    assert FieldFinding.GHOST in found(step)
    assert json.loads(stage.data["hold.json"])["share"] == 0.5
    stage.reconcile(release_ghosts=True)
    assert stage.data == {"hold.json": HUGE}
    assert not stage.traces()


def test_what_a_person_writes_over_a_document_that_carries_another_is_the_new_baseline() -> None:
    stage = carrying(before=True)
    stage.change_document('{"share": 0.9}')
    step = stage.reconcile()
    assert FieldFinding.BASELINE_UNKNOWN not in found(step)
    assert "before" not in json.loads(stage.data["hold.json"])
    stage.release_all()
    assert stage.data == {"hold.json": '{"share": 0.9}'}


def test_admission_that_takes_away_what_is_carried_leaves_no_guess() -> None:
    stage = carrying(before=True)
    lost = {"data": {"hold.json": '{"share": 0.7}'}}
    stage.server.patch(CAMPAIGN, lost, manager=MANAGER)
    step = stage.reconcile()
    assert FieldFinding.BASELINE_UNKNOWN in found(step)
    assert json.loads(stage.data["hold.json"])["share"] == 0.5
    stage.release_all()
    assert "hold.json" in stage.data


def test_admission_that_alters_it_and_leaves_what_is_carried_loses_nothing() -> None:
    stage = carrying(before=True)
    altered = json.dumps({**json.loads(stage.data["hold.json"]), "share": 0.7})
    stage.server.patch(CAMPAIGN, {"data": {"hold.json": altered}}, manager=MANAGER)
    assert FieldFinding.ALTERED in found(stage.plan(fenced=False))
    stage.release_all()
    assert stage.data == {"hold.json": HUGE}


def test_a_person_who_edits_a_document_that_carries_another_finds_it_as_they_left_it() -> None:
    stage = carrying(before=True)
    edited = json.dumps({**json.loads(stage.data["hold.json"]), "share": 0.7})
    stage.change_document(edited)
    stage.reconcile()
    assert json.loads(stage.data["hold.json"])["share"] == 0.5
    stage.release_all()
    assert stage.data == {"hold.json": edited}


def test_what_is_carried_is_given_back_where_a_copy_alone_tells_of_it() -> None:
    stage = carrying(before=True)
    strip(stage)
    reset(stage)
    stage.release_all()
    assert stage.data == {"hold.json": HUGE}
    assert not stage.traces()


@pytest.mark.parametrize(
    "strict",
    [json.dumps({"share": 0.0, "notes": "x" * MOST_ANNOTATION_BYTES}), "x" * MOST_ANNOTATION_BYTES],
    ids=["pauses", "can't be read"],
)
def test_a_document_that_is_as_strict_as_what_is_asked_for_stays_as_it_is(strict: str) -> None:
    """It brakes; that it can't be remembered is told."""
    stage = campaign({"hold.json": strict})
    stage.arrive("1", **{"hold.json": HALF})
    step = stage.reconcile()
    assert refused(step) == ["hold.json"]
    assert stage.data == {"hold.json": strict}


@pytest.mark.parametrize("held", [True, False], ids=["held already", "new"])
def test_the_data_is_bounded_too_and_becoming_smaller_is_always_taken(
    held: bool,  # noqa: FBT001 -- a table
) -> None:
    taken = MOST_DATA_BYTES * 3 // 4
    room = Room({"metadata": {}, "data": {"big": "x" * taken}}, None)
    entry = Entry(None, "", holder="a", uid="1") if held else None
    before = Kept("xx", entry)
    assert room.takes("k", before=before, after=Kept("xxx", entry)) is held
    assert room.takes("k", before=before, after=Kept("x", entry))
    assert room.takes("k", before=before, after=Kept(None, None))


def test_sizes_are_of_bytes_and_of_everybodys_annotations() -> None:
    live = {
        "metadata": {"annotations": {"team": "émail", LEDGER_ANNOTATION: "x" * 500}},
        "data": {"a": "ü"},
    }
    ledger = Ledger("1", 7)
    room = Room(live, ledger)
    assert room.annotations == len("team") + 6 + len(LEDGER_ANNOTATION) + len(ledger.to_text())
    assert room.data == 2


def test_a_ghost_outlives_the_loss_of_the_ledger_in_the_copy_of_another_key() -> None:
    stage = campaign({}, **{segment(1): SendingControl(segment(1))})
    stage.arrive("1", **{"hold.json": STOP})
    stage.arrive("2", **{segment(1): STOP})
    stage.reconcile()
    stage.vanish("1")
    stage.reconcile()
    stage.strip(CAMPAIGN)
    step = stage.reconcile()
    assert FieldFinding.GHOST in found(step)
    stage.let_go("2")
    stage.reconcile()
    assert set(stage.data) == {"hold.json"}
    stage.close()
    stage.reconcile(release_ghosts=True)
    assert stage.data == {}
    assert not stage.traces()


def test_a_hold_that_nothing_tells_of_any_more_keeps_its_mark_and_is_flagged() -> None:
    """Others are held and tidied on the same object; a person gives it back, with all ghosts."""
    stage = campaign({"state": "active"}, **{segment(1): SendingControl(segment(1))})
    stage.arrive("1", **{"hold.json": STOP})
    stage.reconcile(persist=False)
    stage.vanish("1")
    stage.strip(CAMPAIGN)
    stage.arrive("2", **{segment(1): STOP})
    step = stage.reconcile()
    assert ("hold.json", FieldFinding.BASELINE_UNKNOWN) in [
        (f.field, f.what) for f in step.findings
    ]
    stage.let_go("2")
    stage.reconcile()
    assert set(stage.data) == {"hold.json", "state"}
    assert ownership.is_ours(stage.get(CAMPAIGN), ("data", "hold.json"))
    # The next hold of that very key does not take it for what was there before.
    stage.close()
    stage.arrive("3", **{"hold.json": HALF})
    stage.reconcile()
    assert json.loads(stage.data["hold.json"])["share"] == 0.0
    stage.let_go("3")
    step = stage.reconcile()
    assert FieldFinding.BASELINE_UNKNOWN in found(step)
    stage.change_document(None)
    stage.reconcile(release_ghosts=True)
    assert stage.data == {"state": "active"}
    assert not stage.traces()


def test_all_ghosts_are_given_back_with_what_nothing_tells_of() -> None:
    stage = campaign({"state": "active"})
    stage.arrive("1", **{"hold.json": STOP})
    stage.reconcile(persist=False)
    stage.vanish("1")
    stage.strip(CAMPAIGN)
    step = stage.reconcile()
    assert FieldFinding.BASELINE_UNKNOWN in found(step)
    stage.reconcile(release_ghosts=True)
    assert stage.data == {"state": "active"}
    assert not stage.traces()


def copy(sequence: int, *, epoch: str = "e", uid: str = "o", **applied: str) -> Copy:
    fields = {name: Entry(None, value, holder="a", uid="1") for name, value in applied.items()}
    return Copy(ObjectKey("ConfigMap", "mail", "x"), uid, Ledger(epoch, sequence, fields))


def test_copies_of_one_epoch_are_put_together_and_the_newest_of_each_field_counts() -> None:
    whole = united([copy(7, a="new", b="b"), copy(3, a="old", c="c"), copy(9, d="d")])
    assert whole == [copy(9, a="new", b="b", c="c", d="d")]


def test_copies_of_other_epochs_and_objects_stay_apart() -> None:
    apart = [copy(1, a="x"), copy(2, epoch="f", a="y"), copy(3, uid="p", a="z")]
    assert united(apart) == apart

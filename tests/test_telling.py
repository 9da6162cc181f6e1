"""What is told on a terminal is whole, aligned, and can't play tricks."""

import dataclasses
import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from responder.holds.objects import ObjectKey
from responder.incidents.decision import Change, Decision, Place, Witnessed
from responder.incidents.identity import Identity
from responder.incidents.status import Condition, Entry, Phase, Reason
from responder.telling import columns, in_full, json_text, listed, plain
from tests.incidents.given import at, closed, incident, released, told_at, wishing

HOSTILE = "\x1b[2J\x1b]0;owned\x07\u202eevil\u200b\r\n[/bold]"


def is_harmless(text: str) -> bool:
    return all(char == "\n" or unicodedata.category(char)[0] != "C" for char in text)


@given(st.text())
def test_plain_text_moves_no_cursor_and_hides_nothing(text: str) -> None:
    assert is_harmless(plain(text))


@given(st.dictionaries(st.text(), st.text()))
def test_json_stays_what_it_is(told: dict[str, str]) -> None:
    text = json_text(told)
    assert json.loads(text) == told
    assert is_harmless(text)


def test_umlauts_and_tulips_are_left_alone() -> None:
    assert plain("Frühling 🌷 [bold]") == "Frühling 🌷 [bold]"
    assert json_text({"a": "Frühling 🌷"}) == '{\n  "a": "Frühling 🌷"\n}'


def test_columns_cut_nothing() -> None:
    """Names are for pasting, and output for grep: no width of any terminal counts."""
    lines = columns(("A", "B", "C"), [("x" * 300, "y", "z"), ("1", "22", "")]).splitlines()
    assert lines[1] == f"{'x' * 300}   y    z"
    assert lines[2].split() == ["1", "22"]
    assert lines[0].index("B") == lines[1].index("y") == lines[2].index("22")


def test_one_incident_is_one_line_whatever_its_labels_hold() -> None:
    identity = Identity.of("alertmanager", "p", {"campaign": HOSTILE})
    text = listed([incident(identity=identity), incident()])
    assert len(text.splitlines()) == 3
    assert is_harmless(text)
    assert "campaign=spring-sale" in text


def test_no_incidents_are_told_as_well() -> None:
    assert listed([]) == "no incidents"


def test_an_incident_in_full() -> None:
    told = in_full(
        incident(
            refusals=({"message": "no label segment"},),
            status={
                "reason": str(Reason.ALERT_FIRING),
                "message": "1 alert(s) firing",
                "timeline": (Entry(told_at(1), "Holding", "AlertFiring: 1", "alertmanager"),),
                "brake_milliseconds": 12,
            },
            alerts_omitted=3,
        ),
        now=at(6),
    )
    for words in (
        "campaign=spring-sale",
        "pause campaign/spring-sale",
        "refused: no label segment",
        "AlertFiring: 1 alert(s) firing",
        "1 firing, 0 resolved, 3 or more not kept",
        "braked in  12 ms",
        "waits for  1 alert(s) to resolve",
        "waits for  a person who releases it: 3 or more further alerts found no room in it",
        "2026-11-24T18:01:00.000 Holding: AlertFiring: 1 (by alertmanager)",
        "responder release high-bounce-rate-",
    ):
        assert words in told


def test_what_people_asked_for_is_told_with_who_and_why() -> None:
    told = in_full(incident(release=released()), now=at(6))
    assert f"released   by ada at {told_at(5)}: the list is clean" in told
    assert "responder release" not in told


def test_an_alert_that_is_kept_quiet_is_told_while_it_matters() -> None:
    quiet = Condition("Silenced", "True", "Silenced", "HighBounceRate is silenced by s1")
    told = in_full(incident(status={"conditions": (quiet,)}), now=at(6))
    assert "quiet      HighBounceRate is silenced by s1; that neither releases nor disarms" in told
    over = dataclasses.replace(quiet, status="False", message="")
    assert "quiet" not in in_full(incident(status={"conditions": (over,)}), now=at(6))
    assert "quiet" not in in_full(
        incident(phase=Phase.CLOSED, status={"conditions": (quiet,)}), now=at(6)
    )


def test_hostile_text_forges_no_line() -> None:
    entry = Entry(told_at(1), "Holding", f"x\n  phase      Closed {HOSTILE}", HOSTILE)
    told = in_full(incident(status={"timeline": (entry,)}), now=at(6))
    assert is_harmless(told)
    assert not any(line.startswith("  phase      Closed") for line in told.splitlines())


@pytest.mark.parametrize("reason", [Reason.COOL_DOWN_OVER, Reason.RELEASED_BY_HAND])
def test_what_is_closed_needs_no_release(reason: Reason) -> None:
    assert "responder release" not in in_full(closed(reason=reason), now=at(6))


def test_one_that_nobody_looked_at_yet_is_new() -> None:
    assert "New" in listed([incident(phase=Phase.NEW)])


def test_one_that_observes_tells_what_it_would_hold_and_what_others_did() -> None:
    place = Place(ObjectKey("Deployment", "mail", "email-sender"), "replicas")
    decision = Decision(
        told_at(0),
        (Change(place, "8", "2"),),
        ("campaign/x: none",),
        person=("to release it",),
        ends=told_at(30),
    )
    witnessed = Witnessed(None, (Change(place, "8", "3", told_at(14), HOSTILE),))
    item = incident(mode="observe", status={"decision": decision, "witnessed": witnessed})
    told = in_full(item, now=at(1))
    assert "  would hold\n    Deployment/email-sender replicas: 8 -> 2" in told
    assert "not: campaign/x: none" in told
    assert "a person would be necessary to release it" in told
    assert f"given it back at {told_at(30)}" in told
    assert "2026-11-24T18:14:00.000 Deployment/email-sender replicas: 8 -> 3 (by " in told
    assert is_harmless(told)
    assert "would hold" not in in_full(incident(), now=at(1))


def test_each_word_about_an_incident_stands_apart_from_what_it_is_about() -> None:
    request = released(2)
    asked = {"approve": request, "acknowledge": request, "release": request}
    told = in_full(wishing(incident(), **asked), now=at(5))
    assert all(f"  {word} by {request.by}" in told for word in ("acknowledged", "released  "))

"""Which incident an alert belongs to, and how it is named."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from responder.incidents.identity import Identity, ordinal_of, stem_of

LABELS = st.dictionaries(st.text(max_size=8), st.text(max_size=8), max_size=3)


@given(LABELS, LABELS)
def test_two_sets_of_labels_are_one_incident_only_if_they_are_equal(
    labels: dict[str, str], others: dict[str, str]
) -> None:
    one, other = (Identity.of("alertmanager", "p", each) for each in (labels, others))
    assert (one.stem == other.stem) == (labels == others)


@pytest.mark.parametrize(
    "other",
    [
        Identity.of("manual", "p", {"a": "b"}),
        Identity.of("alertmanager", "q", {"a": "b"}),
        Identity.of("alertmanager", "p", {"a": "b", "c": ""}),
        Identity.of("alertmanager", "p", {"a": 'b"],["c","'}),
        Identity.of("alertmanager", "p", {"A": "b"}),
        Identity.of("alertmanager", "p", {"a": "b\u0301"}),
    ],
    ids=["by hand", "playbook", "one more label", "quotes", "case", "an accent"],
)
def test_what_differs_is_told_apart(other: Identity) -> None:
    assert other.stem != Identity.of("alertmanager", "p", {"a": "b"}).stem


def test_the_order_of_labels_is_nothing() -> None:
    one = Identity.of("alertmanager", "p", {"a": "1", "b": "2"})
    assert one == Identity.of("alertmanager", "p", {"b": "2", "a": "1"})


def test_names_are_the_playbook_16_hex_digits_and_an_ordinal() -> None:
    """8 digits collide in practice: with 65,000 campaigns, more likely than not."""
    identity = Identity.of("alertmanager", "high-bounce-rate", {"campaign": "../{{x}}\n🙂"})
    assert re.fullmatch(r"high-bounce-rate-[0-9a-f]{16}-12", identity.name(12))
    assert (ordinal_of(identity.name(12)), stem_of(identity.name(12))) == (12, identity.stem)


def test_the_names_of_stored_incidents_never_change() -> None:
    """An upgrade that hashed otherwise would open a second incident beside each open one."""
    assert (
        Identity.of("alertmanager", "high-bounce-rate", {"campaign": "spring-sale"}).name(1)
        == "high-bounce-rate-91558e5857b13bfa-1"
    )


@pytest.mark.parametrize(
    ("name", "ordinal"),
    [("x-1", 1), ("x-007", 7), ("x", 0), ("x-", 0), ("x-1a", 0), ("x-²", 0), ("x--3", 3), ("", 0)],
)
def test_ordinals_of_hand_made_names(name: str, ordinal: int) -> None:
    assert ordinal_of(name) == ordinal


def test_a_value_too_long_to_store_is_known_again_by_its_hash() -> None:
    long = "x" * 5000
    one = Identity.of("alertmanager", "p", {"campaign": long + "a"})
    assert len(dict(one.labels)["campaign"]) <= 1024
    assert one != Identity.of("alertmanager", "p", {"campaign": long + "b"})
    stored = Identity.of("alertmanager", "p", dict(one.labels))
    assert stored == one

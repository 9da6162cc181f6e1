"""Aliases add what an alert calls otherwise; they never replace what it says."""

import pytest

from responder.playbooks.aliases import with_aliases

ALIASES = {"campaign": ["campaign_id", "utm_campaign"], "pool": ["sending_pool"]}


@pytest.mark.parametrize(
    ("labels", "added"),
    [
        ({}, {}),
        ({"campaign_id": "a"}, {"campaign": "a"}),
        ({"utm_campaign": "b"}, {"campaign": "b"}),
        ({"utm_campaign": "b", "campaign_id": "a"}, {"campaign": "a"}),
        ({"campaign": "x", "campaign_id": "a"}, {}),
        ({"campaign": "", "campaign_id": "a"}, {"campaign": "a"}),
        ({"campaign_id": "", "utm_campaign": "b"}, {"campaign": "b"}),
        ({"campaign_id": ""}, {}),
        ({"campaign_id": "a", "sending_pool": "p"}, {"campaign": "a", "pool": "p"}),
    ],
)
def test_a_label_is_added_from_the_first_source_that_says_something(
    labels: dict[str, str], added: dict[str, str]
) -> None:
    assert with_aliases(labels, ALIASES) == labels | added


def test_the_given_labels_stay_as_they_are() -> None:
    labels = {"campaign_id": "a"}
    with_aliases(labels, ALIASES)
    assert labels == {"campaign_id": "a"}


def test_nothing_to_add_copies_nothing() -> None:
    labels = {"campaign": "a"}
    assert with_aliases(labels, ALIASES) is labels


def test_aliases_of_aliases_are_not_followed() -> None:
    assert with_aliases({"c": "x"}, {"a": ["b"], "b": ["c"]}) == {"b": "x", "c": "x"}

"""A verdict can't be taken for a boolean, and never says that it is unknown without a reason."""

from datetime import UTC, datetime

import pytest

from responder.evidence.verdict import Finding, Truth, Unknown, Verdict

NOW = datetime(2026, 11, 24, 18, tzinfo=UTC)
YES, NO = Finding(truth=Truth.YES, value=0.01), Finding(truth=Truth.NO, value=0.2)


def verdict(finding: Finding) -> Verdict:
    return Verdict(question="bounce-rate", finding=finding, at=NOW)


@pytest.mark.parametrize(
    ("finding", "three"),
    [
        (YES, (True, False, False)),
        (NO, (False, True, False)),
        *((Finding.unknown(reason), (False, False, True)) for reason in Unknown),
    ],
)
def test_it_is_exactly_one_of_three_and_what_is_unknown_is_neither_yes_nor_no(
    finding: Finding, three: tuple[bool, bool, bool]
) -> None:
    found = verdict(finding)
    assert (found.is_yes, found.is_no, found.is_unknown) == three


@pytest.mark.parametrize("finding", [YES, NO, Finding.unknown(Unknown.DOWN)])
def test_whoever_asks_whether_it_is_true_is_told_to_ask_which(finding: Finding) -> None:
    with pytest.raises(TypeError, match="is_unknown"):
        bool(verdict(finding))


def test_a_reason_is_given_for_the_unknown_and_for_nothing_else() -> None:
    with pytest.raises(ValueError, match="Unknown with the reason None"):
        Finding(truth=Truth.UNKNOWN)
    with pytest.raises(ValueError, match="Yes with the reason Down"):
        Finding(truth=Truth.YES, reason=Unknown.DOWN)


def test_it_says_itself_in_a_line() -> None:
    assert str(verdict(YES)) == "bounce-rate: yes"
    down = Finding.unknown(Unknown.DOWN, "connection refused")
    assert str(verdict(down)) == "bounce-rate: unknown (Down): connection refused"

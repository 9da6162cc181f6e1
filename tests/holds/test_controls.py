"""Every control: its limits join like a lattice, and what it writes reads back as meant."""

import json
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from responder.holds.autoscaler import MAX_REPLICAS, MIN_REPLICAS
from responder.holds.keys import PlainKeyControl
from responder.holds.limits import AnyControl, Holder
from responder.holds.replicas import REPLICAS
from responder.holds.sending import SendingControl, SendingLimit, limit_from_json, limit_to_json

SHARES = st.sampled_from([0.0, 0.1, 0.25, 0.5, 1.0])
NAMES = st.sampled_from(["gmail", "yahoo", "ünïcode", "b"])
PODS = st.integers(0, 1000)
SENDING_LIMITS = st.builds(
    SendingLimit,
    share=st.none() | SHARES,
    per_minute=st.none() | st.integers(0, 1000),
    providers=st.dictionaries(NAMES, SHARES).map(lambda found: tuple(sorted(found.items()))),
    pool=st.none() | st.sampled_from(["warm", "quarantine", "unranked", "another"]),
    suppress=st.sets(NAMES).map(lambda found: tuple(sorted(found))),
    in_flight=st.sampled_from(["finish", "drop"]),
)
ORDER: Final = ("active", "slow", "paused")
SENDING: Final = SendingControl("hold.json", pools=("warm", "quarantine"))
KEYS: Final = PlainKeyControl("state", ORDER)
CONTROLS: Final[dict[str, tuple[AnyControl, st.SearchStrategy[Any]]]] = {
    "replicas": (REPLICAS, PODS),
    "highest": (MAX_REPLICAS, PODS),
    "lowest": (MIN_REPLICAS, PODS),
    "sending": (SENDING, SENDING_LIMITS),
    "keys": (KEYS, st.integers(-1, 2)),
}
HOLDER: Final = Holder(name="hard-bounces-1", uid="1", since="2026-11-24T18:00:00Z", reason="12 %")
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just(10**400),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
quick = settings(max_examples=100, deadline=None, derandomize=True)


@pytest.mark.parametrize("name", CONTROLS)
@given(data=st.data())
@quick
def test_limits_join_in_any_order(name: str, data: st.DataObject) -> None:
    control, limits = CONTROLS[name]
    a, b, c = data.draw(limits), data.draw(limits), data.draw(limits)
    join = control.strictest
    assert join([a, b]) == join([b, a])
    assert join([join([a, b]), c]) == join([a, join([b, c])]) == join([a, b, c])
    assert join([a]) == join([a, a]) == a
    assert join([join([a, b]), a]) == join([a, b]), "a further hold never loosens"


@pytest.mark.parametrize("name", ["replicas", "sending", "keys"])
@given(data=st.data())
@quick
def test_what_is_written_reads_back_as_what_was_meant(name: str, data: st.DataObject) -> None:
    control, limits = CONTROLS[name]
    effective = data.draw(limits.filter(lambda limit: limit != -1))
    baseline = data.draw(st.sampled_from([None, "active"])) if name == "keys" else None
    written = control.write(effective, baseline=baseline, applied=None, holder=HOLDER)
    assert control.limit_of(written) == effective
    again = control.write(effective, baseline=baseline, applied=written, holder=HOLDER)
    assert again == written, "the same holder's same limit stays to the byte"


@pytest.mark.parametrize("name", ["replicas", "sending", "keys"])
@given(data=st.data())
@quick
def test_loosening_is_exactly_what_is_not_at_least_as_strict(
    name: str, data: st.DataObject
) -> None:
    control, limits = CONTROLS[name]
    new, old = (data.draw(limits.filter(lambda limit: limit != -1)) for _ in "ab")
    written, live = (
        control.write(limit, baseline=None, applied=None, holder=HOLDER) for limit in (new, old)
    )
    loosened = control.loosens(written, live=live, effective=new)
    assert loosened == (control.strictest([new, old]) != new)


@given(limit=PODS, lowest=st.integers(0, 50), more=st.integers(0, 50))
@quick
def test_an_autoscalers_bounds_stay_valid_and_cap_the_pods(
    limit: int, lowest: int, more: int
) -> None:
    highest = max(1, lowest + more)
    top = MAX_REPLICAS.strictest([limit, highest])
    wrote_top = MAX_REPLICAS.write(top, baseline=highest, applied=None, holder=HOLDER)
    own = MIN_REPLICAS.limit_of(lowest)
    low = MIN_REPLICAS.strictest([limit, *([] if own is None else [own])])
    wrote_low = MIN_REPLICAS.write(low, baseline=lowest, applied=None, holder=HOLDER)
    assert wrote_low <= wrote_top <= max(1, limit)
    assert wrote_low >= min(lowest, 1)


def test_a_minimum_of_zero_stays_zero_under_a_limit_above_it() -> None:
    """Where zero pods are allowed when idle, a hold to five must not keep one running."""
    own = MIN_REPLICAS.limit_of(0)
    assert own is None
    assert MIN_REPLICAS.write(5, baseline=0, applied=None, holder=HOLDER) == 0
    assert MIN_REPLICAS.write(0, baseline=0, applied=None, holder=HOLDER) == 1


@given(limit=SENDING_LIMITS)
@quick
def test_a_sending_limit_survives_json(limit: SendingLimit) -> None:
    assert limit_from_json(json.loads(json.dumps(limit_to_json(limit)))) == limit


@pytest.mark.parametrize("name", CONTROLS)
@given(raw=JUNK)
@quick
def test_reading_anything_at_all_never_raises(name: str, raw: Any) -> None:  # noqa: ANN401
    CONTROLS[name][0].limit_of(raw)
    if name == "sending":
        text = json.dumps(raw)
        assert SENDING.limit_of(text) is not None
        SENDING.write(SendingLimit(share=0.5), baseline=text, applied=text, holder=HOLDER)


@pytest.mark.parametrize(
    "text",
    ["", "paused", "[]", "null", '{"share": "none"}', '{"share": NaN}', '{"suppress": 1}',
     '{"share": 1' + "0" * 400 + "}", '{"perMinute": true}', '{"providers": [1]}', '{"pool": 3}'],
    ids=["empty", "word", "list", "null", "share-word", "share-nan", "suppress-number",
         "share-huge", "per-minute-bool", "providers-list", "pool-number"],
)  # fmt: skip
def test_a_document_that_cannot_be_read_stops_the_sender(text: str) -> None:
    assert SENDING.limit_of(text) == SendingLimit(share=0.0)


@pytest.mark.parametrize(
    ("pools", "asked", "routed"),
    [
        (("warm", "quarantine"), ["quarantine", "warm"], "quarantine"),
        (("quarantine", "warm"), ["quarantine", "warm"], "warm"),
        (("warm", "quarantine"), ["quarantine", "unranked"], "unranked"),
        ((), ["a", "b"], "b"),
    ],
    ids=["rank", "other-rank", "unranked-outranks", "no-rank"],
)
def test_of_two_pools_the_stricter_takes_the_mail(
    pools: tuple[str, ...], asked: list[str], routed: str
) -> None:
    control = SendingControl("hold.json", pools=pools)
    assert control.strictest([SendingLimit(pool=pool) for pool in asked]).pool == routed


def test_a_plain_value_outside_of_the_order_is_milder_than_all() -> None:
    assert KEYS.limit_of("drained") == KEYS.limit_of(None) == -1
    assert KEYS.write(2, baseline="drained", applied=None, holder=HOLDER) == "paused"

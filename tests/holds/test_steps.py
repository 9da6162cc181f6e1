"""Rule 7: a step lets through the looser of the hold and its share of what would be without us."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from responder.holds.autoscaler import MAX_REPLICAS, MIN_REPLICAS
from responder.holds.fields import FieldFinding
from responder.holds.keys import PlainKeyControl
from responder.holds.limits import AnyControl
from responder.holds.objects import MANAGER
from responder.holds.replicas import REPLICAS
from responder.holds.sending import SendingLimit
from tests.holds.conductor import AUTOSCALER, CAMPAIGN, DEPLOYMENT
from tests.holds.stage import campaign, found, workload
from tests.holds.test_controls import KEYS, PODS, SENDING, SENDING_LIMITS, quick

RATIOS = st.floats(0, 1)
PLACES = st.integers(0, len(KEYS.order) - 1)
ORDERS = st.integers(1, 6)
BASELINES = st.none() | PODS
CONTROLS: dict[str, tuple[AnyControl, st.SearchStrategy[Any]]] = {
    "replicas": (REPLICAS, PODS),
    "highest": (MAX_REPLICAS, PODS),
    "lowest": (MIN_REPLICAS, PODS),
    "sending": (SENDING, SENDING_LIMITS),
    "keys": (KEYS, PLACES),
}


@pytest.mark.parametrize("name", CONTROLS)
@given(data=st.data(), baseline=BASELINES, shares=st.tuples(RATIOS, RATIOS))
@quick
def test_a_step_is_never_stricter_than_the_hold_and_grows_with_its_share(
    name: str, data: st.DataObject, baseline: int | None, shares: tuple[float, float]
) -> None:
    control, limits = CONTROLS[name]
    limit = data.draw(limits)
    less, more = sorted(shares)

    def at(share: float) -> Any:  # noqa: ANN401 -- the control's own
        return control.relaxed(limit, share=share, baseline=baseline)

    assert at(0) == limit
    for strict, loose in ((limit, at(less)), (at(less), at(more))):
        assert control.strictest([strict, loose]) == strict


@given(limit=PODS, baseline=st.integers(1, 1000), share=st.floats(0.001, 1))
@quick
def test_a_share_of_pods_is_rounded_up_and_never_to_none(
    limit: int, baseline: int, share: float
) -> None:
    step = REPLICAS.relaxed(limit, share=share, baseline=baseline)
    assert step == max(limit, math.ceil(round(share * baseline, 6)))
    assert 1 <= step <= max(limit, baseline)
    assert REPLICAS.relaxed(0, share=1, baseline=baseline) == baseline


@pytest.mark.parametrize(
    ("share", "baseline", "pods"),
    [(0.1, 20, 2), (0.07, 100, 7), (0.1, 31, 4), (0.5, 1, 1), (0.01, 1, 1), (0.1, None, 1),
     (0.5, 0, 0)],
    ids=["two", "no dust of binary fractions", "up", "half of one", "a hundredth of one",
         "an absent number is one", "of none"],
)  # fmt: skip
def test_pods_of_a_step(share: float, baseline: int | None, pods: int) -> None:
    assert REPLICAS.relaxed(0, share=share, baseline=baseline) == pods


@pytest.mark.parametrize(
    ("order", "share", "value"),
    [
        (("a",), 0.5, "a"),
        (("on", "off"), 0.1, "off"),
        (("on", "off"), 0.9, "off"),
        (("on", "slow", "off"), 0.1, "slow"),
        (("on", "slow", "off"), 0.0, "off"),
        (("a", "b", "c", "d", "e"), 0.25, "d"),
        (("a", "b", "c", "d", "e"), 0.5, "c"),
        (("a", "b", "c", "d", "e"), 0.99, "b"),
    ],
)
def test_values_of_a_plain_key_are_even_steps_and_the_mildest_waits_for_the_end(
    order: tuple[str, ...], share: float, value: str
) -> None:
    control = PlainKeyControl("state", order)
    assert order[control.relaxed(len(order) - 1, share=share, baseline=None)] == value


def test_what_has_no_share_stays_through_all_steps() -> None:
    limit = SendingLimit(per_minute=10, pool="warm", suppress=("a",), in_flight="drop")
    assert SENDING.relaxed(limit, share=0.9, baseline=None) == limit
    shares = SendingLimit(share=0.0, providers=(("gmail", 0.0), ("yahoo", 0.7)))
    both = SENDING.relaxed(shares, share=0.5, baseline=None)
    assert both == SendingLimit(share=0.5, providers=(("gmail", 0.5), ("yahoo", 0.7)))


def test_from_zero_under_an_autoscaler_a_tenth_is_a_tenth_of_its_maximum() -> None:
    stage = workload(replicas=8, bounds=(2, 20))
    stage.arrive("1", replicas=0)
    stage.reconcile()
    assert (stage.replicas, stage.bounds) == (0, (1, 1))
    for share, replicas, bounds in ((0.1, 2, (2, 2)), (0.25, 2, (2, 5)), (0.5, 2, (2, 10))):
        stage.step("1", share)
        stage.reconcile()
        assert (stage.replicas, stage.bounds) == (replicas, bounds)
        assert stage.ledger(DEPLOYMENT) is None, "its replicas are the autoscaler's again"
    stage.sync(10)
    stage.step("1", None)
    stage.reconcile()
    assert (stage.replicas, stage.bounds) == (0, (1, 1)), "a relapse"
    stage.release_all()
    assert stage.bounds == (2, 20)
    assert not stage.traces()


def test_from_zero_without_an_autoscaler_a_tenth_is_a_tenth_of_its_replicas() -> None:
    stage = workload(replicas=20)
    stage.arrive("1", replicas=0)
    stage.reconcile()
    for share, replicas in ((0.1, 2), (0.25, 5), (None, 0), (0.5, 10)):
        stage.step("1", share)
        stage.reconcile()
        assert stage.replicas == replicas
    stage.release_all()
    assert stage.replicas == 20
    assert not stage.traces()


def test_a_person_who_scales_during_a_step_changes_what_it_is_a_share_of() -> None:
    stage = workload(replicas=20)
    stage.arrive("1", replicas=0)
    stage.step("1", 0.5)
    stage.reconcile()
    assert stage.replicas == 10
    stage.scale(30)
    stage.reconcile()
    assert stage.replicas == 15
    stage.release_all()
    assert stage.replicas == 30


@pytest.mark.parametrize("bounds", [None, (2, 20)], ids=["replicas", "autoscaler"])
def test_of_an_unknown_baseline_no_share_can_be_taken(bounds: tuple[int, int] | None) -> None:
    """What stands there is ours, and nothing tells what was there before."""
    stage = workload(replicas=8, bounds=bounds)
    if bounds is None:
        stage.server.patch(DEPLOYMENT, {"spec": {"replicas": 5}}, manager=MANAGER)
    else:
        spec = {"maxReplicas": 5, "minReplicas": 1}
        stage.server.patch(AUTOSCALER, {"spec": spec}, manager=MANAGER)
    stage.arrive("1", replicas=1)
    stage.step("1", 0.5)
    step = stage.reconcile()
    assert FieldFinding.BASELINE_UNKNOWN in found(step)
    assert (stage.replicas if bounds is None else stage.bounds[1]) == 1
    assert {change.after for change in stage.writes[0].changes} == {1}, "from the first write on"


def test_of_an_unknown_document_no_share_can_be_taken_either() -> None:
    stage = campaign({"subject": "Hello"})
    stage.server.patch(CAMPAIGN, {"data": {"hold.json": '{"share": 0.9}'}}, manager=MANAGER)
    stage.arrive("1", **{"hold.json": SendingLimit(share=0.0)})
    stage.step("1", 0.5)
    step = stage.reconcile()
    assert FieldFinding.BASELINE_UNKNOWN in found(step)
    assert SENDING.limit_of(stage.data["hold.json"]) == SendingLimit(share=0.0)


@pytest.mark.parametrize("bounds", [None, (2, 20)], ids=["replicas", "autoscaler"])
def test_beside_a_hold_a_step_loosens_nothing(bounds: tuple[int, int] | None) -> None:
    stage = workload(replicas=20, bounds=bounds)
    stage.arrive("1", replicas=0)
    stage.arrive("2", replicas=3)
    stage.step("1", 0.5)
    stage.reconcile()
    assert (stage.replicas if bounds is None else stage.bounds[1]) == 3
    stage.step("2", 0.1)
    stage.reconcile()
    assert (stage.replicas if bounds is None else stage.bounds[1]) == 3, "the hold, not 10 %"
    stage.step("1", 0.1)
    stage.reconcile()
    assert (stage.replicas if bounds is None else stage.bounds[1]) == 2


def test_a_step_of_one_campaign_and_a_hold_of_another_incident_join_key_by_key() -> None:
    stage = campaign({"subject": "Hello"})
    stage.arrive("1", **{"hold.json": SendingLimit(share=0.0, providers=(("gmail", 0.0),))})
    stage.arrive("2", **{"hold.json": SendingLimit(share=0.2, pool="quarantine")})
    stage.step("1", 0.5)
    stage.reconcile()
    limit = SENDING.limit_of(stage.data["hold.json"])
    assert limit == SendingLimit(share=0.2, providers=(("gmail", 0.5),), pool="quarantine")
    stage.let_go("2")
    stage.reconcile()
    limit = SENDING.limit_of(stage.data["hold.json"])
    assert limit == SendingLimit(share=0.5, providers=(("gmail", 0.5),))
    stage.release_all()
    assert stage.get(CAMPAIGN)["data"] == {"subject": "Hello"}
    assert not stage.traces()


def test_a_step_waits_for_the_fence_and_a_relapse_does_not() -> None:
    stage = workload(replicas=20)
    stage.arrive("1", replicas=0)
    stage.reconcile()
    stage.step("1", 0.5)
    stage.loop(fenced=False)
    assert stage.replicas == 0
    stage.loop(fenced=True)
    assert stage.replicas == 10
    stage.step("1", None)
    stage.loop(fenced=False)
    assert stage.replicas == 0


@pytest.mark.parametrize("synced", [False, True], ids=["at once", "after a sync"])
@pytest.mark.parametrize("writes", range(7))
def test_a_relapse_right_after_a_step_keeps_what_was_there_before(
    writes: int,
    synced: bool,  # noqa: FBT001 -- a table
) -> None:
    """What is left to the autoscaler for a step is our number, and the copies don't tell yet."""
    stage = workload(replicas=8, bounds=(1, 20))
    stage.arrive("1", replicas=0)
    stage.reconcile()
    stage.step("1", 0.05)
    stage.loop(fenced=False)
    stage.loop(fenced=True, stop_after=writes)
    if synced and stage.replicas:
        stage.sync(stage.replicas)
    stage.step("1", None)
    step = stage.reconcile()
    assert FieldFinding.EDITED not in found(step)
    assert (stage.replicas, stage.bounds) == (0, (1, 1))
    stage.release_all()
    assert (stage.replicas, stage.bounds) == (8, (1, 20))
    assert not stage.traces()


def test_a_persons_number_between_a_step_and_a_relapse_is_given_back() -> None:
    stage = workload(replicas=8, bounds=(1, 20))
    stage.arrive("1", replicas=0)
    stage.reconcile()
    stage.step("1", 0.05)
    stage.reconcile(persist=False)
    stage.edit(5)
    stage.step("1", None)
    stage.reconcile()
    assert stage.replicas == 0
    stage.release_all()
    assert stage.replicas == 5

"""A workload is down to what is asked when its pods are gone and nothing is about to raise it."""

import dataclasses
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from responder.holds.effect import Quiet, WorkloadEffect, watched, workload_effect

Json = dict[str, Any]
NOW = datetime(2026, 11, 24, 18, 0, 0, 300_000, tzinfo=UTC)
HPA = "email-sender-hpa"


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def deployment(
    replicas: int = 0,
    *,
    pods: int = 0,
    ending: int | None = 0,
    generation: int = 7,
    seen: int | None = 7,
    grace: int | None = None,
) -> Json:
    """One whose controller has seen a generation and counts pods; `ending` None is an old one."""
    template = {} if grace is None else {"spec": {"terminationGracePeriodSeconds": grace}}
    status = {"observedGeneration": seen, "replicas": pods, "terminatingReplicas": ending}
    return {
        "metadata": {"name": "email-sender", "generation": generation},
        "spec": {"replicas": replicas, "template": template},
        "status": {key: value for key, value in status.items() if value is not None},
    }


def autoscaler(*, disabled_at: datetime | None = None, reason: str = "ScalingDisabled") -> Json:
    told = {"type": "ScalingActive", "reason": reason}
    if disabled_at is not None:
        told["lastTransitionTime"] = disabled_at.strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"metadata": {"name": HPA}, "status": {"conditions": [told]}}


BUSY = autoscaler(reason="ValidMetricFound")
QUIET = Quiet(NOW)


def effect(
    live: Json | None,
    *autoscalers: Json,
    limit: int = 0,
    quiet: Quiet | None = QUIET,
    seconds: float = 1,
) -> WorkloadEffect:
    return workload_effect(live, autoscalers, limit=limit, quiet=quiet, now=after(seconds))


@pytest.mark.parametrize(
    ("live", "kept", "told"),
    [
        pytest.param(deployment(), True, "no pod is left", id="none is left"),
        pytest.param(deployment(pods=3), False, "3 pod(s) are left, and 0 may be", id="some are"),
        pytest.param(
            deployment(ending=2), False, "2 pod(s) are left, and 0 may be", id="some are ending"
        ),
        pytest.param(
            deployment(8), False, "it asks for 8 pod(s), and 0 may be", id="raised by another"
        ),
        pytest.param(
            deployment(seen=6),
            None,
            "no controller has reported its pods yet",
            id="counted before the write",
        ),
        pytest.param(
            deployment(seen=None),
            None,
            "no controller has reported its pods yet",
            id="counted by nobody",
        ),
        pytest.param(None, None, "it does not exist", id="gone"),
    ],
)
def test_pods_are_what_counts(live: Json | None, *, kept: bool | None, told: str) -> None:
    assert effect(live) == WorkloadEffect(kept, told)


@pytest.mark.parametrize(
    ("live", "kept"),
    [
        (deployment(2, pods=2), True),
        (deployment(1, pods=1), True),
        (deployment(2, pods=2, ending=1), False),
        (deployment(3, pods=2), False),
    ],
)
def test_a_limit_above_zero_is_kept_by_as_many_or_fewer(live: Json, *, kept: bool) -> None:
    assert effect(live, BUSY, limit=2).kept is kept


@pytest.mark.parametrize(
    ("grace", "seconds", "kept"),
    [(None, 29, None), (None, 30, True), (90, 30, None), (90, 90, True), (0, 0, True)],
)
def test_where_nobody_counts_what_is_ending_it_has_its_time(
    grace: int | None, seconds: float, *, kept: bool | None
) -> None:
    live = deployment(ending=None, grace=grace)
    quiet = Quiet(NOW, left_at=NOW)
    assert effect(live, quiet=quiet, seconds=seconds).kept is kept
    assert effect(live, quiet=Quiet(NOW), seconds=seconds).kept is None


@pytest.mark.parametrize(
    ("item", "disabled", "seconds", "kept"),
    [
        pytest.param(BUSY, False, 1, None, id="busy: a sync may be in flight"),
        pytest.param(BUSY, False, 29.9, None, id="busy: still"),
        pytest.param(BUSY, False, 30, True, id="busy: a sync has begun and ended meanwhile"),
        pytest.param(autoscaler(), False, 1, True, id="says so, and did not before"),
        pytest.param(autoscaler(), True, 1, None, id="said so before, nobody knows when"),
        pytest.param(
            autoscaler(disabled_at=after(-60)), True, 1, None, id="says still what it said before"
        ),
        pytest.param(
            autoscaler(disabled_at=after(5)), True, 6, True, id="says so anew, by its own time"
        ),
        pytest.param(
            autoscaler(disabled_at=NOW), True, 1, True, id="in the same second, which is cut"
        ),
        pytest.param(autoscaler(disabled_at=after(-60)), True, 30, True, id="long enough"),
    ],
)
def test_zero_is_kept_only_after_a_full_sync_at_zero(
    item: Json, *, disabled: bool, seconds: float, kept: bool | None
) -> None:
    quiet = Quiet(NOW, frozenset({HPA} if disabled else ()))
    found = effect(deployment(), item, quiet=quiet, seconds=seconds)
    assert found.kept is kept
    if kept is None:
        assert found.message == "email-sender-hpa has not synced at zero yet"


def test_each_autoscaler_must_have_synced() -> None:
    other = {**BUSY, "metadata": {"name": "another"}}
    found = effect(deployment(), autoscaler(), other)
    assert found == WorkloadEffect(None, "another has not synced at zero yet")


def test_being_quiet_begins_with_the_spec_and_ends_with_a_raise() -> None:
    first = watched(None, deployment(pods=3), [autoscaler()], limit=0, now=NOW)
    assert first == Quiet(NOW, frozenset({HPA}))
    gone = watched(first, deployment(), [autoscaler()], limit=0, now=after(3))
    assert gone == dataclasses.replace(first, left_at=after(3))
    assert watched(gone, deployment(), [BUSY], limit=0, now=after(9)) == gone
    assert watched(gone, deployment(1), [BUSY], limit=0, now=after(10)) is None
    assert watched(gone, None, [], limit=0, now=after(10)) is None
    again = watched(None, deployment(), [BUSY], limit=0, now=after(11))
    assert again == Quiet(after(11), frozenset(), after(11))


def test_a_pod_that_comes_back_begins_the_time_of_the_last_ones_anew() -> None:
    quiet = Quiet(NOW, left_at=NOW)
    back = watched(quiet, deployment(pods=1), [], limit=0, now=after(5))
    assert back == Quiet(NOW)

"""Rule 6: what was given back is in nobody's name of ours."""

import pytest

from responder.holds import ownership
from responder.holds.sending import SendingLimit
from tests.holds.conductor import AUTOSCALER, CAMPAIGN, DEPLOYMENT, autoscaler
from tests.holds.stage import campaign, found, workload
from tests.holds.traces import traces_of_ours


@pytest.mark.parametrize("bounds", [None, (2, 20)], ids=["alone", "autoscaled"])
@pytest.mark.parametrize("limit", [0, 1, 8, 9])
def test_after_the_give_back_the_owners_server_side_apply_has_no_conflict(
    bounds: tuple[int, int] | None, limit: int
) -> None:
    stage = workload(replicas=8, bounds=bounds)
    for replicas in (7, 8):
        own = {"spec": {"replicas": replicas}}
        stage.server.apply(DEPLOYMENT, own, manager="argocd", force=True)
    before = {key: (stage.get(key)["spec"]) for key in stage.server.objects}
    stage.arrive("1", replicas=limit)
    stage.reconcile()
    stage.release_all()
    assert {key: stage.get(key)["spec"] for key in stage.server.objects} == before
    assert not stage.traces()
    stage.server.apply(DEPLOYMENT, {"spec": {"replicas": 9}}, manager="argocd", force=False)


@pytest.mark.parametrize("writes", range(4))
def test_nothing_of_ours_is_left_where_a_takeover_was_killed(writes: int) -> None:
    """The workload keeps its number, so giving it back takes it out of nobody's name."""
    stage = workload(replicas=8)
    stage.arrive("1", replicas=2)
    stage.reconcile(persist=False)
    body = autoscaler(lowest=1, highest=20)
    stage.server.create(AUTOSCALER, body, manager="kubectl-create")
    stage.loop(fenced=True, stop_after=writes)
    step = stage.reconcile(persist=False)
    assert not found(step)
    assert not traces_of_ours(stage.get(DEPLOYMENT)), "it is the autoscaler's again"
    stage.release_all()
    assert not stage.traces()
    assert stage.bounds == (1, 20)


def test_a_hold_document_is_deleted_and_the_teams_keys_are_untouched() -> None:
    stage = campaign({"template": "spring", "state": "active"})
    stage.arrive("1", **{"hold.json": SendingLimit(share=0.0)})
    stage.reconcile()
    assert set(stage.data) == {"template", "state", "hold.json"}
    stage.release_all()
    assert stage.data == {"template": "spring", "state": "active"}
    assert not stage.traces()


def test_a_config_map_that_does_not_exist_is_created_and_then_held() -> None:
    stage = campaign(None)
    stage.arrive("1", **{"hold.json": SendingLimit(pool="quarantine")})
    stage.reconcile()
    found = [(write.create, str(write.purpose)) for write in stage.writes]
    assert found == [(True, "Create"), (False, "Hold")]
    assert stage.ledger(CAMPAIGN) is not None
    stage.release_all()
    assert stage.data == {}
    assert not stage.traces()


def test_what_was_created_still_tells_whose_its_values_are_after_a_give_back() -> None:
    """Once managedFields are empty the API server keeps none: what admission altered, or a ledger
    that was lost before its copy was made, would count as somebody else's value.
    """
    stage = campaign(None)
    stage.arrive("1", **{"hold.json": SendingLimit(share=0.0)})
    stage.release_all()
    stage.arrive("2", **{"hold.json": SendingLimit(share=0.5)})
    stage.reconcile()
    live = stage.get(CAMPAIGN)
    assert ownership.is_ours(live, ("data", "hold.json"))
    altered = stage.data["hold.json"].replace("0.5", "0.9")
    stage.server.objects[CAMPAIGN].body["data"]["hold.json"] = altered
    stage.reconcile()
    assert '"share": 0.5' in stage.data["hold.json"]
    stage.release_all()
    assert stage.data == {}
    assert not stage.traces()


def test_a_reroute_is_given_back() -> None:
    stage = campaign({"template": "spring"})
    stage.arrive("1", **{"hold.json": SendingLimit(pool="quarantine")})
    stage.arrive("2", **{"hold.json": SendingLimit(share=0.5)})
    stage.reconcile()
    stage.let_go("1")
    stage.reconcile()
    assert '"pool": null' in stage.data["hold.json"]
    assert '"share": 0.5' in stage.data["hold.json"]
    stage.release_all()
    assert stage.data == {"template": "spring"}

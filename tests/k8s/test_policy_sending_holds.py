"""`sending-holds` is the responder's own, and yet it may put nothing into it but hold documents."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.controlplane.admin_client import RequestFailedError
from tests.k8s.account import CONFIG_MAPS, GIVE_BACK, LEDGER, Account, documents
from tests.k8s.objects import config_map

pytestmark = pytest.mark.real_control_plane("admission policies")

NAME = "sending-holds"
PAUSED = '{"share":0.0}'
KEY = "neither a hold document nor opted in"
JSON = "application/json"


@pytest.fixture(autouse=True)
def absent(mighty: Account) -> Iterator[None]:
    """Each test begins without the ConfigMap."""
    yield
    try:
        mighty.kube.delete(*CONFIG_MAPS, NAME)
    except RequestFailedError as error:
        assert error.status == 404  # noqa: PT017 -- anything else is a failure of the test itself


def create(account: Account, manifest: dict[str, Any]) -> str:
    return account.write("POST", CONFIG_MAPS, body=manifest, content_type=JSON)


def test_it_is_created_filled_and_emptied(mighty: Account) -> None:
    labels = {"app.kubernetes.io/managed-by": "campaign-responder"}
    first = config_map(NAME, {"pool.a.json": PAUSED}, labels=labels, annotations={LEDGER: "{}"})
    assert create(mighty, first) == ""
    more = documents(segment_17_json=PAUSED, provider_gmail_json=PAUSED, campaign_x_json=PAUSED)
    assert mighty.patch(CONFIG_MAPS, NAME, more) == ""
    keys = mighty.kube.get(*CONFIG_MAPS, NAME)["data"]
    gone = {"metadata": {"annotations": {LEDGER: None}}, "data": dict.fromkeys(keys)}
    assert mighty.patch(CONFIG_MAPS, NAME, gone, manager=GIVE_BACK) == ""
    assert mighty.tidy(CONFIG_MAPS, NAME) == ""
    assert not mighty.kube.get(*CONFIG_MAPS, NAME).get("data")


@pytest.mark.parametrize(
    "key",
    [
        "hold.json",
        "pool.json",
        "pool..yaml",
        "pools.a.json",
        "x.pool.a.json",
        "settings",
        "POOL.a.json",
    ],
)
def test_it_takes_no_other_key(mighty: Account, key: str) -> None:
    assert KEY in create(mighty, config_map(NAME, {key: PAUSED}))
    assert create(mighty, config_map(NAME, {"pool.a.json": PAUSED})) == ""
    assert KEY in mighty.patch(CONFIG_MAPS, NAME, {"data": {key: PAUSED}})


@pytest.mark.parametrize(
    ("marks", "reason"),
    [
        pytest.param({"labels": {"grafana_dashboard": "1"}}, "no label", id="label-of-others"),
        pytest.param({"annotations": {"x": "y"}}, "no annotation", id="annotation-of-others"),
    ],
)
def test_it_is_created_without_marks_that_mean_something_to_others(
    mighty: Account, marks: dict[str, Any], reason: str
) -> None:
    assert reason in create(mighty, config_map(NAME, {"pool.a.json": PAUSED}, **marks))


def test_it_is_created_without_owners_and_finalizers(mighty: Account) -> None:
    manifest = config_map(NAME)
    manifest["metadata"]["finalizers"] = ["example.org/x"]
    assert "finalizer" in create(mighty, manifest)


def test_keys_that_a_team_put_there_stay_the_teams(mighty: Account) -> None:
    mighty.kube.create(*CONFIG_MAPS, config_map(NAME, {"notes": "ours"}))
    assert mighty.patch(CONFIG_MAPS, NAME, documents(pool_a_json=PAUSED)) == ""
    assert KEY in mighty.patch(CONFIG_MAPS, NAME, {"data": {"notes": None}})


def test_it_is_never_deleted(mighty: Account) -> None:
    """Pods may mount it; empty it holds nothing."""
    assert create(mighty, config_map(NAME)) == ""
    assert "deletes none" in mighty.write("DELETE", CONFIG_MAPS, NAME)

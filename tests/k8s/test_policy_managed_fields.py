"""A patch of managedFields alone may remove our traces, and nothing else can be done with it.

The account of these tests has every right, so that only the policy can refuse.
"""

from typing import Any

import pytest

from responder.holds.ownership import begun
from tests.k8s.account import (
    ALLOWED,
    DEPLOYMENTS,
    GIVE_BACK,
    MANAGER,
    Account,
    ledger,
    managed,
)
from tests.k8s.kinds import KINDS, made, ours

pytestmark = pytest.mark.real_control_plane("admission policies")

NOT_LABELLED = "only what is labelled campaign-responder.dev/hold: allowed may be held"


def claim(field: str) -> dict[str, Any]:
    """A managedFields entry that says that we hold the field."""
    return {
        "manager": MANAGER,
        "operation": "Update",
        "apiVersion": "apps/v1",
        "time": "2026-11-24T18:00:00Z",
        "fieldsType": "FieldsV1",
        "fieldsV1": {"f:spec": {f"f:{field}": {}}},
    }


def test_a_patch_of_managed_fields_cannot_claim_what_is_not_ours(mighty: Account) -> None:
    """Else an object that nobody allowed would count as held."""
    name = made(mighty, "Deployment")
    entries = mighty.kube.get(*DEPLOYMENTS, name)["metadata"]["managedFields"]
    assert NOT_LABELLED in mighty.patch(DEPLOYMENTS, name, managed([*entries, claim("replicas")]))
    assert NOT_LABELLED in mighty.patch(DEPLOYMENTS, name, ledger(replicas=1))


@pytest.mark.parametrize(
    "wider",
    [
        pytest.param({"f:spec": {"f:replicas": {}, "f:paused": {}}}, id="of-spec"),
        pytest.param({"f:metadata": {"f:annotations": {"f:team": {}}}}, id="of-annotations"),
        pytest.param({"f:status": {}}, id="of-status"),
    ],
)
def test_a_patch_of_managed_fields_cannot_widen_an_entry_of_ours(
    mighty: Account, wider: dict[str, Any]
) -> None:
    name = made(mighty, "Deployment", labels=ALLOWED)
    assert mighty.patch(DEPLOYMENTS, name, ledger(replicas=2)) == ""
    assert mighty.patch(DEPLOYMENTS, name, ledger(None, replicas=8), manager=GIVE_BACK) == ""
    mighty.kube.patch(
        *DEPLOYMENTS, name, {"metadata": {"labels": {"campaign-responder.dev/hold": None}}}
    )
    entries = mighty.kube.get(*DEPLOYMENTS, name)["metadata"]["managedFields"]
    widened = [
        {**entry, "fieldsV1": wider} if entry["manager"] == GIVE_BACK else entry
        for entry in entries
    ]
    assert widened != entries
    assert NOT_LABELLED in mighty.patch(DEPLOYMENTS, name, managed(widened))


@pytest.mark.parametrize("kind", KINDS)
def test_a_hold_may_begin_the_managed_fields_of_an_object_that_has_none(
    mighty: Account, kind: str
) -> None:
    resource, mild, _, _ = KINDS[kind]
    name = made(mighty, kind, labels=ALLOWED)
    mighty.kube.patch(*resource, name, managed([{}]))
    hold = ledger(**mild)
    hold["metadata"]["managedFields"] = begun(resource[0])
    assert mighty.patch(resource, name, hold) == ""
    assert ours(mighty, kind, name) == [MANAGER]


@pytest.mark.parametrize("kind", KINDS)
def test_a_patch_of_managed_fields_cannot_take_away_what_others_own(
    mighty: Account, kind: str
) -> None:
    name = made(mighty, kind)
    assert NOT_LABELLED in mighty.patch(KINDS[kind][0], name, managed([{}]))

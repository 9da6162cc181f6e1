"""The admission policy confines the responder on workloads and autoscalers, and nobody else.

The account of these tests has every right, so that only the policy can refuse.
"""

from typing import Any

import pytest

from tests.k8s.account import (
    ALLOWED,
    DEPLOYMENTS,
    GIVE_BACK,
    LEDGER,
    Account,
    ledger,
)
from tests.k8s.kinds import KINDS, Fields, fresh_name, made, ours
from tests.k8s.objects import workload

pytestmark = pytest.mark.real_control_plane("admission policies")

NOT_LABELLED = "only what is labelled campaign-responder.dev/hold: allowed may be held"
TRANSACTIONAL = "transactional mail is never held"
METADATA = "no label, owner, finalizer or other metadata may change"
ANNOTATION = "no annotation but campaign-responder.dev/ledger may change"
ONLY_EXISTING = "creates, deletes and scales no workload"


@pytest.mark.parametrize("kind", KINDS)
def test_a_labelled_object_is_held_tightened_and_given_back_without_a_trace(
    mighty: Account, kind: str
) -> None:
    resource, mild, strict, baseline = KINDS[kind]
    name = made(mighty, kind, labels=ALLOWED)
    assert mighty.patch(resource, name, ledger(**mild)) == ""
    assert mighty.patch(resource, name, ledger('{"epoch":"e1","sequence":2}', **strict)) == ""
    assert mighty.patch(resource, name, ledger(None, **baseline), manager=GIVE_BACK) == ""
    assert ours(mighty, kind, name) != []
    assert mighty.tidy(resource, name) == ""
    assert ours(mighty, kind, name) == []


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "taken_away",
    [
        pytest.param({"labels": {"campaign-responder.dev/hold": None}}, id="label"),
        pytest.param(
            {"labels": {"campaign-responder.dev/hold": None}, "annotations": {LEDGER: None}},
            id="label-and-ledger",
        ),
    ],
)
def test_marks_taken_away_during_a_hold_neither_end_nor_strand_it(
    mighty: Account, kind: str, taken_away: dict[str, Any]
) -> None:
    resource, mild, strict, baseline = KINDS[kind]
    name = made(mighty, kind, labels=ALLOWED)
    assert mighty.patch(resource, name, ledger(**mild)) == ""
    mighty.kube.patch(*resource, name, {"metadata": taken_away})
    assert mighty.patch(resource, name, ledger(**strict)) == ""
    assert mighty.patch(resource, name, ledger(None, **baseline), manager=GIVE_BACK) == ""
    assert mighty.tidy(resource, name) == ""
    assert ours(mighty, kind, name) == []
    assert NOT_LABELLED in mighty.patch(resource, name, ledger(**mild))


@pytest.mark.parametrize("kind", KINDS)
def test_an_edit_together_with_the_label_taken_away_is_no_escape(
    mighty: Account, kind: str
) -> None:
    """The edited fields are the person's now; only the ledger says that the object is held."""
    resource, mild, strict, baseline = KINDS[kind]
    name = made(mighty, kind, labels=ALLOWED)
    assert mighty.patch(resource, name, ledger(**strict)) == ""
    edit = {
        "metadata": {"labels": {"campaign-responder.dev/hold": None}},
        "spec": {field: value - 1 for field, value in baseline.items() if field in strict},
    }
    mighty.kube.patch(*resource, name, edit)
    assert mighty.patch(resource, name, ledger(**mild)) == ""
    assert mighty.patch(resource, name, ledger(None, **baseline), manager=GIVE_BACK) == ""
    assert NOT_LABELLED in mighty.patch(resource, name, ledger(**mild))


@pytest.mark.parametrize("kind", KINDS)
def test_what_becomes_transactional_during_a_hold_can_only_be_given_back(
    mighty: Account, kind: str
) -> None:
    resource, mild, strict, baseline = KINDS[kind]
    name = made(mighty, kind, labels=ALLOWED)
    assert mighty.patch(resource, name, ledger(**mild)) == ""
    mighty.kube.patch(*resource, name, {"metadata": {"labels": {"stream": "transactional"}}})
    assert TRANSACTIONAL in mighty.patch(resource, name, ledger(**strict))
    assert mighty.patch(resource, name, ledger(None, **baseline), manager=GIVE_BACK) == ""
    assert mighty.tidy(resource, name) == ""
    assert TRANSACTIONAL in mighty.patch(resource, name, ledger(**mild))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("marks", "reason"),
    [
        pytest.param({}, NOT_LABELLED, id="no-label"),
        pytest.param(
            {"labels": {"campaign-responder.dev/hold": "denied"}}, NOT_LABELLED, id="other-value"
        ),
        pytest.param({"annotations": ALLOWED}, NOT_LABELLED, id="annotation-is-no-label"),
        pytest.param(
            {"labels": {**ALLOWED, "stream": "transactional"}}, TRANSACTIONAL, id="stream"
        ),
        pytest.param(
            {"labels": {**ALLOWED, "campaign-responder.dev/stream": "transactional"}},
            TRANSACTIONAL,
            id="our-stream",
        ),
    ],
)
def test_an_object_that_is_not_allowed_is_never_held(
    mighty: Account, kind: str, marks: dict[str, Any], reason: str
) -> None:
    resource, mild, _, _ = KINDS[kind]
    name = made(mighty, kind, **marks)
    assert reason in mighty.patch(resource, name, ledger(**mild))
    assert reason in mighty.patch(resource, name, {"spec": mild})
    assert reason in mighty.patch(resource, name, ledger())


@pytest.mark.parametrize("kind", KINDS)
def test_transactional_mail_is_held_where_its_owner_agrees(mighty: Account, kind: str) -> None:
    resource, mild, _, _ = KINDS[kind]
    agreed = {"campaign-responder.dev/hold": "even-transactional", "stream": "transactional"}
    name = made(mighty, kind, labels=agreed)
    assert mighty.patch(resource, name, ledger(**mild)) == ""


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet"])
@pytest.mark.parametrize("place", ["selector", "pod_labels"])
def test_a_workload_of_transactional_pods_is_never_held(
    mighty: Account, kind: str, place: str
) -> None:
    resource, mild, _, _ = KINDS[kind]
    name = made(mighty, kind, labels=ALLOWED, **{place: {"stream": "transactional"}})
    assert TRANSACTIONAL in mighty.patch(resource, name, ledger(**mild))


FORBIDDEN = {
    "a-label": ({"metadata": {"labels": {"team": "x"}}}, METADATA),
    "the-hold-label": (
        {"metadata": {"labels": {"campaign-responder.dev/hold": None}}},
        METADATA,
    ),
    "a-finalizer": ({"metadata": {"finalizers": ["example.org/ours"]}}, METADATA),
    "an-owner": (
        {
            "metadata": {
                "ownerReferences": [
                    {"apiVersion": "v1", "kind": "ConfigMap", "name": "x", "uid": "u"}
                ]
            }
        },
        METADATA,
    ),
    "an-annotation-added": ({"metadata": {"annotations": {"x": "y"}}}, ANNOTATION),
    "an-annotation-changed": ({"metadata": {"annotations": {"team": "z"}}}, ANNOTATION),
    "an-annotation-removed": ({"metadata": {"annotations": {"team": None}}}, ANNOTATION),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("body", "reason"), FORBIDDEN.values(), ids=FORBIDDEN)
def test_metadata_is_not_ours(
    mighty: Account, kind: str, body: dict[str, Any], reason: str
) -> None:
    name = made(mighty, kind, labels=ALLOWED, annotations={"team": "mail"})
    assert reason in mighty.patch(KINDS[kind][0], name, body)


SPEC_FIELDS: dict[str, list[Fields]] = {
    "Deployment": [
        {"paused": True},
        {"minReadySeconds": 3},
        {"minReadySeconds": None},
        {"template": {"spec": {"priorityClassName": "x"}}},
        {"template": {"metadata": {"annotations": {"x": "y"}}}},
    ],
    "StatefulSet": [
        {"minReadySeconds": 3},
        {"template": {"spec": {"containers": [{"name": "main", "image": "other.invalid/x"}]}}},
    ],
    "HorizontalPodAutoscaler": [
        {"behavior": {"scaleDown": {"stabilizationWindowSeconds": 1}}},
        {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "other"}},
        {"metrics": None},
    ],
}


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        pytest.param(kind, fields, id=f"{kind}-{next(iter(fields))}")
        for kind, several in SPEC_FIELDS.items()
        for fields in several
    ],
)
def test_no_other_field_of_spec_may_change_even_beside_ours(
    mighty: Account, kind: str, fields: dict[str, Any]
) -> None:
    resource, mild, _, _ = KINDS[kind]
    name = made(mighty, kind, labels=ALLOWED)
    changed = next(iter(fields))
    refusal = mighty.patch(resource, name, ledger(**mild, **fields))
    assert f"may change, not spec.{changed}" in refusal
    assert "403" in refusal


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_created_or_deleted(mighty: Account, kind: str) -> None:
    resource = KINDS[kind][0]
    name = made(mighty, kind, labels=ALLOWED)
    live = mighty.kube.get(*resource, name)
    another = {**live, "metadata": {"name": f"{name}-2", "labels": ALLOWED}}
    json = "application/json"
    assert ONLY_EXISTING in mighty.write("POST", resource, body=another, content_type=json)
    assert ONLY_EXISTING in mighty.write("DELETE", resource, name)


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet"])
def test_the_scale_subresource_carries_no_ledger_and_is_refused(mighty: Account, kind: str) -> None:
    resource = KINDS[kind][0]
    name = made(mighty, kind, labels=ALLOWED)
    refusal = mighty.write("PATCH", resource, name, {"spec": {"replicas": 1}}, subresource="scale")
    assert ONLY_EXISTING in refusal


def test_an_older_version_of_the_api_is_no_way_around(mighty: Account) -> None:
    name = made(mighty, "HorizontalPodAutoscaler", labels=ALLOWED)
    v1 = ("autoscaling/v1", "horizontalpodautoscalers")
    other_target = {"targetCPUUtilizationPercentage": 90}
    assert "may change, not spec.metrics" in mighty.patch(v1, name, {"spec": other_target})
    assert mighty.patch(v1, name, ledger(maxReplicas=4)) == ""


def test_server_side_apply_is_no_way_around(mighty: Account) -> None:
    name = made(mighty, "Deployment", labels=ALLOWED)
    applied = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "labels": {"team": "x"}},
        "spec": {"replicas": 1},
    }
    refusal = mighty.write(
        "PATCH", DEPLOYMENTS, name, applied, content_type="application/apply-patch+yaml"
    )
    assert METADATA in refusal or "conflict" in refusal
    assert mighty.kube.get(*DEPLOYMENTS, name)["spec"]["replicas"] == 8


def test_a_patch_that_changes_nothing_is_harmless(mighty: Account) -> None:
    name = made(mighty, "Deployment")
    assert mighty.patch(DEPLOYMENTS, name, {"spec": {"replicas": 8}}) == ""


def test_nobody_else_is_confined(mighty: Account) -> None:
    name = made(mighty, "Deployment")
    mighty.kube.patch(
        *DEPLOYMENTS, name, {"metadata": {"labels": {"x": "y"}}, "spec": {"replicas": 3}}
    )
    mighty.kube.delete(*DEPLOYMENTS, name)
    for user in ("system:serviceaccount:mail:campaign-responder-2", "campaign-responder"):
        mighty.kube.kubectl(
            "create",
            "deployment",
            "someone-elses",
            "--image=none.invalid/none",
            "--dry-run=server",
            f"--as={user}",
            "--as-group=system:masters",
        )


def test_a_large_workload_stays_within_the_budget_of_the_policy(mighty: Account) -> None:
    """CEL has a budget per request, and failurePolicy Fail would turn it into a strand."""
    name = fresh_name()
    manifest = workload(
        "Deployment", name, labels={**ALLOWED, **{f"l{i}": "x" * 60 for i in range(200)}}
    )
    manifest["metadata"]["annotations"] = {f"example.org/a{i}": "x" * 500 for i in range(400)}
    manifest["spec"]["template"]["spec"]["containers"] = [
        {
            "name": f"c{i}",
            "image": "none.invalid/none",
            "env": [{"name": f"E{n}", "value": "x" * 100} for n in range(50)],
        }
        for i in range(40)
    ]
    mighty.kube.create(*DEPLOYMENTS, manifest)
    assert mighty.patch(DEPLOYMENTS, name, ledger(replicas=2)) == ""
    assert mighty.patch(DEPLOYMENTS, name, ledger(None, replicas=8), manager=GIVE_BACK) == ""
    assert mighty.tidy(DEPLOYMENTS, name) == ""

"""What is kept of an object in memory: all that decides, and nothing of what doesn't."""

import copy
from typing import Any

import pytest

from responder.holds.ledger import Entry, Ledger
from responder.holds.objects import KEYS_ANNOTATION, LEDGER_ANNOTATION, SENDING_HOLDS
from responder.reconcile.slimming import (
    DROPPED,
    slim_autoscaler,
    slim_config_map,
    slim_deployment,
)
from tests.reconcile.objects import autoscaler, config_map, deployment

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
LEDGER = Ledger("uid-1", 1, {"state": Entry("active", "paused", "x-1", "uid-1")}).to_text()


def annotated(live: dict[str, Any], **annotations: str) -> dict[str, Any]:
    made = copy.deepcopy(live)
    made["metadata"]["annotations"] = annotations
    return made


def test_of_a_deployment_its_metadata_and_replicas_and_the_pods_that_are_counted() -> None:
    live = deployment()
    spec = {"containers": [{"env": ["x" * 1000]}], "terminationGracePeriodSeconds": 30}
    live["spec"]["template"] = {"spec": spec}
    counted = {"observedGeneration": 3, "replicas": 8, "terminatingReplicas": 0}
    live["status"] = {**counted, "readyReplicas": 8, "conditions": [{"type": "Available"}]}
    assert slim_deployment(live) == {**deployment(), "status": counted}


def test_of_pods_how_long_they_may_take_to_end_where_that_is_not_the_usual_time() -> None:
    live = deployment()
    live["spec"]["template"] = {"spec": {"terminationGracePeriodSeconds": 90, "volumes": ["x"]}}
    kept = {"spec": {"terminationGracePeriodSeconds": 90}}
    assert slim_deployment(live)["spec"]["template"] == kept


def test_of_pods_the_label_that_makes_them_untouchable() -> None:
    live = deployment()
    labels = {"app": "sender", "stream": "transactional", "campaign-responder.dev/stream": "bulk"}
    live["spec"]["template"] = {"metadata": {"labels": labels}, "spec": {"containers": []}}
    kept = {key: value for key, value in labels.items() if key != "app"}
    assert slim_deployment(live)["spec"]["template"] == {"metadata": {"labels": kept}}


def test_a_deployment_without_replicas_has_none() -> None:
    assert slim_deployment({"metadata": {"name": "x"}}) == {
        "metadata": {"name": "x"},
        "spec": {"replicas": None},
    }


def test_of_an_autoscaler_its_bounds_and_target_and_whether_it_is_disabled() -> None:
    live = autoscaler()
    live["spec"] |= {"metrics": ["x"], "behavior": {}}
    live["status"] = {"currentReplicas": 8, "conditions": [{"type": "AbleToScale"}]}
    assert slim_autoscaler(live) == autoscaler()
    told = {"type": "ScalingActive", "reason": "ScalingDisabled", "lastTransitionTime": "x"}
    live["status"]["conditions"].append({**told, "status": "False", "message": "x" * 100})
    assert slim_autoscaler(live) == {**autoscaler(), "status": {"conditions": [told]}}


def test_what_kubectl_remembers_for_itself_is_not_kept_and_the_original_stays_whole() -> None:
    live = annotated(deployment(), **{LAST_APPLIED: "{...}", "team": "mail"})
    before = copy.deepcopy(live)
    assert slim_deployment(live)["metadata"]["annotations"] == {"team": "mail"}
    assert live == before


@pytest.mark.parametrize(
    ("live", "kept"),
    [
        pytest.param(
            config_map(data={"hold.json": "{}", "template": "x" * 1000}),
            {"hold.json"},
            id="the hold document",
        ),
        pytest.param(config_map(data={"template": "x"}), set(), id="another program's"),
        pytest.param(
            annotated(
                config_map(data={"state": "active", "rate": "1", "template": "x"}),
                **{KEYS_ANNOTATION: "state, rate"},
            ),
            {"state", "rate"},
            id="keys that are offered",
        ),
        pytest.param(
            annotated(
                config_map(data={"state": "paused", "template": "x"}),
                **{LEDGER_ANNOTATION: LEDGER},
            ),
            {"state"},
            id="a key that is held although it is offered no more",
        ),
        pytest.param(
            annotated(config_map(data={"template": "x"}), **{LEDGER_ANNOTATION: "junk"}),
            set(),
            id="a junk ledger",
        ),
        pytest.param(
            config_map(SENDING_HOLDS, data={"pool.bulk.json": "{}", "x": "y"}),
            {"pool.bulk.json", "x"},
            id="our own: all of it",
        ),
    ],
)
def test_of_a_config_map_the_keys_that_we_may_hold(live: dict[str, Any], kept: set[str]) -> None:
    slim = slim_config_map(live)
    assert slim.get("data", {}) == {key: live["data"][key] for key in kept}
    assert slim.get(DROPPED, frozenset()) == live["data"].keys() - kept
    assert slim["metadata"] == live["metadata"]


def test_that_a_config_map_is_immutable_is_kept() -> None:
    assert slim_config_map({**config_map(), "immutable": True})["immutable"] is True
    assert "immutable" not in slim_config_map(config_map())


@pytest.mark.parametrize("slim", [slim_deployment, slim_autoscaler, slim_config_map])
def test_an_object_without_anything_is_slimmed_too(slim: Any) -> None:  # noqa: ANN401 -- any of them
    slim({"metadata": {"name": "x"}, "spec": None, "data": None})

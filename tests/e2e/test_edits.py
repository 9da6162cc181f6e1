"""What others write during a hold is answered at once, and given back as they wrote it."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from responder.sandbox.audit.versions import DEPLOYMENT
from tests.controlplane.eventually import eventually_blocking
from tests.e2e.cluster import AUTOSCALERS, CONFIG_MAPS, DEPLOYMENTS
from tests.e2e.scene import REPLICAS, Json, Scene


def scale_up(scene: Scene) -> int:
    scene.kube.kubectl("scale", f"deployment/{scene.name}", "--replicas=7")
    return 7


def scale_down(scene: Scene) -> int:
    scene.kube.kubectl("scale", f"deployment/{scene.name}", "--replicas=1")
    return 1


def scale_up_and_down(scene: Scene) -> int:
    scale_up(scene)
    return scale_down(scene)


@pytest.mark.parametrize("edit", [scale_up, scale_down, scale_up_and_down])
def test_a_person_who_scales_during_a_hold_finds_their_number_afterwards(
    edit: Callable[[Scene], int], scene: Scene
) -> None:
    scene.deploy()
    incident = scene.open("stricter")
    scene.wait_held(incident)

    number = edit(scene)

    scene.wait_replicas(min(number, 2))
    scene.give_back(incident)
    assert scene.replicas == number
    assert scene.traces() == []


def test_a_person_who_scales_beside_an_autoscaler_is_answered_by_it(scene: Scene) -> None:
    scene.deploy()
    scene.autoscale()
    incident = scene.open("stricter")
    scene.wait_held(incident)
    scene.wait_replicas(2)
    scale_up(scene)
    scene.wait_replicas(2)
    scene.give_back(incident)
    assert scene.bounds == (3, 9)
    assert scene.replicas == REPLICAS


def test_bounds_that_a_person_sets_during_a_hold_are_given_back(scene: Scene) -> None:
    scene.deploy()
    scene.autoscale()
    incident = scene.open("stricter")
    scene.wait_held(incident)
    scene.kube.patch(*AUTOSCALERS, scene.name, {"spec": {"minReplicas": 1, "maxReplicas": 12}})
    scene.wait_bounds(1, 2)
    scene.give_back(incident)
    assert scene.bounds == (1, 12)
    assert scene.traces() == []


def test_other_keys_and_labels_that_change_during_a_hold_stay_changed(scene: Scene) -> None:
    scene.deploy()
    scene.campaign()
    incidents = [scene.open("pause"), scene.open("stricter")]
    for incident in incidents:
        scene.wait_held(incident)
    edited = {"metadata": {"labels": {"team": "mail"}}, "data": {"subject": "Summer sale"}}
    scene.kube.patch(*CONFIG_MAPS, scene.name, edited)
    scene.kube.kubectl("set", "image", f"deployment/{scene.name}", "sender=none.invalid/sender:2")
    scene.give_back(*incidents)
    live = scene.cluster.config_map(scene.name)
    assert live["data"] == {"subject": "Summer sale", "messages-per-minute": "3000"}
    assert live["metadata"]["labels"]["team"] == "mail"
    pods = scene.cluster.deployment(scene.name)["spec"]["template"]["spec"]
    assert pods["containers"][0]["image"] == "none.invalid/sender:2"
    assert scene.replicas == REPLICAS


OWNER = {"server_side": "true", "field_manager": "owner"}


def apply(scene: Scene, manifests: Sequence[Json]) -> None:
    scene.kube.apply(*manifests)


def replace(scene: Scene, manifests: Sequence[Json]) -> None:
    text = "\n---\n".join(json.dumps(manifest) for manifest in manifests)
    scene.kube.kubectl("replace", "-f", "-", stdin=text)


def force_apply(scene: Scene, manifests: Sequence[Json]) -> None:
    scene.kube.apply(*manifests, force_conflicts="true", **OWNER)


@pytest.mark.parametrize(
    ("first", "again"),
    [
        pytest.param({}, apply, id="kubectl apply"),
        pytest.param({}, replace, id="kubectl replace"),
        pytest.param(OWNER, replace, id="kubectl replace of what was applied by the server"),
        pytest.param(OWNER, force_apply, id="forced server-side apply"),
    ],
)
def test_the_original_manifests_written_again_during_a_hold_are_answered_and_given_back(
    first: dict[str, str], again: Callable[[Scene, Sequence[Json]], None], scene: Scene
) -> None:
    manifests = (
        scene.deployment_manifest(),
        scene.autoscaler_manifest(),
        scene.campaign_manifest(),
    )
    scene.kube.apply(*manifests, **first)
    incidents = [scene.open("pause"), scene.open("zero")]
    for incident in incidents:
        scene.wait_held(incident)
    seen = len(scene.auditor.versions(DEPLOYMENT, scene.name))

    with scene.auditor.hands_of_others():
        again(scene, manifests)

    eventually_blocking(lambda: is_held(scene), what="everything is held again")
    restored = [v.fields["replicas"] for v in scene.auditor.versions(DEPLOYMENT, scene.name)[seen:]]
    assert REPLICAS in restored, "the manifest was written over the hold"
    scene.give_back(*incidents)
    assert_as_in(scene, manifests)
    assert scene.traces() == []
    # Its owner's next server-side apply, without force, has nothing to conflict with.
    scene.kube.apply(*manifests, **(first or {"server_side": "true", "dry_run": "server"}))


def is_held(scene: Scene) -> bool:
    document = scene.cluster.hold(scene.name)
    return (
        scene.replicas == 0
        and scene.bounds == (1, 1)
        and document is not None
        and document["share"] == 0.0
        and all(map(scene.is_marked, (DEPLOYMENTS, AUTOSCALERS, CONFIG_MAPS)))
    )


def assert_as_in(scene: Scene, manifests: Sequence[Json]) -> None:
    deployment, autoscaler, campaign = manifests
    assert scene.replicas == deployment["spec"]["replicas"]
    spec = autoscaler["spec"]
    assert scene.bounds == (spec["minReplicas"], spec["maxReplicas"])
    live: dict[str, Any] = scene.cluster.config_map(scene.name)
    assert live["data"] == campaign["data"]
    assert live["metadata"]["labels"] == campaign["metadata"]["labels"]


def test_an_owner_who_applies_the_held_number_itself_has_no_conflict_afterwards(
    scene: Scene,
) -> None:
    """A pipeline that copies what it finds in the cluster."""
    manifest = scene.deployment_manifest()
    scene.kube.apply(manifest, **OWNER)
    incident = scene.open("stricter")
    scene.wait_held(incident)
    copied = {**manifest, "spec": {**manifest["spec"], "replicas": 2}}
    scene.kube.apply(copied, **OWNER)
    scene.give_back(incident)
    assert scene.replicas == REPLICAS
    assert scene.traces() == []
    assert scene.values(DEPLOYMENT, "replicas") == [REPLICAS, 2, REPLICAS]

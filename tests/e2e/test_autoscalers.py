"""Holds beside the real autoscaler: it never undoes one, and gets its bounds and its pods back."""

import pytest

from responder.sandbox.audit.versions import AUTOSCALER, DEPLOYMENT
from tests.controlplane.eventually import eventually_blocking
from tests.controlplane.external_metrics import ExternalMetrics
from tests.e2e.cluster import AUTOSCALERS, DEPLOYMENTS
from tests.e2e.scene import ALLOWED, REPLICAS, Scene


@pytest.fixture
def hungry(scene: Scene, external_metrics: ExternalMetrics) -> Scene:
    """A sender whose queue is so long that its autoscaler wants 9 pods at every moment."""
    external_metrics.set(scene.name, 90, namespace=scene.kube.namespace)
    scene.deploy()
    scene.autoscale(metric=scene.name)
    scene.wait_replicas(9)
    return scene


def test_a_long_queue_does_not_undo_a_zero(hungry: Scene) -> None:
    incident = hungry.open("zero")
    hungry.wait_held(incident)
    assert hungry.bounds == (1, 1)
    hungry.wait_synced(disabled=True)
    hungry.wait_replicas(0)
    assert_stays_at_zero(hungry)

    hungry.give_back(incident)

    assert hungry.bounds == (3, 9)
    assert hungry.replicas == 9
    assert hungry.traces() == []


def assert_stays_at_zero(scene: Scene) -> None:
    """Through two more of its syncs, which a touch of its spec makes visible."""
    for moment in (1, 2):
        behavior = {"scaleDown": {"stabilizationWindowSeconds": moment}}
        scene.kube.patch(*AUTOSCALERS, scene.name, {"spec": {"behavior": behavior}})
        scene.wait_synced(disabled=True)
        assert scene.replicas == 0
    reached = scene.values(DEPLOYMENT, "replicas")
    last = len(reached) - 1 - reached[::-1].index(0)
    assert reached[last:] == [0]


def test_a_long_queue_does_not_undo_a_hold_above_zero(hungry: Scene) -> None:
    incident = hungry.open("stricter")
    hungry.wait_held(incident)
    hungry.wait_replicas(2)
    hungry.wait_synced()
    assert hungry.bounds == (2, 2)
    assert hungry.replicas == 2

    hungry.give_back(incident)

    assert hungry.bounds == (3, 9)
    hungry.wait_replicas(9)


def test_zero_is_held_on_both_and_given_back_to_where_it_was(scene: Scene) -> None:
    scene.deploy()
    scene.autoscale()
    incident = scene.open("zero")
    scene.wait_held(incident)
    scene.wait_replicas(0)
    assert scene.bounds == (1, 1)
    scene.wait_synced(disabled=True)
    scene.give_back(incident)
    assert scene.bounds == (3, 9)
    assert scene.replicas == REPLICAS
    assert scene.traces() == []


def test_from_zero_to_a_milder_hold_the_autoscaler_goes_on_within_its_bound(scene: Scene) -> None:
    scene.deploy()
    scene.autoscale()
    milder, zero = scene.open("milder"), scene.open("zero")
    for incident in (milder, zero):
        scene.wait_held(incident)
    scene.wait_replicas(0)
    scene.give_back(zero)
    assert scene.bounds == (3, 4)
    scene.wait_replicas(4)
    scene.give_back(milder)
    assert scene.bounds == (3, 9)
    assert scene.replicas == REPLICAS


def test_an_autoscaler_created_during_a_hold_is_bounded_before_the_deployment_is_let_go(
    scene: Scene,
) -> None:
    scene.deploy()
    incident = scene.open("stricter")
    scene.wait_held(incident)

    scene.autoscale()

    scene.wait_bounds(2, 2)
    scene.wait_marked(DEPLOYMENTS, marked=False)
    assert scene.replicas == 2
    scene.give_back(incident)
    assert scene.bounds == (3, 9)
    assert scene.replicas == REPLICAS
    assert set(scene.values(DEPLOYMENT, "replicas")) == {REPLICAS, 2}
    assert scene.traces() == []


def test_an_autoscaler_deleted_during_a_hold_leaves_the_hold_on_the_deployment(
    scene: Scene,
) -> None:
    scene.deploy()
    scene.autoscale()
    incident = scene.open("stricter")
    scene.wait_held(incident)
    scene.wait_replicas(2)

    scene.kube.delete(*AUTOSCALERS, scene.name)

    scene.wait_marked(DEPLOYMENTS)
    assert scene.replicas == 2
    scene.give_back(incident)
    assert scene.replicas == REPLICAS
    assert scene.traces() == []


def test_an_autoscaler_edited_during_a_hold_gets_the_edit_back(scene: Scene) -> None:
    scene.deploy()
    scene.autoscale()
    incident = scene.open("stricter")
    scene.wait_held(incident)
    # Its owner raises the maximum by way of the manifest, minimum and all.
    edited = scene.autoscaler_manifest(highest=15)
    scene.kube.patch(*AUTOSCALERS, scene.name, {"spec": edited["spec"]})
    scene.wait_bounds(2, 2)
    scene.give_back(incident)
    assert scene.bounds == (3, 15)
    assert scene.values(AUTOSCALER, "maxReplicas") == [9, 2, 15, 2, 15]


def test_an_autoscaler_that_may_not_be_held_is_answered_and_named(scene: Scene) -> None:
    scene.deploy()
    manifest = scene.autoscaler_manifest()
    del manifest["metadata"]["labels"]
    scene.kube.create(*AUTOSCALERS, manifest)
    incident = scene.open("stricter")
    # It brings the replicas to its minimum of 3, and is answered; neither is a new baseline.
    eventually_blocking(
        lambda: scene.values(DEPLOYMENT, "replicas")[:4] == [REPLICAS, 2, 3, 2],
        what="raised by the autoscaler, and answered",
    )
    applied = scene.condition(incident, "Applied")
    assert (applied["status"], applied["reason"]) == ("False", "NotAllowed")
    told = applied["message"]
    assert f"HorizontalPodAutoscaler/{scene.name} may raise the replicas again" in told
    assert "campaign-responder.dev/hold=allowed" in told

    scene.kube.patch(*AUTOSCALERS, scene.name, {"metadata": {"labels": ALLOWED}})
    scene.wait_held(incident)
    assert scene.bounds == (2, 2)
    scene.give_back(incident)

    assert scene.bounds == (3, 9)
    assert scene.replicas == REPLICAS
    assert scene.traces() == []

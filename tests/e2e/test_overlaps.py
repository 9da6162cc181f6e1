"""One, two incidents on one sender: the strictest holds, and all of it comes back."""

import pytest

from responder.sandbox.audit.versions import AUTOSCALER, DEPLOYMENT
from tests.e2e.scene import LIMITS, REPLICAS, Scene

ORDERS = [("milder", "stricter"), ("stricter", "milder")]


@pytest.mark.parametrize("released", ORDERS, ids=["milder first out", "stricter first out"])
@pytest.mark.parametrize("opened", ORDERS, ids=["milder first in", "stricter first in"])
def test_on_a_deployment_the_strictest_open_hold_stands(
    opened: tuple[str, str], released: tuple[str, str], scene: Scene
) -> None:
    scene.deploy()

    incidents = {}
    for playbook in opened:
        incidents[playbook] = scene.open(playbook)
        scene.wait_held(incidents[playbook])
        assert scene.replicas == min(LIMITS[each] for each in incidents)
    scene.give_back(incidents[released[0]])
    assert scene.replicas == LIMITS[released[1]]
    scene.give_back(incidents[released[1]])

    assert scene.replicas == REPLICAS
    assert scene.traces() == []
    steps = [LIMITS[opened[0]], 2, LIMITS[released[1]]]
    assert scene.values(DEPLOYMENT, "replicas") == without_repetitions([REPLICAS, *steps, REPLICAS])


@pytest.mark.parametrize("released", ORDERS, ids=["milder first out", "stricter first out"])
@pytest.mark.parametrize("opened", ORDERS, ids=["milder first in", "stricter first in"])
def test_on_an_autoscaled_deployment_the_strictest_open_hold_stands(
    opened: tuple[str, str], released: tuple[str, str], scene: Scene
) -> None:
    scene.deploy()
    scene.autoscale()

    incidents = {}
    for playbook in opened:
        incidents[playbook] = scene.open(playbook)
        scene.wait_held(incidents[playbook])
        limit = min(LIMITS[each] for each in incidents)
        assert scene.bounds == (min(3, limit), limit)
        scene.wait_replicas(limit)
    scene.give_back(incidents[released[0]])
    assert scene.bounds[1] == LIMITS[released[1]]
    scene.give_back(incidents[released[1]])

    assert scene.bounds == (3, 9)
    assert scene.replicas == REPLICAS
    assert scene.traces() == []
    steps = [LIMITS[opened[0]], 2, LIMITS[released[1]]]
    assert scene.values(AUTOSCALER, "maxReplicas") == without_repetitions([9, *steps, 9])


def without_repetitions(values: list[int]) -> list[int]:
    return [value for at, value in enumerate(values) if at == 0 or value != values[at - 1]]


def test_a_pause_and_a_throttle_of_one_campaign_are_one_document(scene: Scene) -> None:
    scene.campaign()
    throttled = scene.open("halve")
    scene.wait_held(throttled)
    assert share(scene) == 0.5
    paused = scene.open("pause")
    scene.wait_held(paused)
    assert share(scene) == 0.0
    scene.give_back(paused)
    assert share(scene) == 0.5
    scene.give_back(throttled)
    assert scene.cluster.hold(scene.name) is None
    assert scene.traces() == []


def share(scene: Scene) -> float:
    document = scene.cluster.hold(scene.name)
    assert document is not None
    return float(document["share"])


def test_a_campaign_is_rerouted_to_quarantine_by_hand_and_comes_back(scene: Scene) -> None:
    scene.campaign()
    before = scene.cluster.config_map(scene.name)["data"]
    incident = scene.open("quarantine")
    scene.wait_held(incident)
    document = scene.cluster.hold(scene.name)
    assert document is not None
    assert (document["pool"], document["share"]) == ("quarantine", None)
    assert document["incident"] == incident
    scene.give_back(incident)
    assert scene.cluster.config_map(scene.name)["data"] == before
    assert scene.traces() == []

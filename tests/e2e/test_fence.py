"""What another replica stored is seen before anything is loosened, told by a watch or not."""

import copy
from collections.abc import Iterator
from pathlib import Path

import pytest

from responder.sandbox.audit.versions import AUTOSCALER, DEPLOYMENT
from tests.auditor.auditor import Auditor
from tests.controlplane.eventually import eventually_blocking
from tests.controlplane.kube import Kube
from tests.e2e.api_proxy import ApiProxy, Fault
from tests.e2e.cluster import INCIDENTS, Cluster
from tests.e2e.conftest import StartResponder
from tests.e2e.scene import HOLDS, PLAYBOOK, REPLICAS, Scene


@pytest.fixture
def proxy(kube: Kube) -> Iterator[ApiProxy]:
    between = ApiProxy(kube.control_plane)
    yield between
    between.stop()


@pytest.fixture
def kubeconfig(kubeconfig: Path, proxy: ApiProxy) -> Path:
    """Everything that the responder asks the API server goes by way of the proxy."""
    return proxy.kubeconfig(kubeconfig)


@pytest.fixture
def own_scene(auditor: Auditor, kubeconfig: Path, start_responder: StartResponder) -> Scene:
    playbooks = [PLAYBOOK.format(name=name, hold=hold) for name, hold in HOLDS.items()]
    responder = start_responder(*playbooks)
    return Scene(Cluster(auditor.kube), responder, kubeconfig, auditor, "sender")


def store_as_another_replica(scene: Scene, model: str) -> str:
    """An incident like `model`, with the milder limit; returns its name."""
    spec = copy.deepcopy(scene.kube.get(*INCIDENTS, model)["spec"])
    spec["playbook"] = "milder"
    spec["plan"][0]["limit"] = {"replicas": 4}
    spec["token"] = "of-another-replica"
    name = "milder-0123456789abcdef-1"
    metadata = {"name": name, "finalizers": ["campaign-responder.dev/give-back"]}
    kind = {"apiVersion": INCIDENTS[0], "kind": "Incident"}
    scene.kube.create(*INCIDENTS, {**kind, "metadata": metadata, "spec": spec})
    return name


def test_a_give_back_does_not_pass_an_incident_that_the_watch_has_not_told_of(
    own_scene: Scene, proxy: ApiProxy
) -> None:
    scene = own_scene
    scene.deploy()
    stricter = scene.open("stricter")
    scene.wait_held(stricter)
    proxy.cut()
    proxy.mend()
    silence = proxy.break_at("GET", r"/incidents\?.*watch=1", Fault.HELD_BACK)
    silence.wait()

    milder = store_as_another_replica(scene, stricter)
    scene.give_back(stricter)

    assert scene.replicas == 4
    proxy.mend()
    scene.give_back(milder)
    assert scene.values(DEPLOYMENT, "replicas") == [REPLICAS, 2, 4, REPLICAS]
    assert scene.traces() == []


@pytest.mark.parametrize("autoscaled", [False, True], ids=["replicas", "autoscaler"])
def test_who_holds_for_an_incident_that_another_process_closed_gives_it_back(
    own_scene: Scene, proxy: ApiProxy, *, autoscaled: bool
) -> None:
    """It sees the give-back, answers it, and hears only then that the incident is closed."""
    scene = own_scene
    scene.deploy()
    scene.campaign()
    if autoscaled:
        scene.autoscale()
    for incident in (scene.open("stricter"), scene.open("pause")):
        scene.wait_held(incident)
    proxy.cut()
    proxy.mend()
    silence = proxy.break_at("GET", r"/incidents\?.*watch=1", Fault.HELD_BACK)
    silence.wait()
    kind, field = (AUTOSCALER, "maxReplicas") if autoscaled else (DEPLOYMENT, "replicas")
    before = 9 if autoscaled else REPLICAS

    scene.responder.server.suspend()
    scene.release_all()
    scene.responder.server.resume()
    eventually_blocking(
        lambda: scene.values(kind, field)[:4] == [before, 2, before, 2], what="it is held again"
    )
    proxy.mend()

    eventually_blocking(lambda: scene.traces() == [], what="that is given back, too")
    assert scene.values(kind, field) == [before, 2, before, 2, before]
    assert scene.cluster.hold(scene.name) is None

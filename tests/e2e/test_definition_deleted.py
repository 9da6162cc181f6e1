"""The definition of incidents is deleted under everything: holds stay, and are given back by hand.

On an API server of its own, for the definition is everybody's.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.auditor.auditor import Auditor
from tests.controlplane import run_logs
from tests.controlplane.admin_client import RequestFailedError
from tests.controlplane.eventually import eventually_blocking
from tests.controlplane.kube import Kube
from tests.e2e.cluster import DEPLOYMENTS, INCIDENTS, Cluster
from tests.e2e.process import ResponderProcess
from tests.e2e.scene import HOLDS, PLAYBOOK, REPLICAS, Scene
from tests.k8s.install import install

DEFINITION = (
    "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/incidents.campaign-responder.dev"
)


@pytest.fixture
def own_scene(
    own_auditor: Auditor, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Scene]:
    kube = own_auditor.kube
    playbooks = tmp_path / "playbooks"
    playbooks.mkdir()
    for title, hold in HOLDS.items():
        (playbooks / f"{title}.yaml").write_text(PLAYBOOK.format(name=title, hold=hold))
    kubeconfig = install(kube)
    responder = ResponderProcess.start(
        kube,
        kubeconfig=kubeconfig,
        playbooks=playbooks,
        logs=run_logs.directory(request.config) / "definition-deleted",
    )
    yield Scene(Cluster(kube), responder, kubeconfig, own_auditor, "sender")
    own_auditor.settle(answering=responder.server.running)
    responder.server.terminate()


def is_served(kube: Kube) -> bool:
    try:
        kube.items(*INCIDENTS)
    except RequestFailedError:
        return False
    return True


def test_holds_stay_through_the_end_of_the_definition_and_the_hand_tool_gives_them_back(
    own_scene: Scene,
) -> None:
    scene = own_scene
    kube = scene.kube
    scene.deploy()
    scene.campaign()
    incidents = [scene.open("stricter"), scene.open("pause")]
    for incident in incidents:
        scene.wait_held(incident)

    kube.control_plane.request("DELETE", DEFINITION)
    eventually_blocking(
        lambda: all("deletionTimestamp" in item["metadata"] for item in kube.items(*INCIDENTS)),
        what="the incidents are terminating, by nobody's wish",
    )
    # It is terminating for as long as our finalizers keep it; nothing is let go for that.
    kube.patch(*DEPLOYMENTS, scene.name, {"spec": {"replicas": 7}})
    scene.wait_replicas(2)
    assert scene.cluster.hold(scene.name) is not None

    for incident in incidents:
        kube.patch(*INCIDENTS, incident, {"metadata": {"finalizers": None}})
    eventually_blocking(lambda: not is_served(kube), what="the definition is gone")
    scene.auditor.allow_release_of_ghosts()
    kube.patch(*DEPLOYMENTS, scene.name, {"metadata": {"annotations": {"touched": "yes"}}})
    assert scene.replicas == 2
    assert scene.cluster.hold(scene.name) is not None

    scene.release_all()

    assert scene.replicas == 7 != REPLICAS
    assert scene.cluster.hold(scene.name) is None
    assert scene.traces() == []
    assert scene.responder.server.running

"""Another writer that keeps undoing a hold: answered, stood down from, told, and held again."""

import contextlib
import dataclasses
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from responder.sandbox.audit.versions import AUTOSCALER, CONFIG_MAP, DEPLOYMENT
from tests.controlplane import run_logs
from tests.controlplane.api_server import ApiServer
from tests.controlplane.eventually import eventually_blocking
from tests.e2e.cluster import AUTOSCALERS, CONFIG_MAPS, DEPLOYMENTS
from tests.e2e.process import sample
from tests.e2e.rivals import OURS, Rival, client_side, read, server_side
from tests.e2e.scene import ALLOWED, PREFIX, Json, Scene, Theatre

PAUSES = (0.0, 0.0, 0.1, 0.2)
REST_SECONDS = 1.0
CALM_SECONDS = 3.0
ENVIRONMENT = {
    "RESPONDER_CONTEST_PAUSES_SECONDS": ",".join(map(str, PAUSES)),
    "RESPONDER_CONTEST_REST_SECONDS": str(REST_SECONDS),
    "RESPONDER_CONTEST_CALM_SECONDS": str(CALM_SECONDS),
}
ADVICE = {
    "argocd-controller": (
        "managedFieldsManagers: [campaign-responder]",
        "RespectIgnoreDifferences",
    ),
    "kustomize-controller": ("kustomize.toolkit.fluxcd.io/ssa: Ignore", "IfNotPresent", "Merge"),
    "kubectl-client-side-apply": ("Stop it while the hold stands",),
}


@pytest.fixture(scope="module")
def _impatient() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        yield


@pytest.fixture(scope="module")
def impatient_theatre(
    _impatient: None,
    server: ApiServer,
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> Iterator[Theatre]:
    folder, logs = tmp_path_factory.mktemp("contests"), run_logs.directory(request.config)
    with contextlib.ExitStack() as ends:
        yield Theatre(server, folder=folder, logs=logs, ends=ends)


@pytest.fixture
def quick(impatient_theatre: Theatre) -> Iterator[Scene]:
    """A sender in front of a responder that stands down within a second."""
    with impatient_theatre.scene() as one:
        yield one


@dataclasses.dataclass(frozen=True, slots=True)
class Prize:
    """What is fought for: an object, and what the hold makes of its fields."""

    kind: str
    resource: tuple[str, str]
    playbook: str
    manifest: Callable[[Scene], Json]
    held: dict[tuple[str, ...], Any]
    beside: Callable[[Scene], None] = lambda _scene: None

    def values(self, scene: Scene) -> dict[tuple[str, ...], Any]:
        live = scene.kube.get(*self.resource, scene.name)
        return {path: read(live, path) for path in self.held}

    def originals(self, scene: Scene) -> dict[tuple[str, ...], Any]:
        return {path: read(self.manifest(scene), path) for path in self.held}


def campaign(scene: Scene) -> Json:
    manifest = scene.campaign_manifest(labels=ALLOWED)
    manifest["metadata"]["annotations"] = {PREFIX + "keys": "state"}
    manifest["data"]["state"] = "active"
    return manifest


PRIZES = {
    "replicas": Prize(
        DEPLOYMENT,
        DEPLOYMENTS,
        "stricter",
        lambda scene: scene.deployment_manifest(),
        {("spec", "replicas"): 2},
    ),
    "bounds": Prize(
        AUTOSCALER,
        AUTOSCALERS,
        "stricter",
        lambda scene: scene.autoscaler_manifest(),
        {("spec", "maxReplicas"): 2, ("spec", "minReplicas"): 2},
        beside=lambda scene: scene.deploy(),
    ),
    "a plain key": Prize(
        CONFIG_MAP, CONFIG_MAPS, "set-state", campaign, {("data", "state"): "paused"}
    ),
}
Begin = Callable[[Scene, Prize], Rival]


def argo(scene: Scene, prize: Prize) -> Rival:
    """Self-heal: at once, whenever the live object differs from Git."""
    manifest = prize.manifest(scene)
    return Rival(scene.kube, prize.resource, manifest, "argocd-controller", server_side)


def flux(scene: Scene, prize: Prize) -> Rival:
    """By the clock."""
    manifest = prize.manifest(scene)
    return Rival(
        scene.kube, prize.resource, manifest, "kustomize-controller", server_side, every_seconds=0.3
    )


def kubectl(scene: Scene, prize: Prize) -> Rival:
    manifest = prize.manifest(scene)
    return Rival(scene.kube, prize.resource, manifest, "kubectl-client-side-apply", client_side)


def begin(scene: Scene, prize: Prize, rival: Rival) -> str:
    """Returns the name of the incident that holds what the rival made."""
    prize.beside(scene)
    rival.apply()
    incident = scene.open(prize.playbook)
    scene.wait_held(incident)
    assert prize.values(scene) == prize.held
    return incident


def writes(scene: Scene, prize: Prize) -> int:
    """How often we wrote the object."""
    return len(scene.auditor.writes(prize.kind, scene.name))


def wait_contested(scene: Scene, incident: str, *, status: str = "True") -> Json:
    eventually_blocking(
        lambda: scene.condition(incident, "Contested").get("status") == status,
        what=f"Contested is {status}",
    )
    return scene.condition(incident, "Contested")


@pytest.mark.parametrize("prize", [pytest.param(prize, id=name) for name, prize in PRIZES.items()])
@pytest.mark.parametrize("rival_of", [argo, flux, kubectl])
def test_a_writer_that_keeps_undoing_a_hold_is_stood_down_from_until_it_makes_an_exception(
    rival_of: Begin, prize: Prize, quick: Scene
) -> None:
    scene, rival = quick, rival_of(quick, prize)
    incident = begin(scene, prize, rival)
    first = writes(scene, prize)
    began = time.monotonic()
    with rival.at_work():
        told = wait_contested(scene, incident)
        assert rival.manager in told["message"]
        for words in ADVICE[rival.manager]:
            assert words in told["message"]
        assert scene.condition(incident, "Applied")["reason"] == "Contested"
        stood_down = time.monotonic()
        ours = writes(scene, prize)
        assert ours - first <= len(PAUSES) + 1 + (stood_down - began) / REST_SECONDS
        eventually_blocking(
            lambda: writes(scene, prize) >= ours + 3, what="it is tried again, three times"
        )
        tries = writes(scene, prize) - ours
        assert tries <= 1 + (time.monotonic() - stood_down) / REST_SECONDS, "at the other's pace"
        assert scene.condition(incident, "Contested")["status"] == "True"
        assert_told_by_event_and_metric(scene, prize, rival)

        rival.respects, rival.is_ignoring = frozenset({OURS}), rival_of is not argo
        wait_contested(scene, incident, status="False")
        scene.wait_held(incident)
        assert prize.values(scene) == prize.held, "the hold stands"
        scene.give_back(incident)
        assert prize.values(scene) == prize.originals(scene)
        assert scene.traces() == []


def assert_told_by_event_and_metric(scene: Scene, prize: Prize, rival: Rival) -> None:
    labels = (f'kind="{prize.kind}"', 'finding="Contested"')
    eventually_blocking(
        lambda: sample(scene.responder, "responder_standing_findings", *labels) >= 1,
        what="the metric counts it",
    )
    assert sample(scene.responder, "responder_findings_total", *labels) >= 1
    eventually_blocking(
        lambda: any(
            event["type"] == "Warning" and rival.manager in event["note"]
            for event in scene.kube.items("events.k8s.io/v1", "events")
            if event["reason"] == "Contested" and event["regarding"]["name"] == scene.name
        ),
        what="an Event at the object tells of it",
    )


def test_an_incident_is_given_back_in_the_midst_of_a_contest(quick: Scene) -> None:
    prize = PRIZES["replicas"]
    rival = argo(quick, prize)
    incident = begin(quick, prize, rival)
    with rival.at_work():
        wait_contested(quick, incident)
        quick.give_back(incident)
        assert prize.values(quick) == prize.originals(quick)
        assert quick.traces() == []
    assert quick.condition(incident, "Contested")["status"] == "False"


def test_nothing_else_of_the_object_and_no_other_target_is_affected(quick: Scene) -> None:
    prize = PRIZES["a plain key"]
    rival = argo(quick, prize)
    incident = begin(quick, prize, rival)
    quick.deploy()
    with rival.at_work():
        wait_contested(quick, incident)
        others = [quick.open("pause"), quick.open("stricter")]
        for other in others:
            quick.wait_held(other)
            assert quick.condition(other, "Contested")["status"] == "False"
        assert quick.cluster.hold(quick.name) is not None
        assert quick.replicas == 2
        quick.give_back(*others)
        assert quick.cluster.hold(quick.name) is None
        assert quick.condition(incident, "Contested")["status"] == "True"
        quick.give_back(incident)
    assert quick.traces() == []


def test_a_writer_of_something_stricter_is_no_rival(quick: Scene) -> None:
    prize = PRIZES["replicas"]
    rival = argo(quick, prize)
    incident = begin(quick, prize, rival)
    rival.manifest = {**rival.manifest, "spec": {**rival.manifest["spec"], "replicas": 1}}
    with rival.at_work():
        quick.wait_replicas(1)
        quick.kube.kubectl("scale", f"deployment/{quick.name}", "--replicas=5")
        quick.wait_replicas(1)
        assert quick.condition(incident, "Contested")["status"] == "False"
    quick.give_back(incident)
    assert quick.replicas == 1
    assert quick.traces() == []


def test_it_ends_when_the_other_writes_something_strict_enough(quick: Scene) -> None:
    prize = PRIZES["replicas"]
    rival = argo(quick, prize)
    incident = begin(quick, prize, rival)
    with rival.at_work():
        wait_contested(quick, incident)
        rival.manifest = {**rival.manifest, "spec": {**rival.manifest["spec"], "replicas": 1}}
        wait_contested(quick, incident, status="False")
        quick.wait_held(incident)
        quick.give_back(incident)
    assert quick.replicas == 1
    assert quick.traces() == []


def test_a_person_who_edits_twice_is_answered_each_time_and_is_no_contest(scene: Scene) -> None:
    """Under the patience that users have: each answer comes at once."""
    scene.deploy()
    incident = scene.open("stricter")
    scene.wait_held(incident)
    for number in (5, 7):
        scene.kube.kubectl("scale", f"deployment/{scene.name}", f"--replicas={number}")
        scene.wait_replicas(2)
    assert scene.condition(incident, "Contested")["status"] == "False"
    assert len(scene.auditor.writes(DEPLOYMENT, scene.name)) == 3
    scene.give_back(incident)
    assert scene.replicas == 7
    assert scene.traces() == []

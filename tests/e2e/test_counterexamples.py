"""Each rule of the ledger was paid for by a live counterexample: these are the counterexamples."""

from collections.abc import Callable, Iterator

import pytest

from responder.sandbox.audit.versions import AUTOSCALER, DEPLOYMENT, LEDGER
from tests.controlplane.eventually import eventually_blocking
from tests.e2e.admission import mutated
from tests.e2e.cluster import AUTOSCALERS, CONFIG_MAPS, DEPLOYMENTS, INCIDENTS
from tests.e2e.scene import LIMITS, REPLICAS, Scene

PROBE = {"spec": {"replicas": 1}, "metadata": {"annotations": {LEDGER: "{}"}}}


def roll_out(scene: Scene, version: int) -> None:
    """Returns once the new revision has a ReplicaSet, which keeps the annotations of then."""
    image = f"none.invalid/sender:{version}"
    scene.kube.kubectl("set", "image", f"deployment/{scene.name}", f"sender={image}")

    def has_replica_set() -> bool:
        return any(
            item["spec"]["template"]["spec"]["containers"][0]["image"] == image
            for item in scene.kube.items("apps/v1", "replicasets")
        )

    eventually_blocking(has_replica_set, what="the new revision has a ReplicaSet")


def undo(scene: Scene) -> None:
    """It replaces all annotations by those of the older ReplicaSet, and leaves the replicas."""
    with scene.auditor.hands_of_others():
        scene.kube.kubectl("rollout", "undo", f"deployment/{scene.name}")


def copy_of_ledger(scene: Scene) -> Callable[[], bool]:
    """Tells whether some ReplicaSet keeps the ledger as it is now."""
    text = scene.cluster.deployment(scene.name)["metadata"]["annotations"][LEDGER]
    return lambda: any(
        (item["metadata"].get("annotations") or {}).get(LEDGER) == text
        for item in scene.kube.items("apps/v1", "replicasets")
    )


def told_baseline(scene: Scene) -> int | None:
    found = scene.cluster.ledger(scene.cluster.deployment(scene.name))
    return None if found is None else int(found["fields"]["replicas"]["baseline"])


@pytest.mark.real_control_plane("a Deployment's revisions")
def test_a_rollout_undo_to_before_the_hold_takes_the_ledger_and_nothing_else(
    scene: Scene,
) -> None:
    scene.deploy()
    roll_out(scene, 2)
    incident = scene.open("stricter")
    scene.wait_held(incident)

    undo(scene)

    eventually_blocking(lambda: told_baseline(scene) == REPLICAS, what="the ledger is back")
    assert scene.replicas == 2
    scene.give_back(incident)
    assert scene.values(DEPLOYMENT, "replicas") == [REPLICAS, 2, REPLICAS]
    assert scene.traces() == []
    assert_no_ledger_comes_back(scene)


@pytest.mark.real_control_plane("a Deployment's revisions")
def test_a_rollout_undo_after_an_escalation_brings_back_an_older_ledger(scene: Scene) -> None:
    scene.deploy()
    milder = scene.open("milder")
    scene.wait_held(milder)
    eventually_blocking(copy_of_ledger(scene), what="the revision keeps the ledger of the milder")
    old = scene.cluster.deployment(scene.name)["metadata"]["annotations"][LEDGER]
    roll_out(scene, 2)
    stricter = scene.open("stricter")
    scene.wait_held(stricter)
    eventually_blocking(copy_of_ledger(scene), what="so does the next of the stricter")

    undo(scene)

    texts = [v.annotations.get(LEDGER) for v in scene.auditor.versions(DEPLOYMENT, scene.name)]
    newer = next(at for at, text in enumerate(texts) if text and "stricter-" in text)
    assert old in texts[newer:], "the undo brought it back"
    eventually_blocking(
        lambda: applied(scene) == 2 and told_baseline(scene) == REPLICAS,
        what="the newer copy of the ledger is written again",
    )
    assert scene.replicas == 2
    scene.give_back(stricter)
    assert scene.replicas == 4
    scene.give_back(milder)
    assert scene.values(DEPLOYMENT, "replicas") == [REPLICAS, 4, 2, 4, REPLICAS]
    assert scene.traces() == []
    assert_no_ledger_comes_back(scene)


def applied(scene: Scene) -> int | None:
    found = scene.cluster.ledger(scene.cluster.deployment(scene.name))
    return None if found is None else int(found["fields"]["replicas"]["applied"])


def assert_no_ledger_comes_back(scene: Scene) -> None:
    """An undo after the give-back may bring an annotation of ours back, and must hold nothing."""
    undo(scene)
    incident = scene.open("milder")
    scene.wait_held(incident)
    scene.give_back(incident)
    assert scene.replicas == REPLICAS
    assert scene.traces() == []


@pytest.mark.parametrize("down", [False, True], ids=["while it looks on", "while it is down"])
def test_a_ledger_that_is_removed_is_written_again_from_its_second_copy(
    down: bool,  # noqa: FBT001 -- a parameter
    scene: Scene,
) -> None:
    scene.deploy()
    scene.autoscale()
    scene.campaign()
    incidents = [scene.open("zero"), scene.open("pause")]
    for incident in incidents:
        scene.wait_held(incident)
    if down:
        scene.responder.server.kill()
    resources = (DEPLOYMENTS, AUTOSCALERS, CONFIG_MAPS)
    with scene.auditor.hands_of_others():
        for resource in resources:
            gone = {"metadata": {"annotations": {LEDGER: None}}}
            scene.kube.patch(*resource, scene.name, gone)
    if down:
        scene.responder.again()

    for resource in resources:
        scene.wait_marked(resource)
    assert scene.replicas == 0
    scene.give_back(*incidents)
    assert scene.replicas == REPLICAS
    assert scene.bounds == (3, 9)
    assert scene.cluster.hold(scene.name) is None
    assert scene.traces() == []


@pytest.fixture
def altered(scene: Scene) -> Iterator[Scene]:
    """A cluster whose policy allows nobody less than 5 replicas of this sender."""
    scene.deploy()
    expression = "Object{spec: Object.spec{replicas: 5}}"
    with mutated(
        scene,
        DEPLOYMENTS,
        scene.name,
        condition="object.spec.replicas < 5",
        mutation={
            "patchType": "ApplyConfiguration",
            "applyConfiguration": {"expression": expression},
        },
        probe=PROBE,
        is_in_force=lambda answer: bool(answer["spec"]["replicas"] == 5),
    ):
        yield scene


@pytest.mark.real_control_plane("admission policies")
def test_a_ledger_that_admission_takes_away_is_kept_in_the_status(scene: Scene) -> None:
    scene.deploy()
    mark = LEDGER.replace("/", "~1")
    expression = f"[JSONPatch{{op: 'remove', path: '/metadata/annotations/{mark}'}}]"
    with mutated(
        scene,
        DEPLOYMENTS,
        scene.name,
        condition=f"'{LEDGER}' in object.metadata.?annotations.orValue({{}})",
        mutation={"patchType": "JSONPatch", "jsonPatch": {"expression": expression}},
        probe=PROBE,
        is_in_force=lambda answer: LEDGER not in answer["metadata"].get("annotations", {}),
    ):
        incident = scene.open("stricter")
        eventually_blocking(
            lambda: scene.condition(incident, "Altered").get("status") == "True",
            what="the incident says that its ledger is taken away",
        )
        assert scene.replicas == 2
        assert "takes our ledger out" in scene.condition(incident, "Applied")["message"]
        assert len(scene.auditor.writes(DEPLOYMENT, scene.name)) <= 2
    scene.give_back(incident)
    assert scene.replicas == REPLICAS
    assert scene.traces() == []


@pytest.mark.real_control_plane("admission policies")
def test_a_policy_that_alters_what_we_write_is_reported_and_not_fought(altered: Scene) -> None:
    incident = altered.open("stricter")
    eventually_blocking(
        lambda: altered.condition(incident, "Altered").get("status") == "True",
        what="the incident says that its hold is altered",
    )
    condition = altered.condition(incident, "Altered")
    assert "replicas" in condition["message"]
    assert altered.condition(incident, "Applied")["status"] == "False"
    assert altered.replicas == 5
    assert told_baseline(altered) == REPLICAS

    for number in range(10):
        touched = {"metadata": {"annotations": {"touched": str(number)}}}
        altered.kube.patch(*DEPLOYMENTS, altered.name, touched)
    other = altered.open("milder")
    eventually_blocking(
        lambda: altered.condition(other, "Altered").get("status") == "True",
        what="so does a second incident",
    )
    assert len(altered.auditor.writes(DEPLOYMENT, altered.name)) <= 3

    altered.give_back(incident, other)
    assert altered.replicas == REPLICAS
    assert altered.traces() == []


def test_a_deployment_deleted_and_created_anew_is_held_anew_with_its_own_baseline(
    scene: Scene,
) -> None:
    scene.deploy()
    incident = scene.open("stricter")
    scene.wait_held(incident)
    scene.kube.delete(*DEPLOYMENTS, scene.name)
    manifest = scene.deployment_manifest()
    manifest["spec"]["replicas"] = 9
    scene.kube.create(*DEPLOYMENTS, manifest)
    scene.wait_replicas(2)
    scene.give_back(incident)
    assert scene.replicas == 9
    assert scene.traces() == []


@pytest.mark.parametrize("limit", ["stricter", "zero"])
def test_a_deployment_that_is_away_for_a_moment_keeps_its_autoscaler_held(
    limit: str, scene: Scene
) -> None:
    scene.deploy()
    scene.autoscale()
    incident = scene.open(limit)
    scene.wait_held(incident)
    bound = max(1, LIMITS[limit])
    scene.kube.delete(*DEPLOYMENTS, scene.name)
    eventually_blocking(
        lambda: scene.condition(incident, "Applied").get("status") == "False",
        what="the incident tells that it is away",
    )
    scene.kube.create(*DEPLOYMENTS, scene.deployment_manifest())
    scene.wait_held(incident)
    if limit == "zero":
        scene.wait_replicas(0)
    assert scene.values(AUTOSCALER, "maxReplicas") == [9, bound]
    scene.give_back(incident)
    assert scene.bounds == (3, 9)
    assert scene.replicas == REPLICAS
    assert scene.traces() == []


def test_what_a_force_deleted_incident_held_stays_held_until_a_person_releases_it(
    scene: Scene,
) -> None:
    scene.deploy()
    scene.autoscale()
    scene.campaign()
    incidents = [scene.open("stricter"), scene.open("pause")]
    for incident in incidents:
        scene.wait_held(incident)
    # Stopped: between the two requests it would give back, as a deletion asks it to.
    scene.responder.server.suspend()
    for incident in incidents:
        scene.kube.delete(*INCIDENTS, incident)
        scene.kube.patch(*INCIDENTS, incident, {"metadata": {"finalizers": None}})
    assert not scene.cluster.open_incidents()
    scene.responder.server.resume()

    eventually_blocking(
        lambda: "responder_ghost_holds 2.0" in scene.responder.get("/metrics").text,
        what="the metric counts what they held",
    )
    eventually_blocking(
        lambda: {"HorizontalPodAutoscaler", "ConfigMap"} <= ghosts_told(scene),
        what="an Event at each held object tells of it",
    )
    scene.kube.patch(*AUTOSCALERS, scene.name, {"spec": {"maxReplicas": 11}})
    scene.wait_bounds(2, 2)
    assert scene.cluster.hold(scene.name) is not None

    scene.auditor.allow_release_of_ghosts()
    scene.release_all()

    assert scene.bounds == (3, 11)
    assert scene.replicas == REPLICAS
    assert scene.cluster.hold(scene.name) is None
    assert scene.traces() == []


def ghosts_told(scene: Scene) -> set[str]:
    """The kinds of the sender's objects that bear the Event of a hold without an incident."""
    return {
        str(event["regarding"]["kind"])
        for event in scene.kube.items("events.k8s.io/v1", "events")
        if event["reason"] == "Ghost" and event["regarding"]["name"] == scene.name
    }

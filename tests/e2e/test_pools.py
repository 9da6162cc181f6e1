"""Pools share one ConfigMap, `sending-holds`, which is ours: what one asks concerns no other."""

import contextlib
import json
from collections.abc import Iterator

import pytest

from responder.sandbox.audit.versions import CONFIG_MAP
from tests.controlplane.admin_client import RequestFailedError
from tests.controlplane.eventually import eventually_blocking
from tests.e2e.admission import mutated
from tests.e2e.cluster import CONFIG_MAPS, CREATOR, INCIDENTS
from tests.e2e.process import sample
from tests.e2e.scene import Json, Scene

SENDING_HOLDS = "sending-holds"
LOOSER = 0.9
POLICIES = "admissionregistration.k8s.io/v1"


@pytest.fixture(autouse=True)
def absent(scene: Scene) -> Iterator[None]:
    """Each test begins and ends without the ConfigMap."""
    yield
    scene.kube.delete(*CONFIG_MAPS, SENDING_HOLDS)


def shares(scene: Scene) -> dict[str, float]:
    """Give the share of each pool that is held."""
    data = scene.cluster.config_map(SENDING_HOLDS).get("data") or {}
    return {key.split(".")[1]: json.loads(text)["share"] for key, text in data.items()}


def copies(scene: Scene, incident: str) -> list[Json]:
    """Give the ledgers that an incident's status tells of."""
    status = scene.kube.get(*INCIDENTS, incident)["status"]
    return [target["ledger"] for target in status["targets"] if "ledger" in target]


def test_one_pool_after_another_is_held_and_given_back(scene: Scene) -> None:
    """The ConfigMap stays, empty, and still tells by its managedFields whose a value is."""
    for pool, playbook, share in (("bulk", "pause-pool", 0.0), ("trial", "halve-pool", 0.5)):
        incident = scene.open(playbook, pool=pool)
        scene.wait_held(incident)
        assert shares(scene) == {pool: share}
        scene.give_back(incident)
        assert shares(scene) == {}
        assert scene.cluster.traces() == []
    managers = {
        entry["manager"]
        for entry in scene.cluster.config_map(SENDING_HOLDS)["metadata"]["managedFields"]
    }
    assert managers == {CREATOR}
    # Each version by its writer, as the auditor tells it.
    found = list(scene.auditor.versions(CONFIG_MAP, SENDING_HOLDS))
    assert [sorted(version.fields) for version in found if version.fields] == [
        ["pool.bulk.json"],
        ["pool.trial.json"],
    ]


def test_what_was_altered_in_a_second_hold_is_no_baseline(scene: Scene) -> None:
    first = scene.open("pause-pool", pool="bulk")
    scene.wait_held(first)
    scene.give_back(first)
    second = scene.open("pause-pool", pool="bulk")
    scene.wait_held(second)
    looser = json.dumps({"share": 0.9})
    with scene.auditor.hands_of_others():
        scene.kube.patch(*CONFIG_MAPS, SENDING_HOLDS, {"data": {"pool.bulk.json": looser}})
    eventually_blocking(lambda: shares(scene) == {"bulk": 0.0}, what="it is held again")
    scene.give_back(second)
    # What a person wrote during the hold is theirs, and given back.
    assert shares(scene) == {"bulk": 0.9}
    assert scene.cluster.traces() == []


def test_each_incident_keeps_a_copy_of_its_own_pool_alone(scene: Scene) -> None:
    incidents = {pool: scene.open("pause-pool", pool=pool) for pool in ("a", "b", "c")}
    for incident in incidents.values():
        scene.wait_held(incident)
    for pool, incident in incidents.items():
        (copy,) = copies(scene, incident)
        assert list(copy["fields"]) == [f"pool.{pool}.json"]
    # A ledger that is lost comes back from all of them together.
    lost = {"metadata": {"annotations": {"campaign-responder.dev/ledger": None}}}
    with scene.auditor.hands_of_others():
        scene.kube.patch(*CONFIG_MAPS, SENDING_HOLDS, lost)

    def is_whole() -> bool:
        ledger = scene.cluster.ledger(scene.cluster.config_map(SENDING_HOLDS)) or {"fields": {}}
        return sorted(ledger["fields"]) == [f"pool.{pool}.json" for pool in "abc"]

    eventually_blocking(is_whole, what="the ledger is whole again")
    scene.give_back(*incidents.values())
    assert shares(scene) == {}
    assert scene.cluster.traces() == []


@pytest.fixture
def vip_refused(scene: Scene) -> Iterator[None]:
    """A platform's policy lets nobody write the hold document of one pool."""
    spec = {
        "failurePolicy": "Fail",
        "matchConstraints": {
            "resourceRules": [
                {
                    "apiGroups": [""],
                    "apiVersions": ["v1"],
                    "operations": ["CREATE", "UPDATE"],
                    "resources": ["configmaps"],
                }
            ]
        },
        "validations": [
            {
                "expression": "!('pool.vip.json' in object.?data.orValue({}))",
                "message": "the pool vip is the platform's own",
            }
        ],
    }
    name = f"{scene.kube.namespace}-{scene.name}-vip"
    namespaces = {"matchLabels": {"kubernetes.io/metadata.name": scene.kube.namespace}}
    binding = {
        "policyName": name,
        "validationActions": ["Deny"],
        "matchResources": {"namespaceSelector": namespaces},
    }
    plane = scene.kube.control_plane
    kinds = {"validatingadmissionpolicies": spec, "validatingadmissionpolicybindings": binding}
    for plural, body in kinds.items():
        whole = {"metadata": {"name": name}, "spec": body}
        plane.request("POST", f"/apis/{POLICIES}/{plural}", body=whole)
    probe = {"metadata": {"name": "probe"}, "data": {"pool.vip.json": "{}"}}
    path = f"/api/v1/namespaces/{scene.kube.namespace}/configmaps?dryRun=All"

    def is_in_force() -> bool:
        try:
            plane.request("POST", path, body=probe)
        except RequestFailedError:
            return True
        return False

    eventually_blocking(is_in_force, what="the policy is in force")
    yield
    for plural in kinds:
        plane.request("DELETE", f"/apis/{POLICIES}/{plural}/{name}")


@pytest.mark.real_control_plane("admission policies")
@pytest.mark.usefixtures("vip_refused")
def test_a_pool_that_admission_refuses_takes_the_brake_off_no_other(scene: Scene) -> None:
    held = scene.open("halve-pool", pool="held")
    scene.wait_held(held)
    vip = scene.open("pause-pool", pool="vip")
    eventually_blocking(
        lambda: scene.condition(vip, "Applied").get("reason") == "Denied",
        what="the incident says that it was refused",
    )
    assert "the pool vip is the platform's own" in scene.condition(vip, "Applied")["message"]

    late = scene.open("pause-pool", pool="late")
    scene.wait_held(late)
    tighter = scene.open("pause-pool", pool="held")
    scene.wait_held(tighter)
    assert shares(scene) == {"held": 0.0, "late": 0.0}
    assert scene.condition(held, "Applied")["status"] == "True"
    with scene.auditor.hands_of_others():
        gone = {"data": {"pool.held.json": None}}
        scene.kube.patch(*CONFIG_MAPS, SENDING_HOLDS, gone)
    eventually_blocking(lambda: shares(scene) == {"held": 0.0, "late": 0.0}, what="held again")
    scene.give_back(late)
    assert shares(scene) == {"held": 0.0}
    scene.give_back(held, tighter, vip)
    assert shares(scene) == {}
    assert scene.cluster.traces() == []


@contextlib.contextmanager
def altered(scene: Scene, pool: str) -> Iterator[None]:
    """A platform's policy makes the hold document of one pool a looser one, whoever writes it."""
    key = f"pool.{pool}.json"
    looser = json.dumps({"share": LOOSER})
    change = f"[JSONPatch{{op: 'add', path: '/data/{key}', value: {json.dumps(looser)}}}]"
    with mutated(
        scene,
        CONFIG_MAPS,
        SENDING_HOLDS,
        condition=f"'{key}' in object.?data.orValue({{}})",
        mutation={"patchType": "JSONPatch", "jsonPatch": {"expression": change}},
        probe={"data": {key: "{}"}},
        is_in_force=lambda answer: bool(answer["data"][key] == looser),
    ):
        yield


def is_told_altered(scene: Scene, incident: str) -> bool:
    return scene.condition(incident, "Altered").get("status") == "True"


@pytest.mark.real_control_plane("admission policies")
@pytest.mark.parametrize("by", ["us", "somebody else, and empty"])
def test_a_pool_that_admission_alters_is_told_and_takes_the_brake_off_no_other(
    scene: Scene, by: str
) -> None:
    """One that was created empty has no managedFields before the first hold on it."""
    if by == "us":
        scene.give_back(scene.open("pause-pool", pool="first"))
    else:
        scene.kube.create(*CONFIG_MAPS, {"metadata": {"name": SENDING_HOLDS}})
        assert "managedFields" not in scene.cluster.config_map(SENDING_HOLDS)["metadata"]
    with altered(scene, "odd"):
        incidents = {
            pool: scene.open("pause-pool", pool=pool) for pool in ("before", "odd", "beside")
        }
        for pool in ("before", "beside"):
            scene.wait_held(incidents[pool])
        eventually_blocking(
            lambda: is_told_altered(scene, incidents["odd"]), what="the incident says so"
        )
        assert "pool.odd.json" in scene.condition(incidents["odd"], "Applied")["message"]
        assert not is_told_altered(scene, incidents["beside"])
        incidents["late"] = scene.open("pause-pool", pool="late")
        scene.wait_held(incidents["late"])
        assert shares(scene) == {"before": 0.0, "beside": 0.0, "late": 0.0, "odd": LOOSER}
        ledger = scene.cluster.ledger(scene.cluster.config_map(SENDING_HOLDS))
        assert ledger is not None
        assert ledger["fields"]["pool.odd.json"]["baseline"] is None
        scene.give_back(incidents.pop("before"))
        assert "before" not in shares(scene)
        scene.give_back(*incidents.values())
    assert shares(scene) == {}
    assert scene.cluster.traces() == []


def told(scene: Scene, finding: str) -> float:
    """Count how often the responder told a finding."""
    return sample(scene.responder, "responder_findings_total", f'finding="{finding}"')


def standing(scene: Scene, finding: str) -> float:
    return sample(scene.responder, "responder_standing_findings", f'finding="{finding}"')


def test_a_pool_that_finds_no_room_is_refused_alone(scene: Scene) -> None:
    before = told(scene, "NoRoom")
    held = scene.open("halve-pool", pool="held")
    scene.wait_held(held)
    filler = {"metadata": {"annotations": {"example.org/notes": "x" * 200_000}}}
    scene.kube.patch(*CONFIG_MAPS, SENDING_HOLDS, filler)

    refused = scene.open("pause-pool", pool="late")
    eventually_blocking(
        lambda: scene.condition(refused, "Applied").get("reason") == "NoRoom",
        what="the incident says that it found no room",
    )
    message = scene.condition(refused, "Applied")["message"]
    assert "ConfigMap/sending-holds is full: pool.late.json finds no room in it" in message
    # What is held already is tightened all the same.
    tighter = scene.open("pause-pool", pool="held")
    scene.wait_held(tighter)
    assert shares(scene) == {"held": 0.0}

    assert (told(scene, "NoRoom") - before, standing(scene, "NoRoom")) == (1, 1)

    scene.kube.patch(
        *CONFIG_MAPS, SENDING_HOLDS, {"metadata": {"annotations": {"example.org/notes": None}}}
    )
    scene.wait_held(refused)
    assert standing(scene, "NoRoom") == 0
    assert shares(scene) == {"held": 0.0, "late": 0.0}
    scene.give_back(held, tighter, refused)
    assert shares(scene) == {}
    assert scene.cluster.traces() == []

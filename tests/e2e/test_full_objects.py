"""A ConfigMap takes 1 MiB of data, and 256 KiB of annotations: what finds no room is told."""

import json
from typing import Final

from tests.controlplane.eventually import eventually_blocking
from tests.e2e.cluster import CONFIG_MAPS
from tests.e2e.scene import ALLOWED, PREFIX, Scene

MOST_BYTES: Final = 1024 * 1024


def fill(scene: Scene, *, but_for: int) -> None:
    """Fill the campaign's own ConfigMap with another program's data."""
    data = scene.cluster.config_map(scene.name)["data"]
    taken = sum(len(text.encode()) for key, text in data.items() if key != "filler")
    filler = {"data": {"filler": "x" * (MOST_BYTES - taken - but_for)}}
    scene.kube.patch(*CONFIG_MAPS, scene.name, filler)


def empty(scene: Scene) -> None:
    scene.kube.patch(*CONFIG_MAPS, scene.name, {"data": {"filler": None}})


def try_at_once(scene: Scene) -> None:
    """A new responder does not wait for half a minute to be over."""
    scene.responder.server.kill()
    scene.responder.again()


def test_what_finds_no_room_on_its_way_back_is_told_by_the_incident_that_lets_go(
    scene: Scene,
) -> None:
    scene.campaign()
    theirs = json.dumps({"share": 1.0, "notes": "x" * 20_000})
    scene.kube.patch(*CONFIG_MAPS, scene.name, {"data": {"hold.json": theirs}})
    incident = scene.open("pause")
    scene.wait_held(incident)
    fill(scene, but_for=100)
    scene.release(incident)

    eventually_blocking(
        lambda: scene.condition(incident, "Applied").get("reason") == "NotGivenBack",
        what="the incident says what is not given back",
    )
    told = scene.condition(incident, "Applied")["message"]
    assert f"campaign/{scene.name} (ConfigMap/{scene.name}): " in told
    assert "is full: what hold.json was before the hold finds no room in it" in told
    document = scene.cluster.hold(scene.name)
    assert document is not None
    assert document["share"] == 0.0

    empty(scene)
    try_at_once(scene)
    scene.wait_closed(incident)
    assert scene.cluster.config_map(scene.name)["data"]["hold.json"] == theirs


def test_a_campaign_whose_own_config_map_is_full_is_told_and_takes_the_brake_off_no_other(
    scene: Scene,
) -> None:
    """Another program's data fills it; beside the hold document a plain key of it is held."""
    offered = {PREFIX + "keys": "state"}
    manifest = scene.campaign_manifest(labels=ALLOWED)
    manifest["metadata"]["annotations"] = offered
    manifest["data"]["state"] = "active"
    scene.kube.create(*CONFIG_MAPS, manifest)
    fill(scene, but_for=50)
    both = [scene.open("pause"), scene.open("set-state")]
    eventually_blocking(
        lambda: scene.condition(both[0], "Applied").get("reason") == "NoRoom",
        what="the incident says that there is no room",
    )
    told = scene.condition(both[0], "Applied")["message"]
    assert f"ConfigMap/{scene.name} is full: hold.json finds no room in it" in told
    scene.wait_held(both[1])
    assert scene.cluster.config_map(scene.name)["data"]["state"] == "paused"
    assert scene.cluster.hold(scene.name) is None

    empty(scene)
    try_at_once(scene)
    scene.wait_held(both[0])
    scene.give_back(*both)
    assert scene.cluster.config_map(scene.name)["data"] == manifest["data"]
    assert scene.traces() == []


def test_a_document_too_large_for_the_ledger_is_braked_and_given_back_to_the_byte(
    scene: Scene,
) -> None:
    """A person writes it over a held one."""
    scene.campaign()
    halved, paused = scene.open("halve"), scene.open("pause")
    for incident in (halved, paused):
        scene.wait_held(incident)
    theirs = json.dumps({"share": 1.0, "notes": 'a "long" story ' * 20_000})
    scene.kube.patch(*CONFIG_MAPS, scene.name, {"data": {"hold.json": theirs}})

    def share() -> float:
        document = scene.cluster.hold(scene.name)
        assert document is not None
        return float(document["share"])

    eventually_blocking(lambda: share() == 0.0, what="it is held again")
    scene.give_back(paused)
    assert share() == 0.5
    assert scene.condition(halved, "Applied")["status"] == "True"
    scene.give_back(halved)
    assert scene.cluster.config_map(scene.name)["data"]["hold.json"] == theirs
    scene.kube.patch(*CONFIG_MAPS, scene.name, {"data": {"hold.json": None}})
    assert scene.traces() == []

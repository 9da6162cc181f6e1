"""A ConfigMap takes 1 MiB of data, and 256 KiB of annotations: what finds no room is told."""

import json
from typing import Final

from tests.controlplane.eventually import eventually_blocking
from tests.e2e.cluster import CONFIG_MAPS
from tests.e2e.scene import Scene

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
    assert "Too long" in told
    document = scene.cluster.hold(scene.name)
    assert document is not None
    assert document["share"] == 0.0

    empty(scene)
    try_at_once(scene)
    scene.wait_closed(incident)
    assert scene.cluster.config_map(scene.name)["data"]["hold.json"] == theirs

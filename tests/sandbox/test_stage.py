"""Whatever a scenario may be called, there is a place for it in the cluster."""

import pytest

from responder.sandbox.api.server import serve
from responder.sandbox.scenario.loading import read_scenario
from responder.sandbox.stage import Stage, config_map_names

NAMES = ["spring", "Ä", "campaign-0", "b c", "sending-holds", "-x", "a.b", "x" * 200]


def test_every_campaign_has_a_config_map_of_its_own() -> None:
    found = config_map_names(NAMES)
    assert list(found) == NAMES
    assert len(set(found.values())) == len(NAMES)
    assert found["spring"] == "spring"
    assert found["campaign-0"] == "campaign-0"
    assert "sending-holds" not in found.values()


@pytest.mark.parametrize("workload", ["a.b", "w" * 63, "w" * 64, "w" * 200, f"{'w' * 62}.b"])
async def test_every_name_can_be_set_up(workload: str) -> None:
    campaigns = ", ".join(f"{{name: {name!r}, perMinute: 1}}" for name in NAMES)
    workloads = f"[{{name: {workload}, autoscaler: {{max: 9}}}}]"
    text = f"spec: {{workloads: {workloads}, campaigns: [{campaigns}]}}"
    scenario = read_scenario(text, file="s.yaml")
    async with serve(sync_seconds=3600) as api:
        stage = Stage(api, scenario)
        stage.set_up()
        for name in NAMES:
            assert await stage.read_config_map(stage.config_maps[name]) is not None

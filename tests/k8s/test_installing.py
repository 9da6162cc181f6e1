"""What docs/installing.md tells people to write works as it stands there."""

import itertools
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.controlplane.control_plane import ControlPlane
from tests.controlplane.fixtures import StartAlertmanager
from tests.k8s.account import LEDGER
from tests.k8s.install import K8S, ROOT

PAGE = (ROOT / "docs" / "installing.md").read_text()
SNIPPETS = re.findall(r"^```yaml\n(.*?)^```", PAGE, flags=re.MULTILINE | re.DOTALL)


def snippet(word: str) -> dict[str, Any]:
    """The one YAML block in which the word stands."""
    (found,) = (text for text in SNIPPETS if word in text)
    read: dict[str, Any] = yaml.safe_load(found)
    return read


def test_the_overlay_of_the_page_builds_with_its_settings_and_both_playbooks(
    api_server: ControlPlane, tmp_path: Path
) -> None:
    shutil.copytree(K8S, tmp_path / "k8s")
    overlay = tmp_path / "k8s" / "overlays" / "mine"
    shutil.copytree(ROOT / "rules" / "playbooks", overlay / "playbooks")
    (overlay / "kustomization.yaml").write_text(yaml.safe_dump(snippet("kind: Kustomization")))
    built = list(yaml.safe_load_all(api_server.kubectl("kustomize", str(overlay))))
    data = {
        manifest["metadata"]["name"]: manifest["data"]
        for manifest in built
        if manifest["kind"] == "ConfigMap"
    }
    playbooks = data.pop("campaign-responder-playbooks")
    assert set(playbooks) == {"high-bounce-rate.yaml", "high-complaint-rate.yaml"}
    assert list(data.values()) == [{"RESPONDER_MAX_MODE": "observe"}]
    (deployment,) = (manifest for manifest in built if manifest["kind"] == "Deployment")
    assert deployment["metadata"]["namespace"] == "mail"
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert container["image"] == "registry.example.com/campaign-responder:0.1.0"


async def test_a_real_alertmanager_takes_the_receiver_of_the_page(
    start_alertmanager: StartAlertmanager,
) -> None:
    """It ends at once over a configuration that it does not understand."""
    start_alertmanager(snippet("webhook_configs"))


def test_every_alert_that_is_routed_is_shipped_and_the_other_way_round() -> None:
    routed = snippet("webhook_configs")["route"]["routes"][0]["matchers"][0]
    pattern = re.fullmatch(r'alertname=~"(.*)"', routed)
    assert pattern is not None
    groups = itertools.chain.from_iterable(
        yaml.safe_load(path.read_text())["groups"]
        for path in (ROOT / "rules" / "alerts").glob("*.yaml")
    )
    names = {rule["alert"] for group in groups for rule in group["rules"] if "alert" in rule}
    for_people_only = {"FeedbackMissing", "QueueAgeHigh"}
    assert {name for name in names if re.fullmatch(pattern[1], name)} == names - for_people_only


@pytest.mark.parametrize(
    "mark",
    [
        "campaign-responder.dev/campaign",
        "campaign-responder.dev/hold: allowed",
        "campaign-responder.dev/keys",
        "campaign-responder.dev/stream: transactional",
        "campaign-responder.dev/workloads",
        LEDGER,
    ],
)
def test_every_mark_is_explained(mark: str) -> None:
    assert f"`{mark}" in PAGE

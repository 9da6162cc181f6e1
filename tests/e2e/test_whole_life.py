"""Resolved is not resume: the whole life of an incident, with real servers around it."""

from pathlib import Path

import pytest

from tests.controlplane.eventually import eventually_blocking
from tests.controlplane.fixtures import StartAlertmanager, StartPrometheus
from tests.controlplane.real_alertmanager import webhook_configuration
from tests.controlplane.real_prometheus import scrape_configuration
from tests.e2e.cluster import Cluster, phase
from tests.e2e.conftest import StartResponder
from tests.e2e.obedient_sender import sending
from tests.e2e.process import TOKEN, ResponderProcess, alert

RULES = Path(__file__).parents[2] / "rules"
PLAYBOOK = """
apiVersion: campaign-responder.dev/v1alpha1
kind: Playbook
metadata: {name: high-bounce-rate}
spec:
  matchers: [alertname="HighBounceRate", severity="critical"]
  holds:
    - pause: {campaign: "{{ labels.campaign }}"}
    - scale: {deployment: email-sender, to: 0}
  resume:
    start: {after: 1s, acknowledged: true}
    steps: [{share: 10%, for: 2s, sends: 50}, {share: 50%, for: 2s, sends: 100}]
    check: {metric: bounce-rate, max: 5%}
"""
ALERTS = """
groups:
  - name: bounces
    rules:
      - alert: HighBounceRate
        expr: >-
          sum by (campaign) (increase(mail_bounces_total{type="hard"}[3s])) > 50
        labels: {severity: critical}
"""
EVIDENCE = ("--metrics", str(RULES / "metrics"))


@pytest.fixture(autouse=True)
def _quick_evidence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESPONDER_SCRAPE_INTERVAL_SECONDS", "0.2")
    monkeypatch.setenv("RESPONDER_EVIDENCE_INTERVAL_SECONDS", "0.2")


def told(cluster: Cluster) -> tuple[str, str]:
    """The phase of the newest incident, and why."""
    newest = max(cluster.incidents(), key=lambda item: item["metadata"]["name"])
    return phase(newest), str((newest.get("status") or {}).get("reason"))


def wait_for(cluster: Cluster, phase_: str, reason: str) -> None:
    eventually_blocking(
        lambda: cluster.incidents() != [] and told(cluster) == (phase_, reason),
        what=f"the incident is {phase_}: {reason}",
        within_seconds=60,
    )


def share(cluster: Cluster) -> float | None:
    hold = cluster.hold()
    return None if hold is None else float(hold["share"])


def ask(responder: ResponderProcess, cluster: Cluster, wish: str) -> None:
    name = cluster.open_incidents()[0]["metadata"]["name"]
    namespace = cluster.kube.namespace
    answer = responder.post(
        f"/api/v1/incidents/{namespace}/{name}/{wish}", {"by": "ada", "reason": "the list is clean"}
    )
    assert answer.status == 200, answer.text


@pytest.mark.real_control_plane("pods that come and go")
def test_bounces_pause_and_only_evidence_resumes(
    cluster: Cluster,
    start_responder: StartResponder,
    start_alertmanager: StartAlertmanager,
    start_prometheus: StartPrometheus,
    tmp_path: Path,
) -> None:
    eventually_blocking(lambda: cluster.pods() == 8, what="the sender's pods run")
    before = cluster.snapshot()
    (tmp_path / "alerts.yaml").write_text(ALERTS)
    with sending(cluster, "spring-sale") as sender:
        prometheus = start_prometheus(scrape_configuration(sender.address))
        responder = start_responder(
            PLAYBOOK, flags=(*EVIDENCE, f"--prometheus-url={prometheus.url}")
        )
        alertmanager = start_alertmanager(
            webhook_configuration(f"{responder.url}/webhooks/alertmanager", bearer_token=TOKEN)
        )
        start_prometheus(
            scrape_configuration(
                sender.address,
                rule_files=[tmp_path / "alerts.yaml"],
                alertmanagers=[alertmanager.url.removeprefix("http://")],
            )
        )
        sender.bounce_rate = 0.3
        eventually_blocking(lambda: share(cluster) == 0.0, what="the campaign is paused")
        eventually_blocking(lambda: cluster.pods() == 0, what="its pods are gone")

        # The alert resolves by itself, because nothing is sent any more; nothing goes on for that.
        wait_for(cluster, "Cooling", "WaitsForAcknowledgement")
        assert share(cluster) == 0.0

        # Acknowledged, though nothing was mended: the first step shows it.
        ask(responder, cluster, "acknowledge")
        eventually_blocking(lambda: share(cluster) == 0.1, what="the first step is open")
        eventually_blocking(lambda: cluster.bounds() == (2, 2), what="a tenth of 20 pods")
        wait_for(cluster, "Cooling", "WaitsForAcknowledgement")
        assert share(cluster) == 0.0
        status = cluster.incidents()[0]["status"]
        assert status["ramp"]["relapses"] == 1
        assert any("Relapsed" in entry["why"] for entry in status["timeline"])

        # Mended, and acknowledged anew: from step to step, and back to where it was.
        sender.bounce_rate = 0.0
        ask(responder, cluster, "acknowledge")
        eventually_blocking(
            lambda: share(cluster) == 0.5, what="the second step", within_seconds=60
        )
        cluster.wait_closed()
    assert len(cluster.incidents()) == 1
    assert cluster.incidents()[0]["status"]["outcome"] == "released"
    assert cluster.snapshot() == before
    assert cluster.traces() == []


def test_without_prometheus_nothing_is_loosened_and_a_person_can_release(
    cluster: Cluster, start_responder: StartResponder
) -> None:
    responder = start_responder(PLAYBOOK, flags=(*EVIDENCE, "--prometheus-url=http://127.0.0.1:9"))
    responder.notify(alert())
    eventually_blocking(lambda: share(cluster) == 0.0, what="the campaign is paused")
    responder.notify(alert(status="resolved"))
    wait_for(cluster, "Cooling", "WaitsForAcknowledgement")
    ask(responder, cluster, "acknowledge")
    wait_for(cluster, "Ramping", "StepOpened")
    eventually_blocking(
        lambda: (
            [one["reason"] for one in cluster.incidents()[0]["status"].get("evidence", [])]
            == ["Down", "Down"]
        ),
        what="the incident says that nothing is known",
    )
    assert share(cluster) == 0.1
    ask(responder, cluster, "release")
    cluster.wait_closed()
    assert cluster.traces() == []


def test_a_playbook_that_is_deleted_while_it_holds_changes_nothing(
    cluster: Cluster, start_responder: StartResponder
) -> None:
    responder = start_responder(PLAYBOOK, flags=EVIDENCE)
    responder.notify(alert())
    eventually_blocking(lambda: share(cluster) == 0.0, what="the campaign is paused")
    other = PLAYBOOK.replace("HighBounceRate", "Another").replace("high-bounce-rate", "another")
    (responder.playbooks / "0.yaml").write_text(other)
    eventually_blocking(
        lambda: [one["name"] for one in responder.get("/api/v1/playbooks").json] == ["another"],
        what="the playbook is gone",
    )
    responder.notify(alert(status="resolved"))
    wait_for(cluster, "Cooling", "WaitsForAcknowledgement")
    ask(responder, cluster, "acknowledge")
    wait_for(cluster, "Ramping", "StepOpened")
    ask(responder, cluster, "release")
    cluster.wait_closed()


APPROVE = PLAYBOOK.replace("  matchers:", "  mode: approve\n{approval}  matchers:")


@pytest.mark.parametrize(
    "way",
    [
        pytest.param(("", "approve", "Approved", "released"), id="approved"),
        pytest.param(("", "reject", "Rejected", "rejected"), id="rejected"),
        pytest.param(
            ("  approval: {within: 1s, otherwise: act}\n", "", "NobodyDecided", "released"),
            id="nobody decides: act",
        ),
        pytest.param(
            ("  approval: {within: 1s, otherwise: expire}\n", "", "Expired", "expired"),
            id="nobody decides: expire",
        ),
    ],
)
def test_each_way_of_approval(
    cluster: Cluster,
    start_responder: StartResponder,
    way: tuple[str, str, str, str],
) -> None:
    approval, wish, reason, outcome = way
    before = cluster.snapshot()
    responder = start_responder(APPROVE.replace("{approval}", approval))
    responder.notify(alert())
    if wish:
        wait_for(cluster, "Proposed", "WaitsForApproval")
        assert cluster.snapshot() == before
        ask(responder, cluster, wish)
    eventually_blocking(
        lambda: any(
            f"{reason}:" in entry["why"]
            for entry in cluster.incidents()[0].get("status", {}).get("timeline", ())
        ),
        what=f"the timeline says {reason}",
    )
    if outcome == "released":
        eventually_blocking(lambda: share(cluster) == 0.0, what="the campaign is paused")
        ask(responder, cluster, "release")
    cluster.wait_closed()
    assert cluster.incidents()[0]["status"]["outcome"] == outcome
    assert cluster.snapshot() == before
    if outcome == "rejected":
        # What a person rejected stays so for as long as this alert fires.
        assert responder.notify(alert()).json["incidents"][0]["outcome"] == "StaysClosed"

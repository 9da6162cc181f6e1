"""People are told, by a real message, what the brake does; and the brake waits for none of them."""

from pathlib import Path
from typing import Any

from tests.controlplane.eventually import eventually_blocking
from tests.controlplane.ports import free_port
from tests.e2e.cluster import Cluster
from tests.e2e.conftest import StartResponder
from tests.e2e.listener import Listener, listening
from tests.e2e.process import ResponderProcess, alert
from tests.e2e.scene import release_all

PAUSE = """
apiVersion: campaign-responder.dev/v1alpha1
kind: Playbook
metadata: {name: high-bounce-rate}
spec:
  matchers: [alertname="HighBounceRate"]
  holds:
    - pause: {campaign: "{{ labels.campaign }}"}
  resume: {start: {after: 0s}}
"""


def flags(folder: Path, **addresses: str) -> tuple[str, ...]:
    file = folder / "notify.yaml"
    lines = [f"  - {{name: {name}, url: '{url}', every: 0s}}" for name, url in addresses.items()]
    file.write_text("\n".join(["destinations:", *lines]))
    return (f"--notify-file={file}", "--link=https://grafana.example/d/x?var-name={name}")


def open_incident(cluster: Cluster) -> dict[str, Any]:
    (found,) = cluster.open_incidents()
    return found


def titles(listener: Listener) -> list[str]:
    return [str(told["title"]) for told in listener.told]


def release(responder: ResponderProcess, cluster: Cluster) -> None:
    incident = open_incident(cluster)["metadata"]
    path = f"/api/v1/incidents/{incident['namespace']}/{incident['name']}/release"
    assert responder.post(path, {"reason": "cleaned", "by": "ada"}).status == 200


def test_a_person_is_told_what_is_held_and_when_it_is_given_back_each_once(
    cluster: Cluster, start_responder: StartResponder, tmp_path: Path
) -> None:
    with listening() as on_call:
        responder = start_responder(flags=flags(tmp_path, **{"on-call": on_call.address}))
        assert responder.notify(alert()).status == 200
        (held,) = on_call.wait(1)
        incident = open_incident(cluster)["metadata"]
        assert held["title"] == "held: campaign=spring-sale (high-bounce-rate)"
        lines = held["message"].splitlines()
        assert lines[:3] == [
            "Held:",
            "  pause campaign/spring-sale",
            "  scale Deployment/email-sender to 2 replica(s)",
        ]
        command = f"responder release {incident['name']} --namespace {incident['namespace']}"
        assert f"  {command} --reason '...'" in lines
        assert f"More: https://grafana.example/d/x?var-name={incident['name']}" in lines
        assert "  HighBounceRate (critical, firing): bounces are too high" in lines

        # One that dies and comes back tells nothing again, and goes on telling.
        responder.server.kill()
        responder.again()
        release(responder, cluster)
        cluster.wait_closed()
        on_call.wait(2)
        assert responder.notify(alert(starts_at="2026-11-24T12:00:00Z")).status == 200
        on_call.wait(3)
        assert [title.partition(":")[0] for title in titles(on_call)] == [
            "held",
            "given back",
            "held",
        ]


def test_a_release_by_the_hand_tool_is_told_too(
    cluster: Cluster, start_responder: StartResponder, tmp_path: Path, kubeconfig: Path
) -> None:
    """Its own hand closes the incident, or ours does: whoever is first."""
    with listening() as on_call:
        responder = start_responder(flags=flags(tmp_path, **{"on-call": on_call.address}))
        responder.notify(alert())
        on_call.wait(1)
        release_all(cluster.kube, kubeconfig)
        on_call.wait(2)
        assert titles(on_call)[1].startswith("given back")


def brake(responder: ResponderProcess, cluster: Cluster, hours: range) -> None:
    """Hold and give back, once for each hour."""
    for hour in hours:
        assert responder.notify(alert(starts_at=f"2026-11-24T{hour:02}:00:00Z")).status == 200
        eventually_blocking(lambda: cluster.hold() is not None, what="it is held")
        release(responder, cluster)
        cluster.wait_closed()


def test_destinations_that_hang_or_refuse_hold_up_no_brake(
    cluster: Cluster, start_responder: StartResponder, tmp_path: Path
) -> None:
    """How fast it stays is a figure; here it goes on while nobody there answers at all."""
    with listening(hanging=True) as hanging, listening() as good:
        file = flags(
            tmp_path,
            hangs=hanging.address,
            refuses=f"json://127.0.0.1:{free_port()}/x",
            good=good.address,
        )
        responder = start_responder(PAUSE, flags=file)
        brake(responder, cluster, range(1))
        hanging.wait(1)  # from here on a courier hangs, and one that refuses is tried again
        brake(responder, cluster, range(1, 5))
        good.wait(1)

        def told() -> bool:
            text = responder.get("/metrics").text
            refused = 'responder_notices_failed_total{destination="refuses",outcome="refused"}'
            return refused in text and 'responder_notices_sent_total{destination="good"}' in text

        eventually_blocking(told, what="what arrived and what did not is counted")
        text = responder.get("/metrics").text
        assert 'responder_notices_sent_total{destination="hangs"}' not in text


def test_a_storm_of_500_is_a_few_messages_that_count_each_of_them_once(
    cluster: Cluster, start_responder: StartResponder, tmp_path: Path
) -> None:
    """Of campaigns that are nowhere to be found: what is not held is told as well."""
    with listening() as on_call:
        responder = start_responder(PAUSE, flags=flags(tmp_path, **{"on-call": on_call.address}))
        storm = [
            alert(campaign=f"storm-{number}", fingerprint=f"{number:016x}") for number in range(500)
        ]
        assert responder.notify(*storm).status == 200

        def counts() -> list[int]:
            words = [title.partition(" ") for title in titles(on_call)]
            return [int(first) if rest.startswith("notices") else 1 for first, _, rest in words]

        eventually_blocking(lambda: sum(counts()) >= 500, within_seconds=120.0)
        assert (len(cluster.open_incidents()), sum(counts())) == (500, 500)
        assert len(on_call.told) <= 8
        assert "of high-bounce-rate: NOT held" in on_call.told[-1]["message"]


def test_a_file_with_a_mistake_keeps_no_responder_from_braking(
    cluster: Cluster, start_responder: StartResponder, tmp_path: Path
) -> None:
    file = tmp_path / "notify.yaml"
    file.write_text("destinations: [{name: on-call, url: s3cr3t}]")
    responder = start_responder(flags=(f"--notify-file={file}",))
    assert responder.notify(alert()).status == 200
    eventually_blocking(lambda: cluster.hold() is not None, what="it is held")
    log = responder.server.log.read_text()
    assert "notify_file_mistake" in log
    assert "s3cr3t" not in log
    with listening() as on_call:
        flags(tmp_path, **{"on-call": on_call.address})
        eventually_blocking(lambda: "notify_file_loaded" in responder.server.log.read_text())
        release(responder, cluster)
        on_call.wait(1)
        assert titles(on_call)[0].startswith("given back")

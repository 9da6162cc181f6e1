"""What a real Alertmanager never told, or the responder never took, is found by asking it."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import pytest

from tests.controlplane import warm_start
from tests.controlplane.eventually import eventually_blocking
from tests.controlplane.fixtures import StartAlertmanager
from tests.controlplane.real_alertmanager import Alertmanager, webhook_configuration
from tests.e2e.cluster import INCIDENTS, Cluster
from tests.e2e.conftest import StartResponder
from tests.e2e.process import TOKEN, ResponderProcess

PER_CAMPAIGN = """
apiVersion: campaign-responder.dev/v1alpha1
kind: Playbook
metadata: {name: pause-campaign}
spec:
  matchers: [alertname="HighBounceRate"]
  holds:
    - pause: {campaign: "{{ labels.campaign }}"}
  resume: {start: {after: 0s}}
"""
PUBLIC = "https://alerts.example"
SPRING = {"alertname": "HighBounceRate", "campaign": "spring-sale"}
NEWS = {"alertname": "HighBounceRate", "campaign": "newsletter"}
DEAF = webhook_configuration("http://127.0.0.1:1/nobody")


class StartAsking(Protocol):
    def __call__(
        self, *servers: Alertmanager, grace: float = 0, interval: float = 0.5
    ) -> ResponderProcess: ...


@pytest.fixture
def start_asking(
    cluster: Cluster, start_responder: StartResponder, monkeypatch: pytest.MonkeyPatch
) -> StartAsking:
    """Starts a responder that asks some Alertmanagers."""
    del cluster

    def start(*servers: Alertmanager, grace: float = 0, interval: float = 0.5) -> ResponderProcess:
        urls = ",".join(server.url for server in servers)
        monkeypatch.setenv("RESPONDER_ALERTMANAGER_URLS", urls)
        monkeypatch.setenv("RESPONDER_ALERTMANAGER_EXTERNAL_URLS", PUBLIC)
        monkeypatch.setenv("RESPONDER_ALERTMANAGER_GRACE_SECONDS", str(grace))
        monkeypatch.setenv("RESPONDER_ALERTMANAGER_INTERVAL_SECONDS", str(interval))
        return start_responder(PER_CAMPAIGN)

    return start


@pytest.fixture
def start_public(start_alertmanager: StartAlertmanager) -> "StartPublic":
    """Starts Alertmanagers that notify under one public name; nobody is notified yet."""

    def start(flags: Sequence[str] = ()) -> Alertmanager:
        return start_alertmanager(DEAF, flags=[f"--web.external-url={PUBLIC}", *flags])

    return start


class StartPublic(Protocol):
    def __call__(self, flags: Sequence[str] = ()) -> Alertmanager: ...


def notify(server: Alertmanager, responder: ResponderProcess, **options: object) -> None:
    """From now on it tells the responder."""
    url = f"{responder.url}/webhooks/alertmanager"
    server.reconfigure(webhook_configuration(url, bearer_token=TOKEN, **options))  # type: ignore[arg-type]


def metric(responder: ResponderProcess, name: str, **labels: str) -> float:
    told = ",".join(f'{key}="{value}"' for key, value in labels.items())
    line = re.escape(f"responder_{name}{{{told}}} ") if told else f"responder_{name} "
    found = re.search(f"^{line}(.+)$", responder.get("/metrics").text, re.MULTILINE)
    return 0.0 if found is None else float(found[1])


def wait_held(cluster: Cluster, campaign: str = "spring-sale") -> None:
    eventually_blocking(lambda: cluster.hold(campaign), what=f"{campaign} is held")


def wait_unknown(responder: ResponderProcess, reason: str) -> None:
    eventually_blocking(
        lambda: metric(responder, "alerts_unknown", reason=reason) == 1, what=f"it is {reason}"
    )


def inquiries(responder: ResponderProcess) -> float:
    outcomes = ("whole", "partial", "not_stored", "failed")
    return sum(metric(responder, "alertmanager_inquiries_total", outcome=each) for each in outcomes)


def ask_thrice(responder: ResponderProcess) -> None:
    """Returns once it has been asked, from the beginning to the end, after this call."""
    before = inquiries(responder)
    eventually_blocking(lambda: inquiries(responder) >= before + 3, what="it was asked")


def test_what_is_told_to_nobody_is_held_and_given_back(
    cluster: Cluster, start_public: StartPublic, start_asking: StartAsking
) -> None:
    before = cluster.snapshot()
    server = start_public()
    server.fire(SPRING)
    responder = start_asking(server)
    wait_held(cluster)
    (found,) = cluster.incidents()
    assert found["spec"]["trigger"] == {
        "kind": "alertmanager",
        "by": PUBLIC,
        "receiver": "responder",
    }

    server.resolve(SPRING)

    cluster.wait_closed()
    assert cluster.snapshot() == before
    assert cluster.traces() == []
    for status in ("firing", "resolved"):
        assert metric(responder, "lost_notifications_total", status=status) == 1


def test_a_silence_is_shown_and_what_resolves_beneath_it_is_found(
    cluster: Cluster, kubeconfig: Path, start_public: StartPublic, start_asking: StartAsking
) -> None:
    """Of a silenced alert the resolve is not told either."""
    server = start_public()
    responder = start_asking(server)
    notify(server, responder)
    server.fire(SPRING)
    wait_held(cluster)
    name = cluster.incidents()[0]["metadata"]["name"]

    def silenced() -> tuple[str, str]:
        status = cluster.kube.get(*INCIDENTS, name).get("status", {})
        found = [each for each in status.get("conditions", ()) if each["type"] == "Silenced"]
        return (found[0]["status"], found[0].get("message", "")) if found else ("", "")

    silence = server.silence(SPRING)
    eventually_blocking(lambda: silenced()[0] == "True", what="the silence is shown")
    assert silence in silenced()[1]
    where = (f"--kubeconfig={kubeconfig}", f"--namespace={cluster.kube.namespace}")
    shown = warm_start.run("incidents", "show", name, *where).stdout
    assert f"silenced by {silence}; that neither releases nor disarms" in shown
    server.expire(silence)
    eventually_blocking(lambda: silenced()[0] == "False", what="its end is shown")
    server.silence(SPRING)
    eventually_blocking(lambda: silenced()[0] == "True", what="the next one is shown")
    ask_thrice(responder)
    assert cluster.hold() is not None

    server.resolve(SPRING)

    cluster.wait_closed()
    assert metric(responder, "lost_notifications_total", status="resolved") == 1


def test_neither_was_there_when_the_other_would_have_told(
    cluster: Cluster, start_public: StartPublic, start_asking: StartAsking
) -> None:
    """The resolve is gone with the Alertmanager's memory; a young one's list says nothing yet."""
    server = start_public()
    responder = start_asking(server, grace=4)
    notify(server, responder)
    server.fire(SPRING)
    wait_held(cluster)
    responder.server.terminate()
    server.resolve(SPRING)
    server.server.kill()
    server.server.start_again()

    responder.again()

    wait_unknown(responder, "Young")
    assert cluster.hold() is not None
    cluster.wait_closed()


def test_alerts_that_a_notification_leaves_out_are_found_at_once(
    cluster: Cluster, start_public: StartPublic, start_asking: StartAsking
) -> None:
    """It is asked once an hour here, and a new alert is given five minutes to be told."""
    server = start_public()
    responder = start_asking(server, grace=300, interval=3600)
    eventually_blocking(lambda: inquiries(responder) == 1, what="it was asked at the start")
    notify(server, responder, max_alerts=1)
    server.fire(SPRING, NEWS)
    wait_held(cluster, "spring-sale")
    wait_held(cluster, "newsletter")
    assert len(cluster.incidents()) == 2
    assert metric(responder, "lost_notifications_total", status="firing") == 1
    assert metric(responder, "alerts_total", outcome="Open") == 1


def test_a_resolve_that_a_notification_leaves_out_is_found_at_once(
    cluster: Cluster, start_public: StartPublic, start_asking: StartAsking
) -> None:
    server = start_public()
    responder = start_asking(server, interval=3600)
    eventually_blocking(lambda: inquiries(responder) == 1, what="it was asked at the start")
    notify(server, responder, max_alerts=1)
    server.fire(SPRING, NEWS)
    wait_held(cluster, "spring-sale")
    wait_held(cluster, "newsletter")

    server.resolve(SPRING, NEWS)

    cluster.wait_closed()
    assert metric(responder, "lost_notifications_total", status="resolved") == 1


def test_while_one_of_two_is_down_nothing_is_resolved(
    cluster: Cluster, start_public: StartPublic, start_asking: StartAsking
) -> None:
    one, other = start_public(), start_public()
    responder = start_asking(one, other)
    notify(one, responder)
    one.fire(SPRING)
    wait_held(cluster)
    other.server.kill()
    one.reconfigure(DEAF)
    one.resolve(SPRING)
    wait_unknown(responder, "Down")
    ask_thrice(responder)
    assert metric(responder, "alertmanager_up", alertmanager=other.url) == 0
    assert cluster.hold() is not None

    other.server.start_again()

    cluster.wait_closed()
    assert metric(responder, "alertmanager_up", alertmanager=other.url) == 1


def test_one_that_forgot_everything_releases_nothing(
    cluster: Cluster, start_public: StartPublic, start_asking: StartAsking
) -> None:
    server = start_public()
    responder = start_asking(server, grace=300)
    notify(server, responder)
    server.fire(SPRING)
    wait_held(cluster)
    server.server.kill()
    wait_unknown(responder, "Down")
    server.server.start_again()
    wait_unknown(responder, "Young")
    ask_thrice(responder)
    assert cluster.hold() is not None
    server.fire(SPRING)
    eventually_blocking(lambda: metric(responder, "alerts_unknown", reason="Young") == 0)
    assert cluster.hold() is not None


def test_an_alertmanager_under_another_name_resolves_nothing(
    cluster: Cluster,
    start_public: StartPublic,
    start_asking: StartAsking,
    start_alertmanager: StartAlertmanager,
) -> None:
    told_by = start_alertmanager(DEAF)
    server = start_public()
    responder = start_asking(server)
    notify(told_by, responder)
    told_by.fire(SPRING)
    wait_held(cluster)
    wait_unknown(responder, "UnknownSender")
    ask_thrice(responder)
    assert cluster.hold() is not None
    told_by.resolve(SPRING)
    cluster.wait_closed()


def test_closed_by_a_person_while_it_fires_it_stays_closed(
    cluster: Cluster, start_public: StartPublic, start_asking: StartAsking
) -> None:
    server = start_public()
    responder = start_asking(server)
    notify(server, responder)
    server.fire(SPRING)
    wait_held(cluster)
    name = cluster.incidents()[0]["metadata"]["name"]
    responder.post(f"/api/v1/incidents/{cluster.kube.namespace}/{name}/release", {})
    cluster.wait_closed()
    ask_thrice(responder)
    assert len(cluster.incidents()) == 1
    assert cluster.hold() is None

"""The main job: a real Alertmanager fires, exactly what hurts is held, all of it comes back."""

from tests.controlplane.eventually import eventually_blocking
from tests.controlplane.fixtures import StartAlertmanager
from tests.controlplane.real_alertmanager import webhook_configuration
from tests.e2e.cluster import Cluster
from tests.e2e.conftest import StartResponder
from tests.e2e.process import TOKEN

ALERT = {"alertname": "HighBounceRate", "severity": "critical", "campaign": "spring-sale"}


def test_a_real_alert_holds_what_hurts_and_its_resolve_gives_all_of_it_back(
    cluster: Cluster, start_responder: StartResponder, start_alertmanager: StartAlertmanager
) -> None:
    responder = start_responder(cold=True)
    eventually_blocking(lambda: cluster.pods() == 8, what="the sender's pods run")
    before = cluster.snapshot()
    alertmanager = start_alertmanager(
        webhook_configuration(f"{responder.url}/webhooks/alertmanager", bearer_token=TOKEN)
    )

    alertmanager.fire(ALERT)

    eventually_blocking(lambda: cluster.hold() is not None, what="the campaign is paused")
    hold = cluster.hold()
    assert hold is not None
    assert hold["share"] == 0.0
    eventually_blocking(lambda: cluster.bounds() == (2, 2), what="the autoscaler is bounded")
    eventually_blocking(lambda: cluster.pods() == 2, what="pods are really gone")
    assert cluster.replicas() == 2
    assert cluster.hold("newsletter") is None
    assert cluster.hold("password-reset") is None

    alertmanager.resolve(ALERT)

    cluster.wait_closed()
    assert cluster.snapshot() == before
    assert cluster.traces() == []

"""An API server that is gone, stopped, slow or half heard costs a retry, and nothing else."""

import contextlib
import time
from collections.abc import Iterator

import pytest

from responder.sandbox.audit.versions import AUTOSCALER
from tests.auditor.auditor import Auditor
from tests.controlplane import run_logs
from tests.controlplane.control_plane import ControlPlane
from tests.controlplane.eventually import eventually_blocking
from tests.controlplane.fixtures import StartAlertmanager
from tests.controlplane.real_alertmanager import webhook_configuration
from tests.e2e.api_proxy import Fault
from tests.e2e.cluster import AUTOSCALERS, CONFIG_MAPS, INCIDENTS, Cluster
from tests.e2e.conftest import ARTICLE, StartResponder
from tests.e2e.process import TOKEN, Answer, Body, ResponderProcess, alert
from tests.e2e.stage import Stage, Stages, is_over

REQUEST_SECONDS = 3.0
RESOLVED = alert(status="resolved")
LABELS = {"alertname": "HighBounceRate", "severity": "critical", "campaign": "spring-sale"}


@pytest.fixture(scope="module", autouse=True)
def _impatient() -> Iterator[None]:
    """Every responder here has so long to answer a notification."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("RESPONDER_REQUEST_SECONDS", str(REQUEST_SECONDS))
        yield


def is_held(cluster: Cluster, campaign: str = "spring-sale") -> bool:
    hold = cluster.hold(campaign)
    return hold is not None and hold["share"] == 0.0 and cluster.bounds() == (2, 2)


def wait_over(cluster: Cluster) -> None:
    eventually_blocking(
        lambda: cluster.incidents() and is_over(cluster), what="everything is given back"
    )


def assert_put_off(answer: Answer) -> None:
    assert answer.status == 503
    assert int(answer.headers["Retry-After"]) >= 1
    assert answer.headers["Content-Type"].startswith("application/problem+json")


def assert_put_off_in_time(responder: ResponderProcess, notified: Body) -> None:
    asked = time.monotonic()
    assert_put_off(responder.notify(notified))
    assert time.monotonic() - asked < REQUEST_SECONDS + 2.0


def retry(responder: ResponderProcess, *alerts: Body) -> int:
    """Send as Alertmanager does, again after every 503; tells how often it took."""
    answers: list[int] = []

    def is_taken() -> bool:
        answers.append(responder.notify(*alerts).status)
        assert answers[-1] in (200, 503)
        return answers[-1] == 200

    eventually_blocking(is_taken, within_seconds=60.0, what="the notification is taken")
    return len(answers)


# An API server of one's own, stopped and killed


@pytest.fixture
def auditor(own_auditor: Auditor) -> Auditor:
    """All that `kube`, `cluster` and `start_responder` do is done on the private API server."""
    return own_auditor


def put_off(responder: ResponderProcess) -> int:
    """How many notifications the responder says that it put off."""
    lines = responder.get("/metrics").text.splitlines()
    told = 'responder_notifications_total{sender="alertmanager",status="503"} '
    return sum(int(float(line.removeprefix(told))) for line in lines if line.startswith(told))


def test_a_stopped_api_server_costs_the_sender_a_retry_and_nothing_else(
    own_control_plane: ControlPlane,
    cluster: Cluster,
    start_responder: StartResponder,
    start_alertmanager: StartAlertmanager,
) -> None:
    before = cluster.snapshot()
    responder = start_responder()
    alertmanager = start_alertmanager(
        webhook_configuration(f"{responder.url}/webhooks/alertmanager", bearer_token=TOKEN)
    )
    newsletter = alert(campaign="newsletter", fingerprint="00000000000000bb")

    own_control_plane.suspend()
    try:
        alertmanager.fire(LABELS)
        assert_put_off_in_time(responder, newsletter)
        assert responder.get("/healthz").text == "ok\n"
        eventually_blocking(lambda: put_off(responder) >= 2, what="Alertmanager is put off, too")
    finally:
        own_control_plane.resume()

    eventually_blocking(lambda: is_held(cluster), what="Alertmanager's own retry is taken")
    retry(responder, newsletter)
    eventually_blocking(lambda: is_held(cluster, "newsletter"), what="and the other sender's")
    assert len(cluster.incidents()) == 2

    alertmanager.resolve(LABELS)
    retry(responder, {**newsletter, "status": "resolved"})
    wait_over(cluster)
    assert cluster.snapshot() == before


def test_a_killed_api_server_that_comes_back_is_followed_again(
    own_control_plane: ControlPlane, cluster: Cluster, start_responder: StartResponder
) -> None:
    before = cluster.snapshot()
    responder = start_responder()
    assert responder.notify(alert()).status == 200
    eventually_blocking(lambda: is_held(cluster), what="the campaign and its workload are held")
    newsletter = alert(campaign="newsletter", fingerprint="00000000000000bb")

    own_control_plane.kill_api_server()
    assert_put_off_in_time(responder, newsletter)
    eventually_blocking(
        lambda: responder.get("/readyz").status == 503, what="it isn't ready and says so"
    )
    told = responder.get("/readyz").text
    assert "the watch of incidents in test is not in sync" in told
    assert_put_off_in_time(responder, newsletter)
    assert responder.get("/healthz").status == 200

    own_control_plane.start_api_server()
    eventually_blocking(lambda: responder.get("/readyz").status == 200, what="it is ready again")
    assert is_held(cluster)
    # Its watches tell again what others do.
    cluster.kube.patch(*AUTOSCALERS, "email-sender-hpa", {"spec": {"maxReplicas": 30}})
    eventually_blocking(lambda: is_held(cluster), what="an edit is answered")
    retry(responder, newsletter)
    eventually_blocking(lambda: is_held(cluster, "newsletter"), what="the retry is held")
    assert len(cluster.incidents()) == 2

    retry(responder, RESOLVED, {**newsletter, "status": "resolved"})
    wait_over(cluster)
    before["horizontalpodautoscalers/email-sender-hpa"]["spec"]["maxReplicas"] = 30
    assert cluster.snapshot() == before


# A connection that loses, delays and breaks


@pytest.fixture(scope="module")
def stages(
    control_plane: ControlPlane,
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Stages]:
    with contextlib.ExitStack() as ends:
        yield Stages(
            control_plane,
            playbook=ARTICLE,
            folder=tmp_path_factory.mktemp("outages"),
            logs=run_logs.directory(request.config),
            ends=ends,
        )


@pytest.fixture
def stage(stages: Stages) -> Iterator[Stage]:
    with stages.act() as acting:
        yield acting


LOST_ANSWERS = {
    "of the create": ("POST", r"/incidents\?"),
    "of the campaign's patch": ("PATCH", "/configmaps/spring-sale"),
    "of the autoscaler's patch": ("PATCH", "/horizontalpodautoscalers/"),
    "of the status": ("PATCH", "/incidents/[^/]+/status"),
}


@pytest.mark.parametrize("fault", [Fault.LOST, Fault.GATEWAY_TIMEOUT])
@pytest.mark.parametrize("request_", LOST_ANSWERS.values(), ids=LOST_ANSWERS)
def test_a_write_that_was_carried_out_untold_is_recognised(
    request_: tuple[str, str], fault: Fault, stage: Stage
) -> None:
    before = stage.cluster.snapshot()
    point = stage.proxy.break_at(*request_, fault)
    # The create, too: it is read again by name, and its token tells that it is ours.
    assert stage.responder.notify(alert()).status == 200
    point.wait()
    eventually_blocking(lambda: is_held(stage.cluster), what="the hold stands")
    assert len(stage.cluster.incidents()) == 1
    assert stage.responder.notify(RESOLVED).status == 200
    wait_over(stage.cluster)
    assert stage.cluster.snapshot() == before
    assert stage.values(AUTOSCALER, "email-sender-hpa", "maxReplicas") == [20, 2, 20]


def test_a_create_that_was_stored_after_its_time_is_no_second_incident(stage: Stage) -> None:
    before = stage.cluster.snapshot()
    stage.proxy.break_at("POST", r"/incidents\?", Fault.SILENCE)
    assert_put_off_in_time(stage.responder, alert())
    assert len(stage.cluster.incidents()) == 1
    retry(stage.responder, alert())
    eventually_blocking(lambda: is_held(stage.cluster), what="the hold stands")
    assert len(stage.cluster.incidents()) == 1
    retry(stage.responder, RESOLVED)
    wait_over(stage.cluster)
    assert stage.cluster.snapshot() == before


def test_a_write_that_comes_late_does_not_undo_what_somebody_wrote_meanwhile(stage: Stage) -> None:
    before = stage.cluster.snapshot()
    point = stage.proxy.break_at("PATCH", "/horizontalpodautoscalers/", Fault.LATE)
    assert stage.responder.notify(alert()).status == 200
    point.wait()
    kube = stage.cluster.kube
    kube.patch(*AUTOSCALERS, "email-sender-hpa", {"spec": {"maxReplicas": 30}})
    point.let_go()
    eventually_blocking(lambda: is_held(stage.cluster), what="the hold stands")
    assert stage.responder.notify(RESOLVED).status == 200
    wait_over(stage.cluster)
    before["horizontalpodautoscalers/email-sender-hpa"]["spec"]["maxReplicas"] = 30
    assert stage.cluster.snapshot() == before
    kube.patch(*AUTOSCALERS, "email-sender-hpa", {"spec": {"maxReplicas": 20}})


def test_two_seconds_for_each_answer_change_nothing_but_the_time(stage: Stage) -> None:
    before = stage.cluster.snapshot()
    stage.proxy.delay_seconds = 2.0
    retry(stage.responder, alert())
    eventually_blocking(lambda: is_held(stage.cluster), what="the hold stands")
    retry(stage.responder, RESOLVED)
    eventually_blocking(
        lambda: stage.cluster.bounds() == (2, 20) and stage.cluster.hold() is None,
        what="it is given back",
    )
    stage.proxy.delay_seconds = 0.0
    wait_over(stage.cluster)
    assert len(stage.cluster.incidents()) == 1
    assert stage.cluster.snapshot() == before


def test_a_notification_too_large_to_store_in_time_gets_further_with_each_retry(
    stage: Stage,
) -> None:
    alerts = [
        alert(campaign=f"unknown-{number}", fingerprint=f"{number:016x}") for number in range(100)
    ]
    stage.proxy.delay_seconds = 1.0
    assert 1 < retry(stage.responder, *alerts) < 10
    stage.proxy.delay_seconds = 0.0
    assert len(stage.cluster.incidents()) == 100
    retry(stage.responder, *({**item, "status": "resolved"} for item in alerts))
    wait_over(stage.cluster)


def test_what_others_do_while_it_is_cut_off_is_answered_when_it_is_back(stage: Stage) -> None:
    before = stage.cluster.snapshot()
    assert stage.responder.notify(alert()).status == 200
    eventually_blocking(lambda: is_held(stage.cluster), what="the hold stands")

    stage.proxy.cut()
    kube = stage.cluster.kube
    kube.patch(*AUTOSCALERS, "email-sender-hpa", {"spec": {"maxReplicas": 30}})
    kube.patch(*CONFIG_MAPS, "spring-sale", {"data": {"hold.json": None}})
    eventually_blocking(
        lambda: stage.responder.get("/readyz").status == 503, what="it isn't ready and says so"
    )
    assert_put_off_in_time(stage.responder, alert(campaign="newsletter"))
    assert stage.responder.get("/healthz").status == 200
    assert stage.cluster.bounds() == (2, 30)

    stage.proxy.mend()
    eventually_blocking(lambda: is_held(stage.cluster), what="the hold is renewed")
    eventually_blocking(
        lambda: stage.responder.get("/readyz").status == 200, what="it is ready again"
    )
    assert stage.responder.notify(RESOLVED).status == 200
    wait_over(stage.cluster)
    before["horizontalpodautoscalers/email-sender-hpa"]["spec"]["maxReplicas"] = 30
    assert stage.cluster.snapshot() == before
    kube.patch(*AUTOSCALERS, "email-sender-hpa", {"spec": {"maxReplicas": 20}})


def test_an_incident_deleted_while_it_is_cut_off_is_given_back_when_it_is_back(
    stage: Stage,
) -> None:
    before = stage.cluster.snapshot()
    assert stage.responder.notify(alert()).status == 200
    eventually_blocking(lambda: is_held(stage.cluster), what="the hold stands")
    stage.proxy.cut()
    [incident] = stage.cluster.incidents()
    stage.cluster.kube.delete(*INCIDENTS, incident["metadata"]["name"])
    assert is_held(stage.cluster)
    stage.proxy.mend()
    eventually_blocking(
        lambda: not stage.cluster.incidents() and is_over(stage.cluster), what="it is given back"
    )
    assert stage.cluster.snapshot() == before

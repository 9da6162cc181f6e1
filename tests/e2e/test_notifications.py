"""What senders do to us: repetition, batches, order, and one bad apple among many."""

from typing import Any

from tests.controlplane.eventually import eventually_blocking
from tests.e2e.cluster import Cluster, phase
from tests.e2e.conftest import StartResponder
from tests.e2e.process import ResponderProcess, alert

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
QUARANTINE = """
apiVersion: campaign-responder.dev/v1alpha1
kind: Playbook
metadata: {name: quarantine}
spec:
  matchers: [alertname="Quarantine"]
  holds:
    - reroute: {campaign: "{{ labels.campaign }}", to: quarantine}
  resume: {start: {after: 0s}}
"""


def held(cluster: Cluster) -> bool:
    return cluster.hold() is not None and cluster.bounds() == (2, 2)


def applied(cluster: Cluster) -> bool:
    """The incident's status tells that its holds are in."""
    return [
        condition["reason"]
        for incident in cluster.incidents()
        for condition in incident.get("status", {}).get("conditions", ())
        if condition["type"] == "Applied"
    ] == ["Committed"]


def versions(cluster: Cluster) -> dict[str, Any]:
    """Of incidents every write counts; of workloads only ours do, not their controllers'."""
    incidents = {
        item["metadata"]["name"]: item["metadata"]["resourceVersion"]
        for item in cluster.incidents()
    }
    return incidents | {
        item["metadata"]["uid"]: (item["metadata"].get("generation"), cluster.ledger(item))
        for item in cluster.objects()
    }


def wait_known_closed(responder: ResponderProcess) -> None:
    """The responder itself has seen the close."""
    eventually_blocking(
        lambda: (
            [item["status"]["phase"] for item in responder.get("/api/v1/incidents").json]
            == ["Closed"]
        ),
        what="the responder knows that it is closed",
    )


def test_the_same_notification_a_hundred_times_is_one_incident_and_one_write(
    cluster: Cluster, responder: ResponderProcess
) -> None:
    firing = alert()
    assert responder.notify(firing).status == 200
    eventually_blocking(lambda: held(cluster) and applied(cluster), what="held and recorded")
    # The real autoscaler has done its part, so that whatever is written from now on is ours.
    eventually_blocking(lambda: cluster.replicas() == 2, what="lowered by the autoscaler")
    before = versions(cluster)

    answers = [responder.notify(firing) for _ in range(100)]

    assert {answer.status for answer in answers} == {200}
    assert {answer.json["incidents"][0]["outcome"] for answer in answers} == {"Known"}
    assert versions(cluster) == before


def test_twenty_alerts_that_differ_in_pod_only_are_one_incident_and_one_write_a_notification(
    cluster: Cluster, responder: ResponderProcess
) -> None:
    def batch(status: str) -> list[dict[str, Any]]:
        return [alert(status=status, pod=f"sender-{n}", fingerprint=f"{n:016x}") for n in range(20)]

    answer = responder.notify(*batch("firing"))

    assert len(answer.json["incidents"]) == 1
    eventually_blocking(lambda: held(cluster) and applied(cluster), what="held and recorded")
    incident = cluster.incidents()[0]
    assert len(incident["spec"]["alerts"]) == 20
    # A spec's generation counts its writes: the create is the first.
    assert incident["metadata"]["generation"] == 1

    responder.notify(*batch("resolved"))

    cluster.wait_closed()
    # The resolve, and the finalizer's removal, which changes no spec and counts not.
    assert cluster.incidents()[0]["metadata"]["generation"] == 2
    assert len(cluster.incidents()) == 1
    assert cluster.traces() == []


def test_firing_resolved_firing_with_one_starts_at_holds_again(
    cluster: Cluster, responder: ResponderProcess
) -> None:
    responder.notify(alert())
    eventually_blocking(lambda: held(cluster), what="held")
    responder.notify(alert(status="resolved"))
    cluster.wait_closed()

    responder.notify(alert())

    eventually_blocking(lambda: held(cluster), what="held again")
    names = [incident["metadata"]["name"] for incident in cluster.incidents()]
    assert sorted(name.rpartition("-")[2] for name in names) == ["1", "2"]
    responder.notify(alert(status="resolved"))
    cluster.wait_closed()
    assert cluster.traces() == []


def test_one_bad_alert_in_a_batch_of_fifty_drops_none_of_the_others(
    cluster: Cluster, start_responder: StartResponder
) -> None:
    responder = start_responder(PER_CAMPAIGN)
    for number in range(49):
        cluster.kube.create(
            "v1",
            "configmaps",
            {
                "metadata": {
                    "name": f"camp-{number}",
                    "labels": {"campaign-responder.dev/campaign": f"camp-{number}"},
                },
                "data": {"subject": "hello"},
            },
        )
    batch = [alert(campaign=f"camp-{n}", fingerprint=f"{n:016x}") for n in range(49)]
    bad = {**alert(), "labels": {"alertname": 7}}

    answer = responder.notify(*batch[:25], bad, *batch[25:])

    assert answer.status == 200
    assert [rejected["index"] for rejected in answer.json["rejected"]] == [25]
    eventually_blocking(
        lambda: sum(cluster.hold(f"camp-{n}") is not None for n in range(49)) == 49,
        what="the other 49 are held",
    )


def test_an_alert_without_the_label_that_matters_holds_nothing_and_says_so(
    cluster: Cluster, start_responder: StartResponder
) -> None:
    responder = start_responder(PER_CAMPAIGN)
    before = cluster.snapshot()

    answer = responder.notify(alert(campaign=""))

    assert answer.status == 200
    eventually_blocking(
        lambda: [phase(item) for item in cluster.incidents()] == ["Holding"], what="recorded"
    )
    conditions = {found["type"]: found for found in cluster.incidents()[0]["status"]["conditions"]}
    assert conditions["NoTarget"]["status"] == "True"
    assert "campaign" in conditions["NoTarget"]["message"]
    assert cluster.snapshot() == before


def test_a_trigger_by_hand_holds_without_any_alert_and_a_release_gives_back(
    cluster: Cluster, responder: ResponderProcess
) -> None:
    before = cluster.snapshot()

    answer = responder.trigger("high-bounce-rate", campaign="spring-sale")

    assert answer.status == 201, answer.text
    eventually_blocking(lambda: held(cluster) and applied(cluster), what="held and recorded")
    assert cluster.incidents()[0]["spec"]["trigger"] == {
        "kind": "manual",
        "by": "a test",
        "reason": "by hand",
    }
    assert responder.trigger("high-bounce-rate", campaign="spring-sale").status == 200
    assert len(cluster.incidents()) == 1

    name = answer.json["name"]
    path = f"/api/v1/incidents/{cluster.kube.namespace}/{name}/release"
    assert responder.post(path, {"by": "a test", "reason": "list cleaned"}).status == 200

    cluster.wait_closed()
    assert cluster.snapshot() == before
    assert cluster.traces() == []


def test_a_reroute_to_the_quarantine_pool_is_given_back(
    cluster: Cluster, start_responder: StartResponder
) -> None:
    responder = start_responder(QUARANTINE)
    before = cluster.snapshot()

    responder.notify(alert(alertname="Quarantine"))

    eventually_blocking(lambda: cluster.hold() is not None, what="rerouted")
    hold = cluster.hold()
    assert hold is not None
    assert (hold["pool"], hold["share"]) == ("quarantine", None)

    responder.notify(alert(alertname="Quarantine", status="resolved"))

    cluster.wait_closed()
    assert cluster.snapshot() == before
    assert cluster.traces() == []


def test_what_is_not_allowed_or_transactional_is_refused_and_the_rest_is_held(
    cluster: Cluster, responder: ResponderProcess
) -> None:
    cluster.kube.kubectl("label", "deployment/email-sender", "campaign-responder.dev/hold-")
    before = cluster.snapshot()

    responder.notify(alert(campaign="password-reset"))

    def states() -> dict[str, str]:
        return {
            target["subject"]: target["state"]
            for incident in cluster.incidents()
            for target in incident.get("status", {}).get("targets", ())
        }

    eventually_blocking(lambda: len(states()) == 2, what="both refusals are recorded")
    assert states() == {
        "campaign/password-reset": "Transactional",
        "Deployment/email-sender": "NotAllowed",
    }
    assert cluster.snapshot() == before


def test_a_person_deletes_an_incident_and_its_holds_are_given_back_first(
    cluster: Cluster, responder: ResponderProcess
) -> None:
    before = cluster.snapshot()
    responder.notify(alert())
    eventually_blocking(lambda: held(cluster), what="held")
    name = cluster.incidents()[0]["metadata"]["name"]

    cluster.kube.kubectl("delete", "incident", name, "--timeout=30s")

    assert cluster.incidents() == []
    assert cluster.snapshot() == before
    assert cluster.traces() == []


def test_closed_by_hand_while_it_fires_it_stays_closed_until_a_resolve_was_seen(
    cluster: Cluster, responder: ResponderProcess
) -> None:
    responder.notify(alert())
    eventually_blocking(lambda: held(cluster), what="held")
    name = cluster.incidents()[0]["metadata"]["name"]
    responder.post(f"/api/v1/incidents/{cluster.kube.namespace}/{name}/release", {})
    wait_known_closed(responder)

    assert responder.notify(alert()).json["incidents"][0]["outcome"] == "StaysClosed"
    assert len(cluster.incidents()) == 1

    responder.notify(alert(status="resolved"))
    responder.notify(alert())

    eventually_blocking(lambda: held(cluster), what="held by the next incident")
    assert len(cluster.incidents()) == 2

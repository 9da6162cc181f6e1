"""What a sender may say without bound is bounded before it is stored, on the real API server."""

import json
from typing import Any

from tests.controlplane.eventually import eventually_blocking
from tests.e2e.cluster import Cluster, phase
from tests.e2e.conftest import ARTICLE
from tests.e2e.process import ResponderProcess, alert
from tests.e2e.test_notifications import applied, held

WORST = "<🙂\u0001" * 400


def hostile(number: int, *, status: str = "firing") -> dict[str, Any]:
    """An alert of the article's campaign that takes as much room as it can."""
    made = alert(status=status, fingerprint=f"{number:016x}")
    made["labels"] |= {f"{number}-{index}-{WORST[:60]}": WORST[:300] for index in range(20)}
    made["annotations"] = {"summary": WORST}
    return made


def test_more_alerts_than_fit_from_senders_without_end_are_one_incident_that_waits_for_a_person(
    cluster: Cluster, responder: ResponderProcess
) -> None:
    for first in range(0, 250, 50):
        batch = [hostile(number) for number in range(first, first + 50)]
        assert responder.notify(*batch).status == 200
    for sender in range(8):
        url = f"http://{sender}.{WORST}"
        assert responder.notify(hostile(0), hostile(1), externalURL=url).status == 200
    eventually_blocking(lambda: held(cluster) and applied(cluster), what="held and recorded")
    (incident,) = cluster.incidents()
    assert len(incident["spec"]["alerts"]) == 200
    assert incident["spec"]["alertsOmitted"] == 50
    assert len(json.dumps(incident, ensure_ascii=False).encode()) < 1_000_000

    for first in range(0, 250, 50):
        batch = [hostile(number, status="resolved") for number in range(first, first + 50)]
        assert responder.notify(*batch).status == 200
    for sender in range(8):
        url = f"http://{sender}.{WORST}"
        batch = [hostile(number, status="resolved") for number in range(2)]
        assert responder.notify(*batch, externalURL=url).status == 200

    eventually_blocking(
        lambda: cluster.incidents()[0]["status"]["reason"] == "WaitsForPerson",
        what="it waits for a person",
    )
    assert held(cluster)
    name = incident["metadata"]["name"]
    path = f"/api/v1/incidents/{cluster.kube.namespace}/{name}/release"
    assert responder.post(path, {"by": "a test"}).status == 200
    cluster.wait_closed()
    assert cluster.traces() == []


def test_a_value_too_long_to_be_stored_is_refused_and_recorded(
    cluster: Cluster, responder: ResponderProcess
) -> None:
    """Twice the same is one incident; another such value is another."""
    answers = [
        responder.notify(alert(campaign=WORST * 5 + end, fingerprint=f"{number:016x}"))
        for number, end in enumerate(("a", "a", "b"))
    ]
    assert [answer.json["incidents"][0].get("error") for answer in answers] == [None] * 3
    assert len(cluster.incidents()) == 2
    eventually_blocking(
        lambda: [phase(item) for item in cluster.incidents()] == ["Holding", "Holding"],
        what="both are recorded",
    )
    for incident in cluster.incidents():
        assert [refusal["reason"] for refusal in incident["spec"]["refusals"]] == ["InvalidName"]
    responder.notify(
        *(
            alert(campaign=WORST * 5 + end, fingerprint=f"{number:016x}", status="resolved")
            for number, end in enumerate(("a", "a", "b"))
        )
    )
    cluster.wait_closed()


def test_a_resolve_ends_what_a_playbook_began_that_was_edited_away(
    cluster: Cluster, responder: ResponderProcess
) -> None:
    before = cluster.snapshot()
    responder.notify(alert())
    eventually_blocking(lambda: held(cluster) and applied(cluster), what="held and recorded")
    (responder.playbooks / "0.yaml").write_text(ARTICLE.replace("high-bounce-rate", "another"))
    eventually_blocking(
        lambda: [item["name"] for item in responder.get("/api/v1/playbooks").json] == ["another"],
        what="the playbooks are read again",
    )
    assert responder.notify(alert(status="resolved")).status == 200
    cluster.wait_closed()
    assert cluster.snapshot() == before
    assert cluster.traces() == []


def test_what_is_published_is_what_is_served(responder: ResponderProcess) -> None:
    document = responder.send("GET", "/api/openapi.json", token="").json
    assert document["openapi"].startswith("3.1")
    for path, operations in document["paths"].items():
        if "get" in operations and "{" not in path:
            assert responder.get(path).status == 200

"""The door: who may come in, what is answered to what, and what it says when it can't."""

import json
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.controlplane.eventually import eventually_blocking
from tests.e2e.cluster import Cluster
from tests.e2e.conftest import ARTICLE, StartResponder
from tests.e2e.process import TOKEN, Answer, ResponderProcess, alert, notification
from tests.e2e.test_notifications import versions

HOOK = "/webhooks/alertmanager"


def test_without_the_token_nothing_is_accepted(
    cluster: Cluster, responder: ResponderProcess, subtests: pytest.Subtests
) -> None:
    for path in (HOOK, "/api/v1/playbooks/high-bounce-rate/trigger"):
        for token in ("", "wrong", f"{TOKEN}-and-more"):
            with subtests.test(path=path, token=token):
                answer = responder.send("POST", path, notification(alert()), token=token)
                assert answer.status == 401
                assert answer.headers["Content-Type"].startswith("application/problem+json")
                assert "WWW-Authenticate" in answer.headers
    for path in ("/healthz", "/readyz", "/metrics"):
        assert responder.send("GET", path, token="").status == 200
    for path in (HOOK, "/api/v1/playbooks/high-bounce-rate/trigger"):
        assert responder.get(path).status == 405
    assert cluster.incidents() == []


def test_a_rotated_token_counts_without_a_restart(responder: ResponderProcess) -> None:
    (responder.playbooks.parent / "token").write_text("another-token-of-tests")

    def accepted(token: str) -> bool:
        return responder.send("GET", "/api/v1/playbooks", token=token).status == 200

    eventually_blocking(lambda: accepted("another-token-of-tests"), what="the new token counts")
    assert responder.get("/api/v1/playbooks").status == 401


NEVER = {
    "junk": (b"junk", 400, "JSON"),
    "empty": (b"", 400, ""),
    "a list": (b"[1, 2]", 400, ""),
    "a custom payload": (b'{"text": "a custom payload"}', 400, "payload"),
    "another version": (
        json.dumps({**notification(alert()), "version": "3"}).encode(),
        400,
        "version",
    ),
    "not UTF-8": (b"\xff\xfe" * 100, 400, ""),
    "nested without end": (b"[" * 100_000, 400, ""),
    "ten megabytes": (b"x" * 10_000_000, 413, "max_alerts"),
}


def test_a_body_that_can_never_be_accepted_is_told_what_is_wrong(
    cluster: Cluster, responder: ResponderProcess, subtests: pytest.Subtests
) -> None:
    for name, (body, status, words) in NEVER.items():
        with subtests.test(name):
            answer = responder.post(HOOK, body)
            assert answer.status == status
            assert answer.headers["Content-Type"].startswith("application/problem+json")
            assert words in answer.text
    assert responder.get("/healthz").status == 200
    assert cluster.incidents() == []


def test_a_hostile_label_holds_nobody_else_and_breaks_no_neighbour(
    cluster: Cluster, responder: ResponderProcess, subtests: pytest.Subtests
) -> None:
    hostile = (
        'x", "share": 1',
        "{{ labels }}",
        "../../secrets",
        "a\nb",
        "x" * 5000,
        ".*",
        "\u202eelas-gnirps",
    )
    for number, value in enumerate(hostile):
        with subtests.test(value[:20]):
            answer = responder.notify(
                alert(campaign=value, fingerprint=f"{number:016x}"), alert(campaign="newsletter")
            )
            assert answer.status == 200, answer.text
    eventually_blocking(lambda: cluster.hold("newsletter") is not None, what="the other is held")
    assert cluster.hold("spring-sale") is None
    assert cluster.hold("password-reset") is None


def test_a_plan_tells_what_would_change_and_writes_nothing(
    cluster: Cluster, responder: ResponderProcess
) -> None:
    before = versions(cluster)
    body = {"labels": {"campaign": "spring-sale"}}

    answer = responder.post("/api/v1/playbooks/high-bounce-rate/plan", body)

    assert answer.status == 200, answer.text
    changes = {(c["kind"], c["field"]): (c["before"], c["after"]) for c in answer.json["changes"]}
    assert changes["HorizontalPodAutoscaler", "maxReplicas"] == (20, 2)
    assert changes["ConfigMap", "hold.json"][0] is None
    assert versions(cluster) == before


WRONG: dict[str, tuple[str, dict[str, Any], int, str]] = {
    "an unknown playbook": ("nowhere", {"labels": {}}, 404, "high-bounce-rate"),
    "a misspelt field": ("high-bounce-rate", {"lables": {}}, 400, "lables"),
    "not a text": ("high-bounce-rate", {"labels": {"a": 1}}, 400, "labels"),
}


def test_a_trigger_that_is_wrong_says_which_field(
    responder: ResponderProcess, subtests: pytest.Subtests
) -> None:
    for name, (playbook, body, status, words) in WRONG.items():
        with subtests.test(name):
            answer = responder.post(f"/api/v1/playbooks/{playbook}/trigger", body)
            assert answer.status == status
            assert words in answer.text


def test_more_than_it_can_store_at_once_is_put_off_and_not_lost(
    cluster: Cluster, start_responder: StartResponder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RESPONDER_MOST_REQUESTS", "1")
    responder = start_responder()
    answers: list[Answer] = []

    def send(number: int) -> None:
        alerts = [
            alert(campaign=f"c-{number}-{n}", fingerprint=f"{number:08x}{n:08x}")
            for n in range(100)
        ]
        answers.append(responder.notify(*alerts))

    threads = [threading.Thread(target=send, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    statuses = {answer.status for answer in answers}
    assert statuses == {200, 503}
    assert all(int(a.headers["Retry-After"]) > 0 for a in answers if a.status == 503)
    stored = sum(answer.status == 200 for answer in answers) * 100
    assert len(cluster.incidents()) >= stored


def test_it_is_ready_once_its_playbooks_are_and_keeps_the_last_good_ones(
    cluster: Cluster, start_responder: StartResponder
) -> None:
    del cluster
    responder = start_responder("spec: 7", ready=False)
    eventually_blocking(lambda: healthy(responder), what="it answers")
    answer = responder.get("/readyz")
    assert answer.status == 503
    assert "playbooks" in answer.text
    assert responder.notify(alert()).status == 503

    write(responder.playbooks, ARTICLE)
    responder.wait_ready()
    assert metric(responder, "responder_playbooks_last_load_valid") == 1

    write(responder.playbooks, "spec: 7")
    eventually_blocking(
        lambda: metric(responder, "responder_playbooks_last_load_valid") == 0,
        what="the mistake is seen",
    )
    assert responder.get("/readyz").status == 200
    assert [item["name"] for item in responder.get("/api/v1/playbooks").json] == [
        "high-bounce-rate"
    ]
    assert "playbooks_not_loaded" in responder.server.log.read_text()


def write(folder: Path, text: str) -> None:
    (folder / "0.yaml").write_text(text)


def healthy(responder: ResponderProcess) -> bool:
    try:
        return responder.get("/healthz").status == 200
    except OSError:
        return False


def metric(responder: ResponderProcess, name: str) -> float | None:
    for line in responder.get("/metrics").text.splitlines():
        if line.startswith(f"{name} "):
            return float(line.removeprefix(f"{name} "))
    return None


def test_the_brakes_time_is_measured(cluster: Cluster, responder: ResponderProcess) -> None:
    responder.notify(alert())
    eventually_blocking(
        lambda: metric(responder, "responder_brake_seconds_count") == 1, what="measured"
    )
    assert cluster.hold() is not None
    text = 'responder_incidents{phase="Holding",playbook="high-bounce-rate"} 1.0'
    eventually_blocking(lambda: text in responder.get("/metrics").text, what="counted")

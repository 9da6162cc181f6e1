"""The hand tools, as a person types them: with the responder up, and with it down."""

import json
import os
from pathlib import Path

import pytest

from tests.controlplane import warm_start
from tests.controlplane.eventually import eventually_blocking
from tests.e2e.cluster import Cluster
from tests.e2e.conftest import ARTICLE
from tests.e2e.process import ResponderProcess, alert, notification
from tests.e2e.test_notifications import applied, held, versions


class Tool:
    """Runs `responder` with an operator's own rights in the test's namespace."""

    def __init__(self, cluster: Cluster, playbooks: Path) -> None:
        plane = cluster.kube.control_plane
        self._environment = {
            **os.environ,
            "RESPONDER_KUBECONFIG": str(plane.kubeconfig),
            "RESPONDER_NAMESPACE": cluster.kube.namespace,
            "RESPONDER_PLAYBOOKS": str(playbooks),
        }

    def __call__(self, *arguments: str, stdin: str = "", code: int = 0) -> str:
        """Returns what it printed, once it ended with `code`."""
        done = warm_start.run(*arguments, stdin=stdin, environment=self._environment)
        assert done.returncode == code, f"{done.returncode}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr
        return done.stdout + done.stderr


@pytest.fixture
def tool(cluster: Cluster, responder: ResponderProcess) -> Tool:
    return Tool(cluster, responder.playbooks)


def test_a_person_looks_plans_and_releases_while_the_responder_runs(
    cluster: Cluster, responder: ResponderProcess, tool: Tool
) -> None:
    before, untouched = cluster.snapshot(), versions(cluster)

    told = tool("plan", "--playbook", "high-bounce-rate", "--label", "campaign=spring-sale")
    assert "maxReplicas" in told
    payload = json.dumps(notification(alert()))
    assert "hold.json" in tool("plan", "--payload", "-", stdin=payload)
    changes = json.loads(tool("plan", "--payload", "-", "--json", stdin=payload))[0]["changes"]
    assert {change["name"] for change in changes} == {"email-sender-hpa", "spring-sale"}
    assert "no incidents" in tool("incidents", "list")
    assert versions(cluster) == untouched

    responder.notify(alert())
    eventually_blocking(lambda: held(cluster) and applied(cluster), what="held and recorded")
    name = cluster.incidents()[0]["metadata"]["name"]
    assert name in tool("incidents", "list")
    shown = tool("incidents", "show", name)
    for words in (
        "spring-sale",
        "1 firing",
        "timeline",
        "HorizontalPodAutoscaler",
        "responder release",
    ):
        assert words in shown
    assert json.loads(tool("incidents", "show", name, "--json"))["name"] == name

    assert f"given back: {name}" in tool("release", name, "--reason", "list cleaned")

    assert cluster.snapshot() == before
    assert cluster.traces() == []
    release = cluster.incidents()[0]["spec"]["release"]
    assert release["reason"] == "list cleaned"
    assert release["by"]


def test_with_the_responder_dead_everything_is_given_back_by_one_command(
    cluster: Cluster, responder: ResponderProcess, tool: Tool
) -> None:
    before = cluster.snapshot()
    responder.notify(alert(), alert(campaign="newsletter", fingerprint="00000000000000bb"))
    eventually_blocking(
        lambda: held(cluster) and cluster.hold("newsletter") is not None, what="held"
    )
    responder.server.kill()

    told = tool("release", "--all", "--reason", "drill")

    assert told.count("given back: ") == 2
    assert cluster.open_incidents() == []
    assert cluster.snapshot() == before
    assert cluster.traces() == []
    assert "no open incident" in tool("release", "--all")


def test_mistakes_are_told_in_words(tool: Tool, tmp_path: Path) -> None:
    assert "no incident" in tool("release", "nobody", code=2)
    assert "--all" in tool("release", code=2)
    assert "no incident" in tool("incidents", "show", "nobody", code=2)
    assert "there are: high-bounce-rate" in tool("plan", "--playbook", "nowhere", code=2)
    assert "NAME=VALUE" in tool("plan", "--playbook", "x", "--label", "campaign", code=2)
    assert "can't be read" in tool("plan", "--payload", str(tmp_path / "nowhere"), code=2)
    assert "payload" in tool("plan", "--payload", "-", stdin='{"text": "hi"}', code=2)


def test_check_tells_every_mistake_and_ends_with_a_code(tool: Tool, tmp_path: Path) -> None:
    good, bad = tmp_path / "good", tmp_path / "bad"
    good.mkdir()
    bad.mkdir()
    (good / "a.yaml").write_text(ARTICLE)
    (bad / "a.yaml").write_text(ARTICLE.replace("matchers:", "matcher:"))
    (bad / "b.yaml").write_text(ARTICLE.replace("scale:", "scael:"))

    assert "1 playbook(s), 0 mistake(s)" in tool("check", str(good))
    told = tool("check", str(bad), code=1)
    assert "a.yaml:" in told
    assert "b.yaml:" in told
    assert "matchers" in told
    assert json.loads(tool("check", "--print-schema"))["title"]


def test_serve_refuses_what_would_be_unsafe(tool: Tool) -> None:
    told = tool("serve", "--listen", "0.0.0.0:0", code=2)
    assert "bearer_token_file" in told
    assert "HOST:PORT" in tool("serve", "--listen", "nowhere", code=2)

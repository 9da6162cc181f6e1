"""What a person says about an incident, typed at a terminal: kept with who and why."""

import json

import pytest

from tests.controlplane.eventually import eventually_blocking
from tests.e2e.cluster import Cluster
from tests.e2e.conftest import StartResponder
from tests.e2e.process import ResponderProcess, alert
from tests.e2e.test_hand_tools import Tool
from tests.e2e.test_whole_life import APPROVE, share, wait_for


@pytest.fixture
def responder(cluster: Cluster, start_responder: StartResponder) -> ResponderProcess:
    """One whose playbook asks for approval, for an acknowledgement, and resumes in steps."""
    del cluster
    reviewed = APPROVE.replace("{approval}", "").rstrip() + "\n  reviewAfter: 1s\n"
    return start_responder(reviewed)


@pytest.fixture
def tool(cluster: Cluster, responder: ResponderProcess) -> Tool:
    return Tool(cluster, responder.playbooks)


def test_each_wish_is_carried_out_and_explained(
    cluster: Cluster, responder: ResponderProcess, tool: Tool
) -> None:
    responder.notify(alert())
    wait_for(cluster, "Proposed", "WaitsForApproval")
    name = cluster.incidents()[0]["metadata"]["name"]
    shown = tool("incidents", "show", name)
    assert "waits for  a person who approves or rejects it" in shown
    assert f"to hold it: responder approve {name}" in shown
    refused = tool("acknowledge", name, code=2)
    assert "holds nothing yet: approve or reject it" in refused

    assert f"noted: approve {name}" in tool("approve", name, "--reason", "it is real")
    eventually_blocking(lambda: share(cluster) == 0.0, what="the campaign is paused")
    assert "does not wait for approval" in tool("reject", name, code=2)

    eventually_blocking(
        lambda: "its review was due" in tool("incidents", "show", name), what="its review is due"
    )
    tool("extend", name, "--for", "1h", "--reason", "still looking")
    eventually_blocking(
        lambda: "its review was due" not in tool("incidents", "show", name), what="it is put off"
    )
    assert '--for: "3 o' in tool("extend", name, "--for", "3 o'clock", code=2)

    responder.notify(alert(status="resolved"))
    wait_for(cluster, "Cooling", "WaitsForAcknowledgement")
    assert "a person who acknowledges" in tool("incidents", "show", name)
    tool("acknowledge", name, "--reason", "the list is clean")
    wait_for(cluster, "Ramping", "StepOpened")
    shown = tool("incidents", "show", name)
    assert "the check to pass" in shown
    assert "50 messages to be sent in step 1 of 2" in shown
    tool("release", name, "--reason", "enough")
    spec = json.loads(tool("incidents", "show", name, "--json"))
    assert spec["status"]["outcome"] == "released"
    asked = cluster.incidents()[0]["spec"]
    for wish, why in {
        "approve": "it is real",
        "acknowledge": "the list is clean",
        "extend": "still looking",
        "release": "enough",
    }.items():
        assert asked[wish]["reason"] == why
        assert "@" in asked[wish]["by"]


def test_a_wish_about_nothing_is_told(tool: Tool) -> None:
    told = tool("approve", "nowhere-1", code=2)
    assert "no incident 'nowhere-1'" in told
    assert "see `responder incidents list" in told
    for name in ("", "..", "../secrets/x", "a/b"):
        for wish in ("approve", "reject", "acknowledge", "extend"):
            assert "no incident" in tool(wish, name, code=2), "as of a variable that is not set"


def test_the_switch_is_thrown_by_command(
    cluster: Cluster, responder: ResponderProcess, tool: Tool
) -> None:
    tool("disarm", "--reason", "a false alarm everywhere")
    responder.notify(alert())
    wait_for(cluster, "Proposed", "WaitsForApproval")
    name = cluster.incidents()[0]["metadata"]["name"]
    tool("approve", name)
    assert share(cluster) is None
    tool("arm")
    eventually_blocking(lambda: share(cluster) == 0.0, what="approved, and armed again")
    assert "with none: responder release --all" in tool("disarm", "--give-back", "--reason", "over")
    wait_for(cluster, "Proposed", "Disarmed")
    assert cluster.traces() == []
    shown = tool("incidents", "show", name)
    assert "everything is given back, and nothing is held until it is armed again" in shown
    assert "waits for  the responder to be armed again: responder arm" in shown
    tool("release", name, "--reason", "not real")
    cluster.wait_closed()

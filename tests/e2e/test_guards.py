"""Never beyond authority: ceilings, budgets, and the one switch that disarms everything."""

import concurrent.futures
from typing import Any

import pytest

from responder.reconcile.switch import SWITCH_NAME
from tests.controlplane.eventually import eventually_blocking
from tests.controlplane.kube import Kube
from tests.e2e.cluster import CONFIG_MAPS, Cluster, phase
from tests.e2e.conftest import StartResponder
from tests.e2e.process import ResponderProcess, alert
from tests.e2e.test_whole_life import ask, share, wait_for

PLAYBOOK = """
apiVersion: campaign-responder.dev/v1alpha1
kind: Playbook
metadata: {name: pause}
spec:
  matchers: [alertname="HighBounceRate"]
  holds:
    - pause: {campaign: "{{ labels.campaign }}"}
  resume: {start: {after: 0s}}
"""


def campaign(kube: Kube, name: str) -> None:
    kube.create(
        *CONFIG_MAPS,
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": name, "labels": {"campaign-responder.dev/campaign": name}},
            "data": {"state": "active"},
        },
    )


def fire(responder: ResponderProcess, *names: str, status: str = "firing") -> None:
    alerts = [
        alert(status=status, campaign=name, fingerprint=f"{hash(name) % 2**64:016x}")
        for name in names
    ]
    answer = responder.notify(*alerts)
    assert answer.status == 200, answer.text


def by_campaign(cluster: Cluster) -> dict[str, tuple[str, str]]:
    """Phase and reason of each open incident."""
    return {
        item["spec"]["identity"]["campaign"]: (
            phase(item),
            (item.get("status") or {}).get("reason", ""),
        )
        for item in cluster.open_incidents()
    }


def throw(kube: Kube, arming: str) -> None:
    """As `kubectl` does, or `responder disarm`."""
    if any(item["metadata"]["name"] == SWITCH_NAME for item in kube.items(*CONFIG_MAPS)):
        kube.patch(*CONFIG_MAPS, SWITCH_NAME, {"data": {"arming": arming}})
        return
    kube.create(
        *CONFIG_MAPS,
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": SWITCH_NAME},
            "data": {"arming": arming},
        },
    )


def test_under_a_ceiling_everything_waits_for_a_person(
    cluster: Cluster, start_responder: StartResponder
) -> None:
    responder = start_responder(PLAYBOOK, flags=("--max-mode=approve",))
    fire(responder, "spring-sale")
    wait_for(cluster, "Proposed", "WaitsForApproval")
    assert "--max-mode" in cluster.incidents()[0]["status"]["message"]
    assert share(cluster) is None
    ask(responder, cluster, "approve")
    eventually_blocking(lambda: share(cluster) == 0.0, what="the campaign is paused")
    ask(responder, cluster, "release")
    cluster.wait_closed()


BUDGETS: list[Any] = [
    pytest.param({"MOST_TARGETS": "2"}, id="targets"),
    pytest.param({"MOST_TARGETS_PER_PLAYBOOK": "2"}, id="targets of a playbook"),
    pytest.param({"MOST_CAMPAIGN_SHARE": "0.5"}, id="share of the campaigns"),
    pytest.param({"MOST_INCIDENTS_PER_HOUR": "2"}, id="within an hour"),
]


@pytest.mark.parametrize("budget", BUDGETS)
def test_beyond_a_budget_incidents_wait_and_the_first_ones_stand(
    cluster: Cluster,
    start_responder: StartResponder,
    monkeypatch: pytest.MonkeyPatch,
    budget: dict[str, str],
) -> None:
    """Of four bulk campaigns two may be held, though all four fire in one notification."""
    for name, value in budget.items():
        monkeypatch.setenv(f"RESPONDER_{name}", value)
    names = ["spring-sale", "newsletter", "autumn", "winter"]
    for name in names[2:]:
        campaign(cluster.kube, name)
    responder = start_responder(PLAYBOOK)
    fire(responder, *names)
    eventually_blocking(
        lambda: (
            sorted(told[0] for told in by_campaign(cluster).values())
            == ["Holding", "Holding", "Proposed", "Proposed"]
        ),
        what="two are held, and two wait",
    )
    waiting = [name for name, told in by_campaign(cluster).items() if told[0] == "Proposed"]
    assert [name for name in names if share_of(cluster, name) is None] == [
        name for name in names if name in waiting
    ]
    name = next(
        item["metadata"]["name"]
        for item in cluster.open_incidents()
        if item["spec"]["identity"]["campaign"] == waiting[0]
    )
    path = f"/api/v1/incidents/{cluster.kube.namespace}/{name}/approve"
    assert responder.post(path, {"by": "ada", "reason": "all of them are bad"}).status == 200
    eventually_blocking(
        lambda: share_of(cluster, waiting[0]) == 0.0, what="a person may go beyond it"
    )
    release_all(responder, cluster)


def share_of(cluster: Cluster, name: str) -> float | None:
    hold = cluster.hold(name)
    return None if hold is None else float(hold["share"])


def release_all(responder: ResponderProcess, cluster: Cluster) -> None:
    for item in cluster.open_incidents():
        path = f"/api/v1/incidents/{cluster.kube.namespace}/{item['metadata']['name']}/release"
        assert responder.post(path, {"by": "ada", "reason": "over"}).status == 200
    cluster.wait_closed()
    assert cluster.traces() == []


def test_the_switch_leaves_what_is_held_and_holds_nothing_new(
    cluster: Cluster, start_responder: StartResponder
) -> None:
    responder = start_responder(PLAYBOOK)
    fire(responder, "spring-sale")
    eventually_blocking(lambda: share(cluster) == 0.0, what="the campaign is paused")
    throw(cluster.kube, "leave")
    eventually_blocking(
        lambda: "responder_armed 0.0" in responder.get("/metrics").text, what="it is disarmed"
    )
    fire(responder, "newsletter")
    eventually_blocking(
        lambda: by_campaign(cluster).get("newsletter") == ("Proposed", "Disarmed"),
        what="a new one is recorded and holds nothing",
    )
    assert share_of(cluster, "newsletter") is None
    assert share(cluster) == 0.0
    # Another ConfigMap of the campaign that is held: it is nothing that is held already.
    labels = {"campaign-responder.dev/campaign": "spring-sale"}
    cluster.kube.create(
        *CONFIG_MAPS,
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "late", "labels": labels}},
    )
    fire(responder, "another")
    eventually_blocking(
        lambda: by_campaign(cluster).get("another") == ("Proposed", "Disarmed"),
        what="what came after it is decided upon",
    )
    assert "data" not in cluster.kube.get(*CONFIG_MAPS, "late")
    throw(cluster.kube, "armed")
    eventually_blocking(
        lambda: "hold.json" in cluster.kube.get(*CONFIG_MAPS, "late").get("data", {}),
        what="armed, it is held as well",
    )
    eventually_blocking(lambda: share_of(cluster, "newsletter") == 0.0, what="armed, it holds")
    release_all(responder, cluster)


def test_what_was_given_back_by_the_switch_and_still_fires_is_braked_once_armed_again(
    cluster: Cluster, start_responder: StartResponder
) -> None:
    """At once: its sender has no reason to repeat itself within the next four hours."""
    responder = start_responder(PLAYBOOK)
    fire(responder, "spring-sale", "newsletter")
    eventually_blocking(lambda: held(cluster) == 2, what="both are paused")
    throw(cluster.kube, "give-back")
    eventually_blocking(lambda: held(cluster) == 0, what="both are given back")
    eventually_blocking(
        lambda: set(by_campaign(cluster).values()) == {("Proposed", "Disarmed")},
        what="both wait for the switch",
    )
    assert cluster.traces() == []
    fire(responder, "newsletter", status="resolved")
    eventually_blocking(
        lambda: by_campaign(cluster) == {"spring-sale": ("Proposed", "Disarmed")},
        what="what resolved meanwhile is closed",
    )
    throw(cluster.kube, "armed")
    eventually_blocking(lambda: share(cluster) == 0.0, what="what fires is paused")
    assert share_of(cluster, "newsletter") is None
    release_all(responder, cluster)


def test_disarmed_in_the_middle_of_a_storm_everything_is_given_back(
    cluster: Cluster, start_responder: StartResponder
) -> None:
    """500 alerts of 500 campaigns in ten notifications at once."""
    names = [f"storm-{number:03}" for number in range(500)]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: campaign(cluster.kube, name), names))
        responder = start_responder(PLAYBOOK)
        parts = [names[at : at + 50] for at in range(0, 500, 50)]
        storm = [pool.submit(fire, responder, *part) for part in parts]
        eventually_blocking(lambda: held(cluster) >= 20, what="the storm is under way")
        throw(cluster.kube, "give-back")
        for part in storm:
            part.result()
    eventually_blocking(lambda: held(cluster) == 0, what="nothing is held", within_seconds=90)
    eventually_blocking(
        lambda: set(by_campaign(cluster).values()) <= {("Proposed", "Disarmed")},
        what="what came later is recorded, and holds nothing",
        within_seconds=60,
    )
    assert len(cluster.incidents()) == 500
    assert cluster.traces() == []


def held(cluster: Cluster) -> int:
    return sum("hold.json" in (item.get("data") or {}) for item in cluster.kube.items(*CONFIG_MAPS))

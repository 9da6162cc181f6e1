"""The Incident resource takes what the responder writes, bounds everything, and reads well."""

import itertools
from typing import Any

import pytest

from tests.k8s.account import Account
from tests.k8s.incidents import FINGERPRINT, INCIDENTS, MOMENT, alert, incident, status

JSON = "application/json"
_serial = itertools.count(1)


def create(account: Account, body: dict[str, Any]) -> str:
    return account.write("POST", INCIDENTS, body=body, content_type=JSON)


def made(account: Account, **spec: object) -> str:
    name = f"hbr-3f2a90b1c4d5e6f7-{next(_serial)}"
    assert create(account, incident(name, **spec)) == ""
    return name


def decide(account: Account, name: str, told: dict[str, Any]) -> str:
    return account.write("PATCH", INCIDENTS, name, {"status": told}, subresource="status")


def test_what_the_responder_writes_is_stored_as_it_was_written(responder: Account) -> None:
    name = made(responder)
    assert decide(responder, name, status()) == ""
    stored = responder.kube.get(*INCIDENTS, name)
    assert stored["spec"] == incident(name)["spec"]
    assert stored["status"] == {k: v for k, v in status().items() if v is not None}


def test_a_merge_patch_of_alerts_adds_changes_and_removes_one(responder: Account) -> None:
    name = made(responder)
    other = "fedcba9876543210"
    for alerts in ({other: alert()}, {other: alert("resolved")}, {FINGERPRINT: None}):
        assert responder.patch(INCIDENTS, name, {"spec": {"alerts": alerts}}) == ""
    assert responder.kube.get(*INCIDENTS, name)["spec"]["alerts"] == {other: alert("resolved")}


@pytest.mark.parametrize(
    "changed",
    [
        {"playbook": "other"},
        {"identity": {"campaign": "newsletter"}},
        {"identity": {"campaign": None}},
        {"mode": "observe"},
        {"plan": []},
        {"token": "another"},
        {"resume": {"manual": False, "afterSeconds": 1, "needsPerson": []}},
        {"stages": [{"when": {}, "plan": []}]},
    ],
    ids="-".join,
)
def test_what_identifies_an_incident_and_what_it_holds_never_changes(
    responder: Account, changed: dict[str, Any]
) -> None:
    refusal = responder.patch(INCIDENTS, made(responder), {"spec": changed})
    assert f"{next(iter(changed))} never changes" in refusal
    assert "422" in refusal


def test_one_limit_deep_in_the_plan_never_changes(responder: Account) -> None:
    """The schema does not know the words of a limit; the comparison must see them all the same."""
    name = made(responder)
    plan = responder.kube.get(*INCIDENTS, name)["spec"]["plan"]
    plan[0]["limit"]["providers"]["gmail"] = 0.9
    assert "plan never changes" in responder.patch(INCIDENTS, name, {"spec": {"plan": plan}})


@pytest.mark.parametrize(
    "field", ["playbook", "identity", "mode", "plan", "token", "trigger", "resume", "receivedAt"]
)
def test_an_incident_lacks_nothing_that_decides_what_it_does(
    responder: Account, field: str
) -> None:
    assert f"spec.{field}: Required" in create(responder, incident("lacks", **{field: None}))


ASK = {
    "control": "replicas",
    "verb": "scale",
    "namespace": "mail",
    "targetKind": "Deployment",
    "target": "x",
    "limit": {"replicas": 1},
}
BAD = {
    "playbook-name": {"playbook": "Not A Name"},
    "playbook-too-long": {"playbook": "x" * 64},
    "mode": {"mode": "automatic"},
    "trigger": {"trigger": {"kind": "grafana"}},
    "identity-too-large": {"identity": {f"l{i}": "x" for i in range(33)}},
    "identity-value-too-long": {"identity": {"campaign": "x" * 1025}},
    "identity-not-text": {"identity": {"campaign": 7}},
    "201-alerts": {"alerts": {f"{i:016x}": alert() for i in range(201)}},
    "alert-status": {"alerts": {FINGERPRINT: alert("suppressed")}},
    "alert-without-start": {"alerts": {FINGERPRINT: {"status": "firing"}}},
    "alert-summary-too-long": {"alerts": {FINGERPRINT: {**alert(), "summary": "x" * 1025}}},
    "65-labels": {"alerts": {FINGERPRINT: {**alert(), "labels": {f"l{i}": "" for i in range(65)}}}},
    "65-asks": {"plan": [ASK] * 65},
    "ask-without-target": {"plan": [{**ASK, "target": ""}]},
    "ask-without-limit": {"plan": [{k: v for k, v in ASK.items() if k != "limit"}]},
    "negative-cool-down": {"resume": {"afterSeconds": -1}},
    "cool-down-is-no-number": {"resume": {"afterSeconds": "30m"}},
    "received-is-no-time": {"receivedAt": "yesterday"},
    "negative-omitted": {"alertsOmitted": -1},
}


@pytest.mark.parametrize("spec", BAD.values(), ids=BAD)
def test_a_bad_incident_is_refused(responder: Account, spec: dict[str, Any]) -> None:
    assert "422" in create(responder, incident("bad", **spec))


@pytest.mark.real_control_plane("rules in CEL")
def test_the_key_of_an_alert_is_a_fingerprint(responder: Account) -> None:
    assert "422" in create(responder, incident("bad", alerts={"abc": alert()}))


BAD_STATUS = {
    "phase": {"phase": "Paused"},
    "outcome": {"outcome": "gone"},
    "since": {"since": "now"},
    "257-targets": {"targets": [{"kind": "x", "namespace": "x", "name": "x"}] * 257},
    "65-entries": {"timeline": [{"time": MOMENT, "what": "x"}] * 65},
    "two-conditions-of-a-type": {"conditions": status()["conditions"] * 2},
    "condition-status": {"conditions": [{**status()["conditions"][0], "status": "Maybe"}]},
    "condition-reason": {"conditions": [{**status()["conditions"][0], "reason": "two words"}]},
}


@pytest.mark.parametrize("told", BAD_STATUS.values(), ids=BAD_STATUS)
def test_a_bad_status_is_refused(responder: Account, told: dict[str, Any]) -> None:
    assert "422" in decide(responder, made(responder), {**status(), **told})


def test_status_and_spec_are_written_apart(responder: Account) -> None:
    name = made(responder)
    both = {"status": {"phase": "Closed"}, "spec": {"release": {"at": MOMENT, "by": "ada"}}}
    assert responder.patch(INCIDENTS, name, both) == ""
    assert "status" not in responder.kube.get(*INCIDENTS, name)


def test_a_full_incident_can_be_stored_and_patched(responder: Account) -> None:
    """Everything at its bound at once must not be what keeps a hold from being accepted."""
    plan = [{**ASK, "target": f"{i}-" + "x" * 240} for i in range(64)]
    labels = {f"label-{i}": "x" * 200 for i in range(32)}
    full = {f"{i:016x}": {**alert(), "labels": labels} for i in range(199)}
    name = made(responder, alerts=full, plan=plan)
    more = {"spec": {"alerts": {f"{200:016x}": {**alert(), "labels": labels}}}}
    assert responder.patch(INCIDENTS, name, more) == ""


def test_an_incident_is_read_at_a_glance(responder: Account) -> None:
    name = made(responder)
    assert decide(responder, name, status()) == ""
    columns, *lines = responder.kube.kubectl("get", "inc", "-o", "wide").splitlines()
    assert columns.split() == [
        "NAME", "PLAYBOOK", "CAMPAIGN", "PHASE", "ALERTS", "AGE", "REASON", "MODE",
    ]  # fmt: skip
    line = next(line.split() for line in lines if line.startswith(f"{name} "))
    assert line[1:5] == ["high-bounce-rate", "spring-sale", "Holding", "1"]
    assert line[6:] == ["AlertFiring", "auto"]


def test_every_field_is_explained(responder: Account) -> None:
    told = responder.kube.kubectl("explain", "incident.spec")
    assert "<no description>" not in told
    assert "What was asked." in told
    told = responder.kube.kubectl("explain", "incident.status")
    assert "<no description>" not in told

"""How each incident stands on a target that it shares with others."""

import dataclasses

import pytest

from responder.holds.fields import Facts, FieldFinding
from responder.holds.ledger import Ledger
from responder.holds.objects import LEDGER_ANNOTATION, ObjectKey, annotation
from responder.holds.planning import Finding, Step
from responder.incidents.incident import Incident
from responder.incidents.requests import Request
from responder.incidents.status import Target, TargetState
from responder.playbooks.asks import Ask
from responder.reconcile.outcomes import Outcome
from responder.reconcile.preview import merged
from responder.reconcile.situation import gather
from responder.reconcile.standings import outcomes_of
from responder.reconcile.view import View
from tests.incidents.given import PAUSE, SCALE, incident
from tests.reconcile.objects import Json, autoscaler, config_map, deployment

HOLDS = ObjectKey("ConfigMap", "mail", "sending-holds")
CAMPAIGN = ObjectKey("ConfigMap", "mail", "spring-sale")
SENDER = ObjectKey("Deployment", "mail", "email-sender")
HPA = ObjectKey("HorizontalPodAutoscaler", "mail", "email-sender-hpa")


def pool(name: str) -> Ask:
    return dataclasses.replace(PAUSE, target_kind="pool", target=name)


def plain(key: str) -> Ask:
    return Ask(
        control="keys",
        namespace="mail",
        target_kind="ConfigMap",
        target="spring-sale",
        limit={"key": key, "value": "off", "order": ["on", "off"]},
        verb="set",
    )


def asking(uid: str, *plan: Ask, targets: tuple[Target, ...] = ()) -> Incident:
    made = incident(uid=uid, name=f"incident-{uid}", plan=plan)
    return dataclasses.replace(made, status=dataclasses.replace(made.status, targets=targets))


def settled(key: ObjectKey, live: Json, *incidents: Incident) -> tuple[View, Step]:
    """The view and the last step, once all that is asked stands in the object."""
    view = View()
    view.put_object("ConfigMap", live)
    for each in incidents:
        view.put_incident(each)
    return view, settle(view, key)


def settle(view: View, key: ObjectKey) -> Step:
    facts = Facts(present=view.present, open_incidents=view.open, fenced=True)
    while (write := (step := gather(view, key, pools=()).plan(facts)).write) is not None:
        now = merged(view.objects[write.key], write.patch)
        now["metadata"]["resourceVersion"] = str(int(now["metadata"]["resourceVersion"]) + 1)
        view.replace_object(write.key, now)
    return step


def told(key: ObjectKey, view: View, step: Step) -> dict[str, Outcome]:
    found = outcomes_of(gather(view, key, pools=()), step)
    return {name.name.removeprefix("incident-"): outcome for name, outcome in found.items()}


def ledger_of(outcome: Outcome) -> Ledger:
    (target,) = outcome.targets
    assert target.ledger is not None
    return target.ledger


def renewed(each: Incident, outcomes: dict[str, Outcome]) -> Incident:
    return newer(asking(each.uid, *each.plan, targets=outcomes[each.uid].targets), each)


def newer(each: Incident, than: Incident) -> Incident:
    return dataclasses.replace(each, resource_version=str(int(than.resource_version) + 1))


def test_each_incident_has_a_copy_of_what_it_asks_for_itself() -> None:
    a, b = asking("a", pool("bulk")), asking("b", pool("trial"))
    outcomes = told(HOLDS, *settled(HOLDS, config_map("sending-holds"), a, b))
    assert list(ledger_of(outcomes["a"]).fields) == ["pool.bulk.json"]
    assert list(ledger_of(outcomes["b"]).fields) == ["pool.trial.json"]


def test_several_keys_of_one_config_map_are_one_target_with_all_of_them() -> None:
    live = config_map(
        data={"x": "on", "y": "on"}, labels={"campaign-responder.dev/hold": "allowed"}
    )
    live["metadata"]["annotations"] = {"campaign-responder.dev/keys": "x,y"}
    both = asking("a", plain("x"), plain("y"))
    outcomes = told(CAMPAIGN, *settled(CAMPAIGN, live, both))
    assert sorted(ledger_of(outcomes["a"]).fields) == ["x", "y"]


def test_one_copy_moves_with_the_ledger_and_the_others_stay_as_they_are() -> None:
    """Of hundreds on one object each would be written anew for every change of any of them."""
    a, b, c = (asking(uid, pool(uid)) for uid in "abc")
    first = told(HOLDS, *settled(HOLDS, config_map("sending-holds"), a, b))
    a, b = renewed(a, first), renewed(b, first)
    live = settled(HOLDS, config_map("sending-holds"), a, b)[0].objects[HOLDS]
    live["metadata"]["resourceVersion"] = "50"
    view, step = settled(HOLDS, live, a, b, c)
    now = told(HOLDS, view, step)
    newest = Ledger.from_text(annotation(view.objects[HOLDS], LEDGER_ANNOTATION))
    assert newest is not None
    assert ledger_of(now["a"]).sequence == newest.sequence
    assert ledger_of(now["b"]) == ledger_of(first["b"]), "its own did not change"
    assert ledger_of(now["c"]).sequence == newest.sequence


def test_what_nobody_asks_for_any_more_is_kept_in_one_copy() -> None:
    a, b, gone = (asking(uid, pool(uid)) for uid in ("a", "b", "gone"))
    live = settled(HOLDS, config_map("sending-holds"), a, b, gone)[0].objects[HOLDS]
    outcomes = told(HOLDS, *settled(HOLDS, live, a, b))
    assert sorted(ledger_of(outcomes["a"]).fields) == ["pool.a.json", "pool.gone.json"]
    assert list(ledger_of(outcomes["b"]).fields) == ["pool.b.json"]


def test_what_is_wrong_with_one_key_is_told_to_whom_it_concerns() -> None:
    a, b = asking("a", pool("bulk")), asking("b", pool("trial"))
    view, step = settled(HOLDS, config_map("sending-holds"), a, b)
    altered = Finding(HOLDS, "pool.bulk.json", FieldFinding.ALTERED)
    outcomes = told(HOLDS, view, dataclasses.replace(step, findings=(altered,)))
    states = {uid: outcome.targets[0].state for uid, outcome in outcomes.items()}
    assert states == {"a": TargetState.ALTERED, "b": TargetState.APPLIED}


@pytest.mark.parametrize(
    ("what", "state"),
    [
        (FieldFinding.BASELINE_UNKNOWN, TargetState.BASELINE_UNKNOWN),
        (FieldFinding.NO_ROOM, TargetState.NO_ROOM),
    ],
)
def test_what_cannot_be_given_back_keeps_from_closing_only_whom_it_concerns(
    what: FieldFinding, state: TargetState
) -> None:
    x, y = asking("x", pool("bulk")), asking("y", pool("trial"))
    view, step = settled(HOLDS, config_map("sending-holds"), x, y)
    before = told(HOLDS, view, step)
    for each in (x, y):
        view.put_incident(letting_go(renewed(each, before)))
    stuck = Finding(HOLDS, "pool.bulk.json", what)
    outcomes = told(HOLDS, view, dataclasses.replace(step, findings=(stuck,)))
    assert not outcomes["x"].given_back
    (target,) = outcomes["x"].targets
    assert target.state is state
    assert target.message
    assert target.ledger == ledger_of(before["x"]), "it is remembered until it is given back"
    assert outcomes["y"].given_back
    assert outcomes["y"].targets[0].ledger is None


def test_what_an_incident_left_before_its_status_told_of_it_is_told_as_its_own() -> None:
    """Killed in between, and the ledger lost: all that is left is that the value is ours."""
    x = letting_go(asking("x", pool("bulk")))
    view, step = settled(HOLDS, config_map("sending-holds"), x)
    stuck = Finding(HOLDS, "pool.bulk.json", FieldFinding.BASELINE_UNKNOWN)
    outcomes = told(HOLDS, view, dataclasses.replace(step, findings=(stuck,)))
    (target,) = outcomes["x"].targets
    assert (target.state, target.subject) == (TargetState.BASELINE_UNKNOWN, "pool/bulk")
    assert "set or remove it by hand" in target.message
    assert not outcomes["x"].given_back
    view.put_incident(letting_go(renewed(x, outcomes)))
    outcomes = told(HOLDS, view, step)
    assert outcomes["x"].given_back
    assert [each.state for each in outcomes["x"].targets] == [TargetState.GIVEN_BACK]


def test_what_finds_no_room_on_its_way_back_is_told_as_that() -> None:
    x = asking("x", pool("bulk"))
    view, step = settled(HOLDS, config_map("sending-holds"), x)
    view.put_incident(letting_go(renewed(x, told(HOLDS, view, step))))
    stuck = Finding(HOLDS, "pool.bulk.json", FieldFinding.NO_ROOM)
    outcomes = told(HOLDS, view, dataclasses.replace(step, findings=(stuck,)))
    assert outcomes["x"].targets[0].message.endswith("Make room, and it is given back")


def test_what_is_not_given_back_yet_keeps_its_copy() -> None:
    x = asking("x", pool("bulk"))
    view, step = settled(HOLDS, config_map("sending-holds"), x)
    before = told(HOLDS, view, step)
    view.put_incident(letting_go(renewed(x, before)))
    outcomes = told(HOLDS, view, dataclasses.replace(step, pending=True))
    assert not outcomes["x"].given_back
    assert ledger_of(outcomes["x"]) == ledger_of(before["x"])


def test_two_asks_by_one_name_are_refused_and_held_each_by_itself() -> None:
    """A key that was never offered is refused again and again, whatever else is held there."""
    each = asking(
        "a", dataclasses.replace(PAUSE), dataclasses.replace(plain("x"), target_kind="campaign")
    )
    live = config_map(data={"x": "on"})
    view, step = settled(CAMPAIGN, live, each)
    first = told(CAMPAIGN, view, step)
    (target,) = first["a"].targets
    assert target.state is TargetState.NOT_ALLOWED
    assert list(ledger_of(first["a"]).fields) == ["hold.json"]
    view, step = settled(CAMPAIGN, view.objects[CAMPAIGN], renewed(each, first))
    assert view.objects[CAMPAIGN]["data"]["x"] == "on"
    assert told(CAMPAIGN, view, step)["a"].targets[0].state is TargetState.NOT_ALLOWED


def test_relabelled_before_its_status_tells_of_it_a_hold_stays() -> None:
    """As whoever was killed in between finds it."""
    x, y = asking("x", PAUSE), asking("y", PAUSE)
    view, _ = settled(CAMPAIGN, config_map(), x)
    live = view.objects[CAMPAIGN]
    labels = {**live["metadata"].get("labels", {}), "campaign-responder.dev/hold": "never"}
    version = str(int(live["metadata"]["resourceVersion"]) + 1)
    metadata = {**live["metadata"], "labels": labels, "resourceVersion": version}
    view.put_object("ConfigMap", {**live, "metadata": metadata})
    view.put_incident(y)

    outcomes = told(CAMPAIGN, view, settle(view, CAMPAIGN))

    assert "hold.json" in view.objects[CAMPAIGN]["data"]
    states = {uid: [target.state for target in each.targets] for uid, each in outcomes.items()}
    assert states == {"x": [TargetState.APPLIED], "y": [TargetState.NOT_ALLOWED]}


def test_an_autoscaler_that_is_held_without_its_deployment_is_told_to_who_asks_now() -> None:
    view = View()
    view.put_object("Deployment", deployment())
    view.put_object("HorizontalPodAutoscaler", autoscaler())
    view.put_incident(asking("x", SCALE))
    before = told(SENDER, view, settle(view, SENDER))
    assert [target.key for target in before["x"].targets] == [HPA]
    view.put_incident(renewed(view.incidents_on(SENDER)[0], before))

    view.drop_object(SENDER)
    view.put_incident(asking("y", dataclasses.replace(SCALE, limit={"replicas": 1})))
    outcomes = told(SENDER, view, settle(view, SENDER))

    for uid in "xy":
        states = {target.key: target.state for target in outcomes[uid].targets}
        assert states == {SENDER: TargetState.NO_TARGET, HPA: TargetState.APPLIED}
    (copy,) = [target.ledger for target in outcomes["y"].targets if target.key == HPA]
    assert copy is not None
    assert copy.fields["maxReplicas"].baseline == 20


def letting_go(each: Incident) -> Incident:
    request = Request(at="", by="", reason="Released")
    status = dataclasses.replace(each.status, letting_go=request)
    return newer(dataclasses.replace(each, status=status), each)

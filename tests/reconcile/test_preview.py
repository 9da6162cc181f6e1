"""What a playbook would do is told without doing it, from the very plan that would do it."""

import copy
import dataclasses
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from responder.holds.workload import AUTOSCALER, DEPLOYMENT
from responder.incidents.incident import Incident
from responder.incidents.status import Phase
from responder.playbooks.asks import Ask
from responder.reconcile.preview import Preview, merged, preview, readable
from responder.reconcile.switch import SWITCH_NAME
from responder.reconcile.view import View
from tests.incidents.given import PAUSE, SCALE, incident
from tests.reconcile.objects import Json, autoscaler, config_map, deployment


def seen(*objects: tuple[str, Json], incidents: tuple[Incident, ...] = ()) -> View:
    view = View()
    for kind, live in objects:
        view.put_object(kind, live)
    for each in incidents:
        view.put_incident(each)
    return view


def asked(view: View, *, plan: tuple[Ask, ...] = (PAUSE, SCALE), **changes: Any) -> Preview:  # noqa: ANN401
    draft = incident(uid="", resource_version="0", phase=Phase.NEW, plan=plan, **changes)
    return preview(view, draft, pools=())


def pods_labelled(**labels: str) -> Json:
    live = deployment()
    live["spec"]["template"] = {"metadata": {"labels": labels}}
    return live


def changes(found: Preview) -> dict[str, tuple[object, object]]:
    return {
        f"{each.key.name} {each.field}": (each.before, each.after) for each in found.differences
    }


SENDER = (DEPLOYMENT, deployment())
SCALER = (AUTOSCALER, autoscaler())
CAMPAIGN = ("ConfigMap", config_map(data={"subject": "hello"}))


def test_every_field_that_would_change_is_told_with_both_values() -> None:
    found = changes(asked(seen(SENDER, SCALER, CAMPAIGN)))
    assert found["email-sender-hpa maxReplicas"] == (20, 2)
    before, document = found["spring-sale hold.json"]
    assert before is None
    assert json.loads(str(document))["share"] == 0.0
    assert asked(seen(SENDER, SCALER, CAMPAIGN)).problems == ()


def test_without_an_autoscaler_it_is_the_deployment_that_changes() -> None:
    assert changes(asked(seen(SENDER), plan=(SCALE,))) == {"email-sender replicas": (8, 2)}


def test_every_write_is_told_not_only_the_first() -> None:
    """Zero is put on the Deployment, and the autoscaler is bounded beside it."""
    zero = dataclasses.replace(SCALE, limit={"replicas": 0})
    found = changes(asked(seen(SENDER, SCALER), plan=(zero,)))
    assert found["email-sender replicas"] == (8, 0)
    assert found["email-sender-hpa maxReplicas"] == (20, 1)


def test_what_would_be_made_first_is_told_with_what_would_stand_in_it() -> None:
    pool = dataclasses.replace(PAUSE, target_kind="pool", target="bulk")
    found = asked(seen(), plan=(pool,))
    ((before, document),) = changes(found).values()
    assert before is None
    assert json.loads(str(document))["share"] == 0.0
    assert found.problems == ()


def test_what_finds_no_room_is_told() -> None:
    pool = dataclasses.replace(PAUSE, target_kind="pool", target="bulk")
    live = config_map("sending-holds")
    live["metadata"]["annotations"] = {"notes": "x" * 200_000}
    found = asked(seen(("ConfigMap", live)), plan=(pool,))
    assert found.differences == ()
    assert "sending-holds is full: pool.bulk.json finds no room in it" in found.problems[0]


def test_what_is_stricter_already_stays() -> None:
    found = asked(seen((DEPLOYMENT, deployment(replicas=1))), plan=(SCALE,))
    assert found.differences == ()
    assert "no change" in readable([found])


def test_what_is_held_already_is_no_change() -> None:
    """The same alert once more, or the same trigger."""
    view = seen(SENDER, incidents=(incident(plan=(SCALE,)),))
    live = copy.deepcopy(SENDER[1])
    assert changes(asked(view, plan=(SCALE,))) == changes(asked(seen(SENDER), plan=(SCALE,)))
    live["spec"]["replicas"] = 2
    live["metadata"]["resourceVersion"] = "2"
    view.put_object(DEPLOYMENT, live)
    assert asked(view, plan=(SCALE,)).differences == ()


@pytest.mark.parametrize(
    ("objects", "words"),
    [
        pytest.param((CAMPAIGN,), "Deployment/email-sender: does not exist", id="no workload"),
        pytest.param((SENDER,), "no ConfigMap is marked as of this campaign", id="no campaign"),
        pytest.param(
            ((DEPLOYMENT, deployment(labels={})), CAMPAIGN), "not labelled", id="not allowed"
        ),
        pytest.param(
            (SENDER, ("ConfigMap", config_map(labels={"stream": "transactional"}))),
            "transactional",
            id="transactional",
        ),
        pytest.param(
            ((DEPLOYMENT, pods_labelled(stream="transactional")), CAMPAIGN),
            "email-sender sends transactional mail",
            id="transactional pods",
        ),
        pytest.param(
            (SENDER, (AUTOSCALER, autoscaler(labels={})), CAMPAIGN),
            "HorizontalPodAutoscaler/email-sender-hpa may raise the replicas again",
            id="autoscaler not allowed",
        ),
        pytest.param(
            (SENDER, ("ConfigMap", {**config_map(), "immutable": True})),
            "immutable",
            id="immutable",
        ),
    ],
)
def test_what_would_not_be_held_is_told_with_the_reason(
    objects: tuple[tuple[str, Json], ...], words: str
) -> None:
    assert words in "; ".join(asked(seen(*objects)).problems)


def test_what_the_playbook_itself_refused_is_told() -> None:
    found = asked(View(), plan=(), refusals=({"message": "the label 'campaign' is missing"},))
    assert found.problems == ("the label 'campaign' is missing",)


def test_the_view_is_left_as_it_was() -> None:
    view = seen(SENDER, SCALER, CAMPAIGN)
    objects = copy.deepcopy(view.objects)
    asked(view)
    assert view.objects == objects
    assert view.incidents == {}
    assert view.open == view.present == set()


def test_an_incident_that_only_observes_tells_what_it_would_do() -> None:
    found = asked(seen(SENDER), plan=(SCALE,), mode="observe")
    assert changes(found) == {"email-sender replicas": (8, 2)}
    assert found.to_json()["mode"] == "observe"


def test_disarmed_it_is_told_what_it_would_do_if_it_were_armed() -> None:
    view = View(home="mail")
    view.put_object(*SENDER)
    view.put_object("ConfigMap", config_map(SWITCH_NAME, data={"arming": "leave"}))
    found = asked(view, plan=(SCALE,))
    assert changes(found) == {"email-sender replicas": (8, 2)}
    assert "disarmed" in found.problems[0]


def test_for_people_it_is_a_diff() -> None:
    text = readable([asked(seen(SENDER, CAMPAIGN))])
    assert "  Deployment/email-sender replicas\n    - 8\n    + 2" in text
    assert '    - absent\n    + {"share": 0.0}' in text


JSON = st.recursive(
    st.none() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.dictionaries(st.sampled_from("abc"), inner, max_size=3) | st.lists(inner, max_size=2)
    ),
    max_leaves=6,
)
OBJECTS = st.dictionaries(st.sampled_from("abc"), JSON, max_size=3)


@given(OBJECTS, OBJECTS)
def test_a_merge_patch_keeps_what_it_does_not_name(target: Json, patch: Json) -> None:
    """RFC 7396: null removes, objects merge, all else replaces; the original stays."""
    before = copy.deepcopy(target)
    result = merged(target, patch)
    assert target == before
    assert result.keys() == (target.keys() | patch.keys()) - {k for k in patch if patch[k] is None}
    for key, value in result.items():
        if key not in patch:
            assert value == target[key]
        elif not isinstance(patch[key], dict):
            assert value == patch[key]
    assert merged(result, patch) == result

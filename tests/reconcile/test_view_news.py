"""What the view makes of news: who is told, and what comes too late."""

import pytest

from responder.holds.objects import ObjectKey
from responder.holds.workload import AUTOSCALER, DEPLOYMENT
from responder.reconcile.view import IncidentKey, View
from tests.incidents.given import PAUSE, SCALE, incident
from tests.reconcile.objects import autoscaler, config_map, deployment

SENDER = ObjectKey(DEPLOYMENT, "mail", "email-sender")
CAMPAIGN = ObjectKey("ConfigMap", "mail", "spring-sale")


@pytest.fixture
def told() -> list[ObjectKey]:
    return []


@pytest.fixture
def view(told: list[ObjectKey]) -> View:
    """With one incident that concerns the Deployment and the campaign."""
    made = View()
    made.put_incident(incident(plan=(PAUSE, SCALE)))
    made.on_object = told.append
    return made


def test_a_target_is_told_of_once_for_each_change(view: View, told: list[ObjectKey]) -> None:
    view.put_object(DEPLOYMENT, deployment(version=1))
    view.put_object(DEPLOYMENT, deployment(version=1))
    view.put_object(DEPLOYMENT, deployment(version=2))
    assert told == [SENDER, SENDER]


def test_what_concerns_nobody_is_not_told_of(view: View, told: list[ObjectKey]) -> None:
    view.put_object(DEPLOYMENT, deployment("another"))
    view.put_object("ConfigMap", config_map("another"))
    assert told == []


def test_an_autoscalers_news_are_its_workloads(view: View, told: list[ObjectKey]) -> None:
    view.put_object(AUTOSCALER, autoscaler(version=1))
    view.drop_object(ObjectKey(AUTOSCALER, "mail", "email-sender-hpa"))
    assert told == [SENDER, SENDER]


def test_an_autoscaler_that_turns_to_another_workload_is_news_for_the_one_it_left(
    view: View, told: list[ObjectKey]
) -> None:
    """Its own replicas count again from then on."""
    view.put_object(AUTOSCALER, autoscaler(version=1))
    told.clear()
    view.put_object(AUTOSCALER, autoscaler(version=2, of="another"))
    assert told == [SENDER]
    assert view.autoscalers_of(SENDER) == []


def test_our_own_answer_is_no_news_and_neither_is_its_echo(
    view: View, told: list[ObjectKey]
) -> None:
    view.put_object(DEPLOYMENT, deployment(version=1))
    told.clear()
    view.replace_object(SENDER, deployment(version=2, replicas=2))
    view.put_object(DEPLOYMENT, deployment(version=2, replicas=2))
    assert told == []
    assert view.objects[SENDER]["spec"] == {"replicas": 2}


@pytest.mark.parametrize("uid", ["", "that of the one before"])
def test_an_older_object_comes_too_late(view: View, uid: str) -> None:
    """An answer can be overtaken by the watch, also by the news of a recreated object."""
    view.put_object(DEPLOYMENT, deployment(version=9, replicas=2))
    view.put_object(DEPLOYMENT, deployment(version=8, replicas=8, uid=uid))
    assert view.objects[SENDER]["spec"] == {"replicas": 2}


@pytest.mark.parametrize("uid", ["uid-1", "that of the one before"])
def test_an_older_incident_comes_too_late(view: View, uid: str) -> None:
    view.put_incident(incident(resource_version="10", plan=(), uid="uid-1"))
    view.put_incident(incident(resource_version="9", uid=uid))
    assert view.incidents_on(SENDER) == []
    assert view.present == {"uid-1"}


def test_versions_are_numbers() -> None:
    view = View()
    view.put_incident(incident(resource_version="10", mode="observe"))
    view.put_incident(incident(resource_version="9"))
    assert view.incidents[IncidentKey("mail", incident().name)].mode == "observe"


def test_only_the_very_incident_that_is_gone_is_dropped(view: View, told: list[ObjectKey]) -> None:
    """The end of one that was replaced by now is no news."""
    key = IncidentKey("mail", incident().name)
    view.put_object("ConfigMap", config_map())
    told.clear()
    view.drop_incident(key, uid="another")
    assert key in view.incidents
    view.drop_incident(key, uid="uid-1")
    assert key not in view.incidents
    assert told == [CAMPAIGN, SENDER]
    assert view.present == set()


def test_sending_is_paused_before_workloads_are_touched(view: View) -> None:
    view.put_object("ConfigMap", config_map())
    assert view.concerned(incident(plan=(SCALE, PAUSE))) == [CAMPAIGN, SENDER]


def test_after_a_restore_of_etcd_lower_versions_are_newer_and_only_once(
    view: View, told: list[ObjectKey]
) -> None:
    view.put_object(DEPLOYMENT, deployment(version=9, replicas=2))
    view.put_incident(incident(resource_version="10", plan=(PAUSE, SCALE)))
    told.clear()

    view.distrust_objects(DEPLOYMENT, "mail")
    view.distrust_incidents()
    view.put_object(DEPLOYMENT, deployment(version=5, replicas=8))
    view.put_incident(incident(resource_version="6", plan=()))

    assert told == [SENDER]
    assert view.objects[SENDER]["spec"] == {"replicas": 8}
    assert view.incidents_on(SENDER) == []
    view.put_object(DEPLOYMENT, deployment(version=4, replicas=1))
    view.put_incident(incident(resource_version="5", plan=(SCALE,)))
    assert view.objects[SENDER]["spec"] == {"replicas": 8}
    assert view.incidents_on(SENDER) == []


def test_of_an_incident_only_this_very_version_is_known() -> None:
    view = View()
    kept = incident(resource_version="10")
    view.put_incident(kept)
    meta = {"namespace": "mail", "name": kept.name, "uid": kept.uid, "resourceVersion": "10"}
    assert view.known_incident({"metadata": meta}) is kept
    for changed in ({"resourceVersion": "11"}, {"uid": "another"}, {"name": "another"}):
        assert view.known_incident({"metadata": {**meta, **changed}}) is None
    view.put_incident(incident(resource_version="10"))
    assert view.incidents[IncidentKey("mail", kept.name)] is kept

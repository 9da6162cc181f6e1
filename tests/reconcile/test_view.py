"""The view's indexes always say what looking at everything would say."""

from dataclasses import replace
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from responder.holds.objects import CAMPAIGN_MARK, ObjectKey
from responder.holds.subjects import campaigns_of, object_of, subject_of
from responder.incidents.incident import Incident
from responder.incidents.status import Phase, Target, TargetState
from responder.playbooks.asks import Ask
from responder.reconcile.view import IncidentKey, View
from tests.incidents.given import incident

CAMPAIGNS = ("spring", "summer")
MAPS = ("spring", "other", "third")
NAMES = ("p-0000000000000001-1", "p-0000000000000001-2", "p-0000000000000002-1")


def pause(campaign: str) -> Ask:
    return Ask(
        control="sending",
        namespace="mail",
        target_kind="campaign",
        target=campaign,
        limit={"share": 0.0},
        verb="pause",
    )


class ViewMachine(RuleBasedStateMachine):
    """Objects and incidents come, change and go."""

    def __init__(self) -> None:
        super().__init__()
        self.view = View()
        self.version = 10
        self.incidents: dict[str, Incident] = {}
        self.maps: dict[str, dict[str, Any]] = {}

    def next_version(self) -> str:
        self.version += 1
        return str(self.version)

    @rule(
        name=st.sampled_from(NAMES),
        campaign=st.sampled_from(CAMPAIGNS),
        closed=st.booleans(),
        held=st.sampled_from([None, *MAPS]),
        fingerprint=st.sampled_from(["a" * 16, "b" * 16]),
    )
    def put_incident(
        self, name: str, campaign: str, held: str | None, fingerprint: str, *, closed: bool
    ) -> None:
        known = self.incidents.get(name)
        uid = self.next_version() if known is None else known.uid
        made = incident(phase=Phase.CLOSED if closed else Phase.HOLDING, name=name, uid=uid)
        alerts = {fingerprint: next(iter(made.alerts.values()))}
        key = ObjectKey("ConfigMap", "mail", held or "")
        targets = (Target(key, TargetState.APPLIED),) if held else ()
        self.incidents[name] = replace(
            made,
            alerts=alerts,
            plan=(pause(campaign),),
            resource_version=self.next_version(),
            status=replace(made.status, targets=targets),
        )
        self.view.put_incident(self.incidents[name])

    @rule(name=st.sampled_from(NAMES))
    def drop_incident(self, name: str) -> None:
        gone = self.incidents.pop(name, None)
        self.view.drop_incident(IncidentKey("mail", name))
        if gone is not None:
            # The answer to a write of ours that was made before it went.
            self.view.put_incident(replace(gone, resource_version=self.next_version()))
            # And what the watch has to tell of the time before that.
            self.view.put_incident(replace(gone, resource_version="1"), anew=True)

    @rule(name=st.sampled_from(NAMES))
    def one_that_was_dropped_is_told_by_the_watch(self, name: str) -> None:
        found = self.incidents.get(name)
        if found is not None:
            self.view.drop_incident(IncidentKey("mail", name), uid=found.uid)
            self.incidents[name] = replace(found, resource_version=self.next_version())
            self.view.put_incident(self.incidents[name], anew=True)

    @rule(name=st.sampled_from(NAMES))
    def an_older_state_comes_late(self, name: str) -> None:
        if name in self.incidents:
            old = replace(self.incidents[name], resource_version="1", plan=())
            self.view.put_incident(old)

    @rule(name=st.sampled_from(MAPS), campaign=st.sampled_from(["", *CAMPAIGNS]))
    def put_map(self, name: str, campaign: str) -> None:
        labels = {CAMPAIGN_MARK: campaign} if campaign else {}
        self.maps[name] = {
            "metadata": {
                "name": name,
                "namespace": "mail",
                "uid": name,
                "resourceVersion": self.next_version(),
                "labels": labels,
            }
        }
        self.view.put_object("ConfigMap", self.maps[name])

    @rule(name=st.sampled_from(MAPS))
    def drop_map(self, name: str) -> None:
        self.maps.pop(name, None)
        self.view.drop_object(ObjectKey("ConfigMap", "mail", name))

    def concerns(self, found: Incident, key: ObjectKey) -> bool:
        if any(target.key == key for target in found.status.targets):
            return True
        live = self.maps.get(key.name)
        for ask in found.plan:
            subject = subject_of(ask)
            if object_of(subject) == key:
                return True
            if live is not None and subject.name in campaigns_of(live):
                return True
        return False

    @invariant()
    def the_incidents_on_a_target_are_all_that_concern_it(self) -> None:
        for name in MAPS:
            key = ObjectKey("ConfigMap", "mail", name)
            expected = {
                item.name
                for item in self.incidents.values()
                if not item.closed and self.concerns(item, key)
            }
            assert {item.name for item in self.view.incidents_on(key)} == expected

    @invariant()
    def a_crowd_is_no_larger_than_it_is(self) -> None:
        for name in MAPS:
            key = ObjectKey("ConfigMap", "mail", name)
            held = sum(
                any(target.key == key for target in item.status.targets)
                for item in self.incidents.values()
                if not item.closed
            )
            assert held <= self.view.crowd_on(key) <= len(self.view.incidents_on(key))

    @invariant()
    def the_newest_has_the_highest_ordinal(self) -> None:
        names = [name for name in self.incidents if name.startswith("p-0000000000000001")]
        newest = self.view.newest("mail", "p-0000000000000001")
        assert (newest.name if newest else None) == max(names, default=None)

    @invariant()
    def an_alert_leads_to_every_incident_that_it_is_in(self) -> None:
        for fingerprint in ("a" * 16, "b" * 16):
            expected = {item.name for item in self.incidents.values() if fingerprint in item.alerts}
            assert {item.name for item in self.view.holding_alert(fingerprint)} == expected

    @invariant()
    def the_uids_are_those_of_the_incidents(self) -> None:
        assert self.view.present == {item.uid for item in self.incidents.values()}
        assert self.view.open == {i.uid for i in self.incidents.values() if not i.closed}


ViewMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
TestView = ViewMachine.TestCase

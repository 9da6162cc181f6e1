"""The conductor's picture of the cluster: incidents and what they concern, indexed both ways.

Fed by watches and by the answers to our own writes. Never the last word: whatever is loosened is
read again first.
"""

from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Final, NamedTuple

from responder.holds import ownership
from responder.holds.eligibility import is_marked
from responder.holds.objects import (
    LEDGER_ANNOTATION,
    JsonObject,
    ObjectKey,
    annotation,
    is_transactional,
    metadata,
    name,
    namespace,
    value_at,
)
from responder.holds.subjects import (
    CAMPAIGN,
    CONFIG_MAP,
    DEPLOYMENT,
    Subject,
    campaigns_of,
    object_of,
    subject_of,
)
from responder.holds.workload import AUTOSCALER
from responder.incidents.identity import ordinal_of, stem_of
from responder.incidents.incident import Incident
from responder.incidents.transitions import Arming
from responder.reconcile.switch import SWITCH_NAME, arming_of
from responder.reconcile.tally import Tally

_MOST_GONE: Final = 1024
"""What is told late of an incident that is gone does not come much later."""


class IncidentKey(NamedTuple):
    """Names one incident."""

    namespace: str
    name: str


class View:
    """Incidents by name, identity, alert and target; objects by name and by what they say."""

    def __init__(self, *, home: str = "") -> None:
        """`home` is the responder's own namespace, where its switch is looked for."""
        self._switch = ObjectKey(CONFIG_MAP, home, SWITCH_NAME)
        self.incidents: dict[IncidentKey, Incident] = {}
        self.objects: dict[ObjectKey, JsonObject] = {}
        self.present: set[str] = set()
        """uids of every incident."""
        self.open: set[str] = set()
        """uids of those that are not closed."""
        self.tally = Tally()
        self.on_arming: Callable[[], None] = lambda: None
        self.on_incident: Callable[[IncidentKey, Incident | None], None] = lambda _k, _i: None
        self.on_change: Callable[[Incident, Incident], None] = lambda _before, _after: None
        """Two versions of one incident, one after the other, whoever wrote the newer one."""
        self.on_object: Callable[[ObjectKey], None] = lambda _key: None
        self._outdated: set[IncidentKey | ObjectKey] = set()
        """What is known of these comes from before a restore of etcd: any version is newer."""
        self._gone: OrderedDict[str, int] = OrderedDict()
        """uids of incidents that were dropped, with the version that was known by then."""
        self._by_stem: dict[tuple[str, str], set[str]] = defaultdict(set)
        self._by_fingerprint: dict[str, set[IncidentKey]] = defaultdict(set)
        self._by_subject: dict[Subject, set[IncidentKey]] = defaultdict(set)
        self._by_object: dict[ObjectKey, set[IncidentKey]] = defaultdict(set)
        self._campaigns: dict[Subject, set[ObjectKey]] = defaultdict(set)
        self._autoscalers: dict[ObjectKey, set[ObjectKey]] = defaultdict(set)
        self._transactional: dict[str, set[ObjectKey]] = defaultdict(set)

    # -- incidents

    def put_incident(self, incident: Incident, *, anew: bool = False) -> None:
        """Take an incident's newest state; an older one than is known is ignored.

        So is what comes late of one that is gone: the answer to a write, which the watch was faster
        than, or the watch, which our own answer was faster than. `anew`: the watch tells of one
        that it did not know. Only that brings back what was dropped, if it is newer.
        """
        gone_at = self._gone.get(incident.uid)
        if gone_at is not None:
            if not anew or int(incident.resource_version) <= gone_at:
                return
            del self._gone[incident.uid]
        key = IncidentKey(incident.namespace, incident.name)
        known = self.incidents.get(key)
        before = None if known is None or known.uid != incident.uid else known
        if known is not None and key in self._outdated:
            before = None  # it goes back to what it was before that: nothing happened to it
            self._unindex(key, known)
        elif known is not None:
            # Versions of all objects come from one counter, so also those of a name's next object.
            if int(known.resource_version) >= int(incident.resource_version):
                return
            self._unindex(key, known)
        self._outdated.discard(key)
        self.incidents[key] = incident
        self._index(key, incident)
        if before is not None:
            self.on_change(before, incident)
        self.on_incident(key, incident)

    def known_incident(self, live: JsonObject) -> Incident | None:
        """Give what is known of this very version of an incident: most of what a watch tells of is
        our own write, whose answer was read already.
        """
        meta = metadata(live)
        known = self.incidents.get(IncidentKey(namespace(live), name(live)))
        if known is None or known.uid != meta.get("uid"):
            return None
        return known if known.resource_version == meta.get("resourceVersion") else None

    def _index(self, key: IncidentKey, incident: Incident) -> None:
        self.present.add(incident.uid)
        self.tally.put(incident)
        if not incident.closed:
            self.open.add(incident.uid)
        self._by_stem[incident.namespace, stem_of(incident.name)].add(incident.name)
        for fingerprint in incident.alerts:
            self._by_fingerprint[fingerprint].add(key)
        if not incident.closed:
            for ask in incident.plan_in_force:
                self._by_subject[subject_of(ask)].add(key)
            for target in incident.status.targets:
                self._by_object[target.key].add(key)

    def drop_incident(self, key: IncidentKey, *, uid: str | None = None) -> None:
        """Forget an incident that is gone; with a uid only that very one."""
        known = self.incidents.get(key)
        gone = uid or (known.uid if known is not None else "")
        if gone:
            is_known = known is not None and known.uid == gone
            version = int(known.resource_version) if known is not None and is_known else 0
            self._gone[gone] = max(version, self._gone.get(gone, 0))
            if len(self._gone) > _MOST_GONE:
                self._gone.popitem(last=False)
        if known is None or known.uid != gone:
            return
        del self.incidents[key]
        self._outdated.discard(key)
        concerned = self.concerned(known)
        self._unindex(key, known)
        self.tally.drop(key.name)
        self.on_incident(key, None)
        for target in concerned:
            self.on_object(target)

    def distrust_incidents(self) -> None:
        """The API server's versions went backwards: what it tells next is newer all the same."""
        self._outdated.update(self.incidents)
        self._gone.clear()

    def distrust_objects(self, kind: str, namespace: str) -> None:
        """The same for the objects of a kind in a namespace."""
        found = (key for key in self.objects if key[:2] == (kind, namespace))
        self._outdated.update(found)

    def _unindex(self, key: IncidentKey, known: Incident) -> None:
        self.present.discard(known.uid)
        self.open.discard(known.uid)
        stem = (known.namespace, stem_of(known.name))
        _discard(self._by_stem, stem, known.name)
        for fingerprint in known.alerts:
            _discard(self._by_fingerprint, fingerprint, key)
        for ask in known.plan_in_force:
            _discard(self._by_subject, subject_of(ask), key)
        for target in known.status.targets:
            _discard(self._by_object, target.key, key)

    def newest(self, namespace: str, stem: str) -> Incident | None:
        """Give the incident of an identity with the highest ordinal."""
        names = self._by_stem.get((namespace, stem))
        if not names:
            return None
        return self.incidents[IncidentKey(namespace, max(names, key=ordinal_of))]

    def holding_alert(self, fingerprint: str) -> list[Incident]:
        """Give the incidents inside which the alert is."""
        return [self.incidents[key] for key in self._by_fingerprint.get(fingerprint, ())]

    # -- objects

    @property
    def arming(self) -> Arming:
        """Tell whether anything new may be held."""
        return arming_of(self.objects.get(self._switch))

    def put_object(self, kind: str, live: JsonObject) -> None:
        key = ObjectKey(kind, namespace(live), name(live))
        known = self.objects.get(key)
        if known is not None:
            if _version(known) >= _version(live) and key not in self._outdated:
                return
            self._forget(key, known)
        self._outdated.discard(key)
        self.objects[key] = live
        if kind == AUTOSCALER:
            self._autoscalers[_scaled(live)].add(key)
        elif kind == CONFIG_MAP:
            for campaign in campaigns_of(live):
                self._campaigns[Subject(CAMPAIGN, key.namespace, campaign)].add(key)
            if is_transactional(live) and is_marked(live):
                self._transactional[key.namespace].add(key)
        self._tell(key, live)
        if key == self._switch and arming_of(live) is not arming_of(known):
            self.on_arming()
        if known is not None and kind == AUTOSCALER and _scaled(known) != _scaled(live):
            self._tell(key, known)  # it left that workload, whose own replicas count again

    def drop_object(self, key: ObjectKey) -> None:
        known = self.objects.pop(key, None)
        self._outdated.discard(key)
        if known is not None:
            self._forget(key, known)
            self._tell(key, known)
            if key == self._switch and arming_of(known) is not Arming.ARMED:
                self.on_arming()

    def replace_object(self, key: ObjectKey, live: JsonObject) -> None:
        """Take an object as answered to us: its own echo by the watch is then no news."""
        tell, self.on_object = self.on_object, lambda _key: None
        try:
            if key in self.objects and _version(self.objects[key]) == _version(live):
                self.objects[key] = live
            self.put_object(key.kind, live)
        finally:
            self.on_object = tell

    def forget_object(self, key: ObjectKey) -> None:
        """Take note that an object is gone, as answered to us."""
        known = self.objects.pop(key, None)
        self._outdated.discard(key)
        if known is not None:
            self._forget(key, known)

    def _forget(self, key: ObjectKey, known: JsonObject) -> None:
        if key.kind == AUTOSCALER:
            _discard(self._autoscalers, _scaled(known), key)
        elif key.kind == CONFIG_MAP:
            for campaign in campaigns_of(known):
                _discard(self._campaigns, Subject(CAMPAIGN, key.namespace, campaign), key)
            _discard(self._transactional, key.namespace, key)

    def target_of(self, key: ObjectKey) -> ObjectKey:
        """Give the target that an object belongs to: an autoscaler belongs to its workload."""
        live = self.objects.get(key)
        return _scaled(live) if key.kind == AUTOSCALER and live is not None else key

    def _tell(self, key: ObjectKey, live: JsonObject) -> None:
        target = _scaled(live) if key.kind == AUTOSCALER else key
        if is_in_our_name(live) or self.incidents_on(target):
            self.on_object(target)

    def autoscalers_of(self, deployment: ObjectKey) -> list[JsonObject]:
        keys = sorted(self._autoscalers.get(deployment, ()))
        return [self.objects[key] for key in keys]

    @property
    def campaigns(self) -> int:
        """Count the campaigns of bulk mail that ConfigMaps say they are of."""
        return sum(any(map(self._is_bulk, found)) for found in self._campaigns.values())

    def _is_bulk(self, key: ObjectKey) -> bool:
        live = self.objects[key]
        return is_marked(live) and not is_transactional(live)

    def transactional_in(self, namespace: str) -> Iterator[JsonObject]:
        return (self.objects[key] for key in self._transactional.get(namespace, ()))

    # -- both

    def targets_of(self, subject: Subject) -> frozenset[ObjectKey]:
        """Give the objects that a subject stands for now."""
        direct = object_of(subject)
        if direct is not None:
            return frozenset({direct})
        return frozenset(self._campaigns.get(subject, ()))

    def concerned(self, incident: Incident) -> list[ObjectKey]:
        """Give every target key of an incident: what its plan names now, and what it ever held.

        Pausing sending comes before touching workloads, so ConfigMaps come first.
        """
        found: dict[ObjectKey, None] = {}
        for ask in incident.plan_in_force:
            found.update(dict.fromkeys(self.targets_of(subject_of(ask))))
        for target in incident.status.targets:
            # An autoscaler is held for its workload, which the plan names.
            if target.key.kind in {CONFIG_MAP, DEPLOYMENT}:
                found[target.key] = None
        return sorted(found, key=lambda key: (key.kind != CONFIG_MAP, key))

    def incidents_on(self, target: ObjectKey) -> list[Incident]:
        """Give the open incidents that concern a target, by plan or by what they held."""
        keys = set(self._by_object.get(target, ()))
        keys |= self._by_subject.get(Subject(*target), set())
        if target.kind == CONFIG_MAP:
            live = self.objects.get(target)
            for campaign in campaigns_of(live) if live is not None else ():
                subject = Subject(CAMPAIGN, target.namespace, campaign)
                keys |= self._by_subject.get(subject, set())
        return [self.incidents[key] for key in sorted(keys)]

    def crowd_on(self, target: ObjectKey) -> int:
        """Give about how many open incidents concern a target, without looking at them."""
        asking = self._by_subject.get(Subject(*target), ())
        return max(len(asking), len(self._by_object.get(target, ())))

    def targets(self) -> Iterable[ObjectKey]:
        """Give every target that some open incident concerns."""
        found: dict[ObjectKey, None] = {}
        for incident in self.incidents.values():
            if not incident.closed:
                found.update(dict.fromkeys(self.concerned(incident)))
        return found


def is_in_our_name(live: JsonObject) -> bool:
    """Tell whether an object bears a ledger, or what we held once its ledger was taken away."""
    return annotation(live, LEDGER_ANNOTATION) is not None or ownership.is_marked(live)


def _version(live: JsonObject) -> int:
    return int(value_at(live, ("metadata", "resourceVersion")) or 0)


def _scaled(autoscaler: JsonObject) -> ObjectKey:
    reference = value_at(autoscaler, ("spec", "scaleTargetRef")) or {}
    kind = str(reference.get("kind", DEPLOYMENT))
    return ObjectKey(kind, namespace(autoscaler), str(reference.get("name", "")))


def _discard(index: dict, key: object, value: object) -> None:  # type: ignore[type-arg]
    """Take a value out of an index, and the key with its last one."""
    values = index.get(key)
    if values is not None:
        values.discard(value)
        if not values:
            del index[key]

"""One target as it stands: its objects, who asks what of it, and what is refused.

Everything here is read from the view at one moment; planning it again after each write is how the
conductor goes on.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from responder.cluster.failures import ApiFailure
from responder.holds.configmap import Document, HeldKey, plan_document
from responder.holds.eligibility import (
    Refused,
    autoscaler_may_be_held,
    config_map_barrier,
    workload_barrier,
)
from responder.holds.fields import Facts
from responder.holds.keys import PlainKeyControl
from responder.holds.ledger import Copy, Ledger
from responder.holds.limits import AnyControl, AnyHold, Hold, Holder
from responder.holds.objects import (
    LEDGER_ANNOTATION,
    SENDING_HOLDS,
    JsonObject,
    ObjectKey,
    annotation,
    uid,
)
from responder.holds.ownership import is_ours
from responder.holds.planning import Place, Step
from responder.holds.replicas import REPLICAS
from responder.holds.soundness import IDENTITY
from responder.holds.subjects import (
    CAMPAIGN,
    CONFIG_MAP,
    campaigns_of,
    control_of,
    key_for,
    limit_of,
    subject_of,
    told,
)
from responder.holds.workload import AUTOSCALER, Workload, plan_workload
from responder.incidents.incident import Incident
from responder.incidents.lifecycle import asks_of, share_of
from responder.incidents.status import Phase
from responder.incidents.transitions import Arming
from responder.playbooks.asks import Ask
from responder.reconcile.view import View

Wish = tuple[str, str, str]
"""What one incident asks: its uid, the name of the ask's target, and of a ConfigMap the key."""


def wish_of(incident: Incident, ask: Ask, key: ObjectKey) -> Wish:
    return (incident.uid, told(ask), field_of(ask, key))


def field_of(ask: Ask, key: ObjectKey) -> str:
    """Name the one field that an ask is about; a workload's are held together."""
    return key_for(ask) if key.kind == CONFIG_MAP else ""


@dataclass(slots=True)
class Situation:
    """What is known of a target, ready to be planned."""

    key: ObjectKey
    live: JsonObject | None
    incidents: list[Incident]
    asked: list[tuple[Incident, Ask]]
    refused: dict["Wish", Refused] = field(default_factory=dict)
    autoscalers: list[JsonObject] = field(default_factory=list)
    left_alone: list[str] = field(default_factory=list)
    """Names of autoscalers that scale the workload too, and may not be held."""
    holds: list[Hold[int]] = field(default_factory=list)
    keys: dict[str, HeldKey] = field(default_factory=dict)
    copies: list[Copy] = field(default_factory=list)
    refusals: Mapping[str, ApiFailure] = field(default_factory=dict)
    """Keys of a ConfigMap that are refused for now, with the reason."""
    stripped: bool = False
    """Admission takes the ledger out of what we write."""
    waiting: frozenset[str] = frozenset()
    """Keys whose turn is yet to come, after a refusal of many together."""
    resting: frozenset[str] = frozenset()
    """Keys that are not held anew for a moment."""
    stood_down: frozenset[Place] = frozenset()
    """What somebody else keeps setting back, and is left to them for now."""

    @property
    def missing(self) -> bool:
        """Tell whether there is nothing to hold: only `sending-holds` is made where it lacks."""
        return self.live is None and not (
            self.key.kind == CONFIG_MAP and self.key.name == SENDING_HOLDS
        )

    def plan(self, facts: Facts) -> Step:
        """Give the next patch."""
        if self.key.kind == CONFIG_MAP:
            if self.missing:
                return Step(write=None, pending=False, held={})
            document = Document(
                self.key,
                self.live,
                self.keys,
                self.copies,
                refused=self.refusals.keys(),
                waiting=self.waiting,
                resting=self.resting | {field for _, field in self.stood_down},
            )
            return plan_document(document, facts=facts)
        workload = Workload(
            self.live,
            self.autoscalers,
            self.holds,
            self.copies,
            writable=self.live is None or _is_writable(self.live),
            resting={key for key, _ in self.stood_down},
        )
        return plan_workload(workload, facts=facts)


def holder_of(incident: Incident) -> Holder:
    """Give what a held object tells of the incident that holds it."""
    why = incident.trigger.reason
    for fingerprint in sorted(incident.alerts):
        alert = incident.alerts[fingerprint]
        why = why or alert.summary or alert.labels.get("alertname", "")
    since = incident.created_at or incident.received_at
    return Holder(incident.name, incident.uid, since=since, reason=(why or incident.playbook)[:200])


def gather(
    view: View, key: ObjectKey, *, pools: tuple[str, ...], proposed: Sequence[Incident] = ()
) -> Situation:
    """Read a target's situation from the view; `proposed` incidents count as if they were open.

    And as if they might hold, whatever the switch says.
    """
    live, may_begin = view.objects.get(key), view.arming is Arming.ARMED
    incidents = [*view.incidents_on(key), *proposed]
    asked = [
        (incident, ask)
        for incident in incidents
        for ask in asks_of(incident)
        if _concerns(incident, ask, key=key, live=live)
        and (may_begin or incident in proposed or _has_begun(incident, key, view))
    ]
    situation = Situation(key, live, incidents, asked)
    if key.kind == CONFIG_MAP:
        _gather_document(situation, pools=pools)
    else:
        _gather_workload(situation, view)
    situation.copies.extend(
        Copy(
            target.key,
            target.uid,
            target.ledger,
            leaving=incident.status.letting_go is not None,
        )
        for incident in incidents
        for target in incident.status.targets
        if target.ledger is not None and (target.key == key or target.subject == str(key))
    )
    return situation


def _concerns(incident: Incident, ask: Ask, *, key: ObjectKey, live: JsonObject | None) -> bool:
    subject = subject_of(ask)
    if subject.kind != CAMPAIGN:
        return tuple(subject) == tuple(key)
    if key.kind != CONFIG_MAP or subject.namespace != key.namespace:
        return False
    if live is not None and subject.name in campaigns_of(live):
        return True
    # Relabelled during the hold: what is held stays held.
    return any(
        target.key == key and target.subject == str(subject) and target.ledger is not None
        for target in incident.status.targets
    )


def _has_begun(incident: Incident, key: ObjectKey, view: View) -> bool:
    """Tell whether an incident holds here already: what is disarmed holds nothing new.

    Nor does an incident that holds elsewhere, of what comes to be its target meanwhile.
    """
    objects = [view.objects.get(key), *view.autoscalers_of(key)]
    ledgers = [Ledger.from_text(annotation(one, LEDGER_ANNOTATION)) for one in objects if one]
    if incident.status.phase is not Phase.NEW:
        return any(ledger is not None for ledger in ledgers) or any(
            target.ledger is not None and (target.key == key or target.subject == str(key))
            for target in incident.status.targets
        )
    return any(
        entry.uid == incident.uid
        for ledger in ledgers
        if ledger is not None
        for entry in ledger.fields.values()
    )


def _is_held(live: JsonObject | None) -> bool:
    return live is not None and annotation(live, LEDGER_ANNOTATION) is not None


def _gather_workload(situation: Situation, view: View) -> None:
    key, live = situation.key, situation.live
    known = {
        target.key
        for incident in situation.incidents
        for target in incident.status.targets
        if target.ledger is not None
    }
    for autoscaler in view.autoscalers_of(key):
        named = str(autoscaler["metadata"]["name"])
        if (
            autoscaler_may_be_held(autoscaler)
            or _is_held(autoscaler)
            or ObjectKey(AUTOSCALER, key.namespace, named) in known
        ):
            situation.autoscalers.append(autoscaler)
        else:
            situation.left_alone.append(named)
    beside = any(map(_is_held, situation.autoscalers))
    if live is None and not beside:
        return
    # One that was deleted may be created again at once, so its autoscaler stays as it is held; what
    # is created is another Deployment, whose owner may have decided otherwise.
    is_another = live is not None and _is_recreated(live, situation.autoscalers)
    if live is not None and not _is_held(live) and (is_another or not beside):
        for incident, ask in situation.asked:
            barrier = workload_barrier(
                live,
                transactional=view.transactional_in(key.namespace),
                forced=incident.include_transactional,
            )
            if barrier is not None and (is_another or not _held_before(incident, situation)):
                situation.refused[wish_of(incident, ask, key)] = barrier
    situation.holds = [
        Hold(holder_of(incident), limit_of(ask), share_of(incident))
        for incident, ask in situation.asked
        if wish_of(incident, ask, key) not in situation.refused
    ]


def _is_recreated(deployment: JsonObject, autoscalers: Sequence[JsonObject]) -> bool:
    """Tell whether what is held of its autoscalers was held for a Deployment before it."""
    ledgers = [Ledger.from_text(annotation(one, LEDGER_ANNOTATION)) for one in autoscalers]
    known = {ledger.remembered.get(IDENTITY) for ledger in ledgers if ledger is not None} - {None}
    return bool(known) and uid(deployment) not in known


def _is_writable(deployment: JsonObject) -> bool:
    """Tell whether admission lets us write: to what is allowed, and to what is ours already."""
    return (
        workload_barrier(deployment, transactional=(), forced=True) is None
        or _is_held(deployment)
        or is_ours(deployment, REPLICAS.path)
    )


def _held_before(incident: Incident, situation: Situation) -> bool:
    """Tell whether the incident's own record says that it holds this very object."""
    live = situation.live
    return live is not None and any(
        target.subject == str(situation.key) and target.ledger is not None
        for target in incident.status.targets
    )


def _gather_document(situation: Situation, *, pools: tuple[str, ...]) -> None:
    live = situation.live
    controls: dict[str, AnyControl] = {}
    holds: dict[str, list[AnyHold]] = {}
    for incident, ask in situation.asked:
        name = key_for(ask)
        barrier = None
        if live is not None:
            barrier = config_map_barrier(
                live,
                key=name,
                plain=ask.control == "keys",
                forced=incident.include_transactional,
            )
            if barrier is not None and not _is_held_for(incident, name, situation, live):
                situation.refused[wish_of(incident, ask, situation.key)] = barrier
                continue
        control = controls.setdefault(name, control_of(ask, pools=pools))
        holds.setdefault(name, []).append(
            Hold(holder_of(incident), _limit(ask, control), share_of(incident))
        )
    situation.keys = {name: HeldKey(controls[name], holds[name]) for name in controls}


def _is_held_for(incident: Incident, field: str, situation: Situation, live: JsonObject) -> bool:
    """Tell whether a key is held for an incident already: by its status, or, until that can tell of
    it, by the ledger.
    """
    ledger = Ledger.from_text(annotation(live, LEDGER_ANNOTATION))
    entry = ledger.fields.get(field) if ledger is not None else None
    return (entry is not None and entry.uid == incident.uid) or any(
        target.key == situation.key
        and target.uid == uid(live)
        and target.ledger is not None
        and field in target.ledger.fields
        for target in incident.status.targets
    )


def _limit(ask: Ask, control: AnyControl) -> Any:  # noqa: ANN401 -- the control's own
    if not isinstance(control, PlainKeyControl):
        return limit_of(ask)
    if ask.limit["value"] in control.order:
        return limit_of(ask, order=control.order)
    # Two playbooks order one key differently, and this value has no place in the order in use:
    # the strictest of that order is the one that can't be too loose.
    return len(control.order) - 1

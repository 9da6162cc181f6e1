"""The cluster at one moment of its history: what lives, what is asked of it, what is held of it.

Replayed version by version. Who holds what is concluded from the incidents and from the values
alone; what the responder says of itself counts only as an excuse.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from responder.sandbox.audit.demands import (
    CAMPAIGN,
    Demand,
    campaigns_of,
    may_be_held,
    offers,
    workloads_of,
)
from responder.sandbox.audit.versions import (
    AUTOSCALER,
    CONFIG_MAP,
    DEPLOYMENT,
    INCIDENT,
    Json,
    Version,
)

Target = tuple[str, str]
"""Kind and name of a Deployment, which its autoscalers belong to, or of a ConfigMap."""
Pair = tuple[str, int]
"""An incident's uid and the number of one of its demands."""
SWITCH_NAME = "campaign-responder-switch"
_STANDS = ("Applied", "GivenBack", "Pending")
_CONTESTED = "Contested"
_A_CONTEST = 2
"""So often somebody must have undone a hold at least: one edit is none."""


@dataclass(slots=True)
class Incident:
    """One incident, as far as it asks for something."""

    name: str
    uid: str
    since: float
    demands: tuple[Demand, ...]
    latest: Version
    ghost: bool = False

    @property
    def closed(self) -> bool:
        return bool(self.status.get("phase") == "Closed")

    @property
    def status(self) -> Json:
        found: Json = self.latest.body.get("status") or {}
        return found

    @property
    def acts(self) -> bool:
        return self.latest.spec.get("mode") in {"auto", "approve"}

    @property
    def is_proposed(self) -> bool:
        """Tell whether it still waits for a person's approval."""
        spec, phase = self.latest.spec, self.status.get("phase") or ""
        return phase == "Proposed" or (
            not phase
            and bool(spec.get("approval"))
            and (not spec.get("approve") or bool(spec.get("reject")))
        )

    @property
    def is_new(self) -> bool:
        """Tell whether nothing was decided about it yet."""
        return not self.status.get("phase")

    @property
    def share(self) -> float | None:
        """Give the share that an open step lets through."""
        if self.status.get("phase") != "Ramping":
            return None
        steps = (self.latest.spec.get("resume") or {}).get("steps") or []
        step = (self.status.get("ramp") or {}).get("step") or 0
        return float(steps[step - 1]["share"]) if 0 < step <= len(steps) else None

    @property
    def forced(self) -> bool:
        """Tell whether its playbook forces it to hold transactional mail as well."""
        return bool(self.latest.spec.get("includeTransactional"))

    @property
    def asking(self) -> tuple[object, ...]:
        """Give what its demands depend on."""
        return self.asks, self.share, tuple(self.status.get("stages") or ())

    def in_force(self, demand: Demand) -> bool:
        """Tell whether the demand's stage has been reached."""
        return demand.stage is None or demand.stage in (self.status.get("stages") or ())

    @property
    def letting_go(self) -> bool:
        return bool(self.status.get("lettingGo"))

    @property
    def asks(self) -> bool:
        """Tell whether it holds: from when it is stored until it is decided to let go."""
        return self.acts and not (self.closed or self.letting_go or self.is_proposed)

    @property
    def is_leaving(self) -> bool:
        """Tell whether it has let go, and not yet given everything back."""
        return self.letting_go and not self.closed and not self.ghost

    def excuses(self, target: Target, *, undone: int = 0) -> bool:
        """Tell whether the incident itself reports that a target does not stand as asked.

        `undone` is how often somebody else was seen to undo what was asked of it.
        """
        told = _STANDS if undone >= _A_CONTEST else (*_STANDS, _CONTESTED)
        return any(
            found.get("state") not in told
            for found in self.status.get("targets") or ()
            if (found.get("kind"), found.get("name")) == target
            or found.get("subject") == "/".join(target)
        )


@dataclass(slots=True)
class World:
    """The state after the versions that were applied so far."""

    objects: dict[Target, Version] = field(default_factory=dict)
    incidents: dict[str, Incident] = field(default_factory=dict)
    held: dict[str, set[Pair]] = field(default_factory=lambda: defaultdict(set))
    """uid of an object to the demands that it met, under a ledger."""
    asking: dict[Target, set[str]] = field(default_factory=lambda: defaultdict(set))
    """Place of a demand to the uids of the incidents that make it."""
    ghosts_are_released: bool = False
    """A person gave the command; until then a hold whose incident vanished stands."""

    def apply(self, version: Version) -> tuple[Version | None, list[Target]]:
        """Take the next version; gives the one before it and the targets that it concerns."""
        if version.kind == INCIDENT:
            return None, self._apply_incident(version)
        place = (version.kind, version.name)
        before = self.objects.get(place)
        if before is not None and before.uid != version.uid:
            before = None
        concerned = self._concerned(version)
        if before is not None:
            concerned += self._concerned(before)
        if not version.deleted:
            self.objects[place] = version
        elif before is not None:
            del self.objects[place]
        return before, list(dict.fromkeys(concerned))

    def _concerned(self, version: Version) -> list[Target]:
        if version.kind == CONFIG_MAP:
            immune = [(DEPLOYMENT, name) for name in workloads_of(version)]
            return [(CONFIG_MAP, version.name), *immune]
        return [target_of(version)]

    def _apply_incident(self, version: Version) -> list[Target]:
        known = self.incidents.get(version.uid)
        asked = None if known is None else known.asking
        if known is None:
            if version.deleted:
                return []
            demands = tuple(_demands(version.spec))
            known = Incident(version.name, version.uid, version.seen, demands, version)
            self.incidents[version.uid] = known
            for demand in demands:
                self.asking[demand.place].add(version.uid)
        known.latest = version
        known.ghost = version.deleted and not known.closed
        if asked == known.asking and not known.ghost:
            return []
        return [
            place
            for place, live in self.objects.items()
            if live.kind != AUTOSCALER
            and any(self._concerns(known, demand, live) for demand in known.demands)
        ]

    def _concerns(self, incident: Incident, demand: Demand, live: Version) -> bool:
        kind, name = demand.place
        if kind != CAMPAIGN:
            return (kind, name) == (live.kind, live.name)
        return live.kind == CONFIG_MAP and (
            name in campaigns_of(live) or (incident.uid, demand.number) in self.held[live.uid]
        )

    def demands_on(self, target: Target, *, only: str = "") -> Iterator[tuple[Incident, Demand]]:
        """Give what is asked of a target now, and may be: of what is held already, in any case."""
        live = self.objects.get(target)
        if live is None:
            return
        held = self.held[live.uid]
        # What another incident holds already is held for the next as well.
        is_held = live.kind == DEPLOYMENT and live.ledger is not None
        for uid in [only] if only else self._askers(live):
            incident = self.incidents[uid]
            if not incident.asks or (incident.ghost and self.ghosts_are_released):
                continue
            if incident.is_new and self.is_disarmed:
                continue  # it will be proposed, and holds nothing until it is armed again
            for demand in incident.demands:
                allowed = is_held or may_be_held(live, immune=self.immune, forced=incident.forced)
                offered = allowed and (demand.control != "keys" or offers(live, demand.key))
                may = (uid, demand.number) in held or (offered and not incident.ghost)
                if may and incident.in_force(demand) and self._concerns(incident, demand, live):
                    yield incident, demand.in_step(incident.share, whole=self._whole(target))

    @property
    def is_disarmed(self) -> bool:
        """Tell whether somebody threw the switch that lets nothing new be held."""
        live = self.objects.get((CONFIG_MAP, SWITCH_NAME))
        return live is not None and str(live.fields.get("arming")).strip().lower() != "armed"

    def _whole(self, target: Target) -> int:
        """Give the most replicas of a workload without us; what the ledgers tell is believed.

        0 where they say that nobody knows: of that no step lets anything through.
        """
        if target[0] != DEPLOYMENT:
            return 0
        places = self.autoscalers_of(target[1])
        name = "maxReplicas" if places else "replicas"
        found = []
        for live in places or [self.objects[target]]:
            entry = (live.ledger or {}).get(name) or {}
            if entry.get("unknown"):
                return 0
            value = entry.get("baseline", live.fields[name])
            found.append(1 if value is None else int(value))
        return max(found)

    def _askers(self, live: Version) -> list[str]:
        uids = {uid for uid, _ in self.held[live.uid]}
        uids |= self.asking.get((live.kind, live.name), set())
        if live.kind == CONFIG_MAP:
            for campaign in campaigns_of(live):
                uids |= self.asking.get((CAMPAIGN, campaign), set())
        return sorted(uids)

    @property
    def immune(self) -> frozenset[str]:
        """Give the workloads that a transactional campaign names."""
        found = (workloads_of(live) for live in self.objects.values() if live.kind == CONFIG_MAP)
        return frozenset(name for names in found for name in names)

    def autoscalers_of(self, deployment: str) -> list[Version]:
        """Give those of a workload that may be held, or are."""
        return [
            live
            for live in self.objects.values()
            if live.kind == AUTOSCALER
            and scaled_by(live) == deployment
            and (may_be_held(live) or live.ledger is not None)
        ]

    def places(self, target: Target) -> list[Version]:
        """Give the objects on which a target may be held."""
        live = self.objects.get(target)
        found = [] if live is None else [live]
        return found + (self.autoscalers_of(target[1]) if target[0] == DEPLOYMENT else [])

    def is_met(self, demand: Demand, target: Target) -> bool:
        """Tell whether a target stands as one incident asks."""
        live = self.objects[target]
        if live.kind == CONFIG_MAP:
            return demand.is_met(live)
        limit = demand.replicas
        autoscalers = self.autoscalers_of(live.name)
        bounded = all(_bound(found) <= max(1, limit) for found in autoscalers)
        return bounded and (bool(autoscalers and limit) or _replicas(live) <= limit)

    def is_somewhere_met(self, demand: Demand, target: Target) -> bool:
        """Tell whether a hold that moves between objects stands on one of them at least."""
        live = self.objects[target]
        if live.kind == CONFIG_MAP or self.is_met(demand, target):
            return self.is_met(demand, target)
        return _replicas(live) <= demand.replicas

    def establish(self, target: Target, *, only: str = "") -> None:
        """Note who holds the target from now on: whose demand is met where there is a ledger."""
        places = self.places(target)
        if all(found.ledger is None for found in places):
            return
        for incident, demand in list(self.demands_on(target, only=only)):
            if self.is_met(demand, target):
                for found in places:
                    self.held[found.uid].add((incident.uid, demand.number))


def _demands(spec: Json) -> Iterator[Demand]:
    """Give every demand of every stage; the first holds have none."""
    plans: list[tuple[int | None, Any]] = [(None, spec.get("plan") or ())]
    plans += [
        (index, stage.get("plan") or ()) for index, stage in enumerate(spec.get("stages") or ())
    ]
    asks = [(stage, ask) for stage, plan in plans for ask in plan]
    for number, (stage, ask) in enumerate(asks):
        yield Demand.of(number, ask, stage=stage)


def target_of(live: Version) -> Target:
    """Give the target that an object belongs to: an autoscaler to its workload."""
    return (DEPLOYMENT, scaled_by(live)) if live.kind == AUTOSCALER else (live.kind, live.name)


def scaled_by(autoscaler: Version) -> str:
    reference = autoscaler.spec.get("scaleTargetRef") or {}
    return str(reference.get("name")) if reference.get("kind") == DEPLOYMENT else ""


def _replicas(deployment: Version) -> int:
    found = deployment.fields["replicas"]
    return 1 if found is None else int(found)


def _bound(autoscaler: Version) -> int:
    return int(autoscaler.fields["maxReplicas"])

"""Drives the planner against the model of the API server, as the reconcile loop does."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from responder.holds.configmap import Document, HeldKey, plan_document
from responder.holds.fields import Facts
from responder.holds.ledger import Copy
from responder.holds.limits import AnyControl, Hold, Holder
from responder.holds.objects import ObjectKey
from responder.holds.planning import Step, Write
from responder.holds.workload import Workload, plan_workload
from tests.holds.api_server import ApiServer
from tests.holds.field_sets import Json

DEPLOYMENT: Final = ObjectKey("Deployment", "mail", "sender")
AUTOSCALER: Final = ObjectKey("HorizontalPodAutoscaler", "mail", "sender-hpa")
CAMPAIGN: Final = ObjectKey("ConfigMap", "mail", "spring-sale")

MOST_WRITES: Final = 12
"""More than any pass needs; a planner that undoes itself would go on for ever."""


@dataclass(slots=True)
class Incident:
    uid: str
    asks: dict[str, Any]
    """Field or key -> limit; empty once it has let go."""
    closed: bool = False
    copies: tuple[Copy, ...] = ()
    share: float | None = None
    """What an open step of its ramp lets through."""

    holder: Holder = field(init=False)

    def __post_init__(self) -> None:
        since = f"2026-11-24T18:00:{self.uid:>02}Z"
        self.holder = Holder(name=f"incident-{self.uid}", uid=self.uid, since=since)


@dataclass(slots=True)
class Conductor:
    """One target, its incidents, and what the last step found."""

    server: ApiServer
    target: str
    """"workload" or "document"."""
    controls: dict[str, AnyControl] = field(default_factory=dict)
    incidents: dict[str, Incident] = field(default_factory=dict)
    cached: list[Incident] = field(default_factory=list)
    """What an unfenced pass believes; may be old."""
    writes: list[Write] = field(default_factory=list)
    before_write: Callable[[Write, bool], None] = lambda _write, _fenced: None
    after_write: Callable[[Write, bool], None] = lambda _write, _fenced: None

    # Incidents

    def arrive(self, uid: str, **asks: Any) -> None:  # noqa: ANN401 -- as its control has it
        self.incidents[uid] = Incident(uid, asks)
        self.refresh()

    def step(self, uid: str, share: float | None) -> None:
        """An incident opens a step of its ramp, or goes back to the hold with None."""
        self.incidents[uid].share = share
        self.refresh()

    def let_go(self, uid: str) -> None:
        self.incidents[uid].asks = {}
        self.refresh()

    def refresh(self) -> None:
        """The cache catches up with the API server."""
        self.cached = [
            Incident(found.uid, dict(found.asks), found.closed, found.copies, found.share)
            for found in self.incidents.values()
        ]

    # Planning

    def plan(self, *, fenced: bool, release_ghosts: bool = False) -> Step:
        known = list(self.incidents.values()) if fenced else self.cached
        facts = Facts(
            present=frozenset(incident.uid for incident in known),
            open_incidents=frozenset(i.uid for i in known if not i.closed),
            fenced=fenced,
            release_ghosts=release_ghosts,
        )
        # Copies are read with the incidents; a stale cache has stale ones.
        copies = tuple(
            replace(copy, leaving=not incident.asks)
            for incident in known
            if not incident.closed
            for copy in incident.copies
        )
        if self.target == "workload":
            return plan_workload(self._workload(known, copies), facts=facts)
        return plan_document(self._document(known, copies), facts=facts)

    def _workload(self, known: Iterable[Incident], copies: Sequence[Copy]) -> Workload:
        autoscaler = self.server.get(AUTOSCALER)
        return Workload(
            deployment=self.server.get(DEPLOYMENT),
            autoscalers=[] if autoscaler is None else [autoscaler],
            holds=[
                Hold(incident.holder, limit, incident.share)
                for incident in known
                for limit in incident.asks.values()
            ],
            copies=copies,
        )

    def _document(self, known: Iterable[Incident], copies: Sequence[Copy]) -> Document:
        holds: dict[str, list[Hold[Any]]] = {}
        for incident in known:
            for key, limit in incident.asks.items():
                holds.setdefault(key, []).append(Hold(incident.holder, limit, incident.share))
        keys = {key: HeldKey(self.controls[key], found) for key, found in holds.items()}
        return Document(CAMPAIGN, self.server.get(CAMPAIGN), keys, copies)

    # Passing

    def loop(
        self, *, fenced: bool, release_ghosts: bool = False, stop_after: int | None = None
    ) -> Step | None:
        """Writes until nothing is left; None where it was killed on the way."""
        for count in range(MOST_WRITES + 1):
            step = self.plan(fenced=fenced, release_ghosts=release_ghosts)
            if step.write is None:
                return step
            if count == stop_after:
                return None
            self._commit(step.write, fenced=fenced)
        raise AssertionError([str(write.purpose) for write in self.writes[-MOST_WRITES:]])

    def _commit(self, write: Write, *, fenced: bool) -> None:
        self.before_write(write, fenced)
        before = self.server.get(write.key)
        if write.create:
            self.server.create(write.key, write.patch, manager=write.manager)
        else:
            answer = self.server.patch(write.key, write.patch, manager=write.manager)
            assert answer != before, f"a write that changes nothing: {write}"
        self.writes.append(write)
        self.after_write(write, fenced)

    def reconcile(self, *, release_ghosts: bool = False, persist: bool = True) -> Step:
        """A whole pass: unfenced, then fenced where something waits; then the second copies."""
        step = self.loop(fenced=False)
        assert step is not None
        if step.pending or release_ghosts:
            step = self.loop(fenced=True, release_ghosts=release_ghosts)
            assert step is not None
        if persist:
            self.persist(step)
        return step

    def persist(self, step: Step) -> None:
        """Puts the second copies into every open incident's status; the answer is cached.

        Each tells of its incident's own keys, and is renewed only where it must be.
        """
        named = (
            {
                entry.uid
                for ledger in step.held.values()
                for field, entry in ledger.fields.items()
                if entry.uid in self.incidents and field in self.incidents[entry.uid].asks
            }
            if self.target == "document"
            else set()
        )
        keeper = min(named, default="")
        for incident in (*self.incidents.values(), *self.cached):
            if not incident.closed:
                incident.copies = tuple(self._copies(incident, step, keeper=keeper))

    def _copies(self, incident: Incident, step: Step, *, keeper: str) -> Iterator[Copy]:
        for key, ledger in step.held.items() if incident.asks else ():
            own = ledger
            if self.target == "document":
                asked = {name for found in self.incidents.values() for name in found.asks}
                ghosts = ledger.fields.keys() - asked if incident.uid == keeper else set()
                own = ledger.only({*incident.asks, *ghosts})
            found = Copy(key, object_uid=step.uids.get(key, ""), ledger=own)
            for known in incident.copies:
                same = (known.key, known.object_uid) == (key, found.object_uid)
                same = same and known.ledger.epoch == own.epoch
                named = any(entry.uid == incident.uid for entry in own.fields.values())
                moved = replace(known.ledger, sequence=own.sequence) != own
                if self.target == "document" and incident.uid != keeper:
                    named = named and moved
                if same and not named:
                    found = known
            yield found

    def close(self) -> None:
        """Closes what has let go; only after a pass that left nothing to do."""
        for incident in self.incidents.values():
            if not incident.asks:
                incident.closed = True
        self.refresh()


def deployment(*, replicas: int, annotations: dict[str, str] | None = None) -> Json:
    return {
        "metadata": {"labels": {"app": "sender"}, "annotations": annotations or {}},
        "spec": {"replicas": replicas},
    }


def autoscaler(*, lowest: int, highest: int) -> Json:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": DEPLOYMENT.name}
    return {
        "metadata": {},
        "spec": {"scaleTargetRef": target, "minReplicas": lowest, "maxReplicas": highest},
    }

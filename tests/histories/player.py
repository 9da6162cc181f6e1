"""Carries out the events of a history, each by whom it would be in a real cluster."""

import asyncio
import contextlib
import hashlib
import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from responder.cluster.failures import ApiFailure
from responder.incidents.requests import Wish
from responder.incidents.transitions import Arming
from responder.sandbox.audit.versions import AUTOSCALER, CONFIG_MAP, DEPLOYMENT, INCIDENT
from tests.histories.events import Event
from tests.histories.evidence import AlertSource, Oracle
from tests.histories.model import Model
from tests.histories.playbooks import NAMES, playbook_set
from tests.histories.referee import Referee
from tests.histories.replica import Replica, Rules, release_all
from tests.histories.stage import CAMPAIGNS, Stage
from tests.histories.virtual_time import BEGINS_AT, Clocks

Json = dict[str, Any]
_TARGETS: Final = (
    (DEPLOYMENT, "sender"),
    (DEPLOYMENT, "bulk"),
    (AUTOSCALER, "bulk"),
    (CONFIG_MAP, CAMPAIGNS[0]),
    (CONFIG_MAP, CAMPAIGNS[1]),
)
_FAULTS: Final = ("503", "429", "unheard", "lost", "cut", "refused", "slow")
_METRICS: Final = ("bounce-rate", "complaint-rate", "deferral-rate", "volume", "attempts")
_ANSWERS: Final = ("yes", "yes", "no", "unknown")
_LONGEST_SECONDS: Final = 320.0


def alert_labels(number: int) -> dict[str, str]:
    """Give the labels of one of the alerts that there may be: few, so that they meet."""
    name = NAMES[number % len(NAMES)]
    campaign = CAMPAIGNS[number // len(NAMES) % 2]
    instance = str(number // len(NAMES) // 2 % 2)
    return {"alertname": name, "campaign": campaign, "pool": "bulk", "instance": instance}


def fingerprint_of(labels: dict[str, str]) -> str:
    return hashlib.sha256(repr(sorted(labels.items())).encode()).hexdigest()[:16]


@dataclass
class Player:
    """Everybody but the responder."""

    clocks: Clocks
    chance: random.Random
    stage: Stage
    model: Model
    referee: Referee
    oracle: Oracle
    source: AlertSource
    rules: Rules = field(default_factory=Rules)
    replica: Replica | None = None
    door: Replica | None = None
    """A second one, which does not lead."""
    faults: list[str] = field(default_factory=list)
    done: Counter[str] = field(default_factory=Counter)
    edited: set[str] = field(default_factory=set)
    gone: set[str] = field(default_factory=set)
    occurrences: dict[str, list[Json]] = field(default_factory=dict)
    releases: list[tuple[int, int]] = field(default_factory=list)
    """From which version to which a person's command gave everything back."""

    @property
    def is_healthy(self) -> bool:
        replica = self.replica
        return (
            replica is not None
            and not replica.wire.dead
            and not (self.clocks.loop.time() < replica.wire.outage_until or replica.wire.faults)
        )

    # The responder's lives

    def start(self) -> None:
        if self.replica is None:
            self.replica = self._replica(leads=True)
        if self.door is None:
            self.door = self._replica(leads=False)

    def _replica(self, *, leads: bool) -> Replica:
        return Replica(
            self.stage,
            self.clocks,
            self.chance,
            rules=self.rules,
            oracle=self.oracle,
            source=self.source,
            leads=leads,
        )

    async def kill(self) -> None:
        replica, self.replica = self.replica, None
        if replica is not None:
            if replica.acting.done() and not replica.wire.dead:
                self.faults.append(f"the responder ended: {replica.acting.exception()!r}")
            self.faults += [f"refused by the server: {each}" for each in replica.refused]
            await replica.kill()

    async def revive(self) -> None:
        """Start one where none runs."""
        if self.replica is None or self.replica.wire.dead or self.replica.acting.done():
            await self.kill()
            self.start()

    async def restart(self) -> None:
        """Start it anew where it died, as a kubelet does."""
        replica = self.replica
        if replica is not None and (replica.wire.dead or replica.acting.done()):
            await self.kill()
            self.start()

    async def play(self, event: Event) -> None:
        await self.restart()
        self.done[event.kind] += 1
        act = getattr(self, f"on_{event.kind}")
        doing = asyncio.ensure_future(act(event))
        await asyncio.wait({doing}, timeout=_LONGEST_SECONDS)
        # Who waits for a responder that was killed hears nothing any more, or is cut off.
        if not doing.done():
            doing.cancel()
        elif not doing.cancelled():
            doing.result()

    # Alerts

    def _alert(self, labels: dict[str, str], status: str, since: str) -> Json:
        ends = "0001-01-01T00:00:00Z" if status == "firing" else self._time()
        return {
            "status": status,
            "labels": labels,
            "annotations": {"summary": "a history"},
            "startsAt": since,
            "endsAt": ends,
            "generatorURL": "",
            "fingerprint": fingerprint_of(labels),
        }

    def _time(self) -> str:
        return (
            datetime.fromtimestamp(BEGINS_AT + self.clocks.loop.time(), UTC)
            .isoformat(timespec="microseconds")
            .replace("+00:00", "Z")
        )

    def _fires(self, n: int, m: int) -> Json:
        labels = alert_labels(n)
        each = fingerprint_of(labels)
        known = self.source.firing.get(each)
        past = self.occurrences.setdefault(each, [])
        since = self._time() if known is None else known[1]
        if known is None and past and m % 3 == 0:
            since = past[-1]["startsAt"]  # Alertmanager reports a flapping one so
        self.source.firing[each] = (labels, since)
        alert = self._alert(labels, "firing", since)
        past.append(alert)
        return alert

    def _resolves(self, n: int) -> Json | None:
        if not self.source.firing:
            return None
        each = sorted(self.source.firing)[n % len(self.source.firing)]
        labels, since = self.source.firing.pop(each)
        return self._alert(labels, "resolved", since)

    async def _tell(self, *alerts: Json, door: bool = False) -> None:
        replica = self.door if door else self.replica
        if replica is None:
            return
        status, answer = await replica.notify(list(alerts))
        self.done[f"answered {status}"] += 1
        if status == 200:
            self._require_stored(alerts, answer)

    def _require_stored(self, alerts: tuple[Json, ...], answer: Json) -> None:
        """What is answered by 2xx is in the cluster, for every playbook that matches it."""
        if self.clocks.loop.time() - self.model.vanished_at < 15:
            return  # a watch that lags may not have told of it: what was known is answered as known
        outcomes = {told["name"]: told["outcome"] for told in answer["incidents"]}
        stored = self.stage.listed(INCIDENT)
        in_force = {playbook.name for playbook in self.rules.playbooks}
        for alert in alerts:
            name = alert["labels"]["alertname"]
            if name not in in_force or alert["status"] != "firing":
                continue
            held = [
                record
                for incident in stored
                for each, record in (incident["spec"].get("alerts") or {}).items()
                if each == alert["fingerprint"]
                and (incident.get("status") or {}).get("phase") != "Closed"
                and any(s["startsAt"] >= alert["startsAt"] for s in record["senders"].values())
            ]
            if not held and "StaysClosed" not in outcomes.values():
                self.faults.append(f"accepted and not stored: {name} {alert['labels']} {answer}")

    async def on_fire(self, event: Event) -> None:
        await self._tell(self._fires(event.n, event.m), door=event.m % 4 == 0)

    async def on_cross(self, event: Event) -> None:
        """One is let go while the other replica takes the next one in, which the leader hears of
        late.
        """
        if self.replica is None:
            return
        lag, self.replica.wire.lag_seconds = self.replica.wire.lag_seconds, 8.0
        await self._tell(self._fires(event.m, 1), door=True)
        await asyncio.sleep((0.0, 0.3, 1.1)[event.n % 3])
        await self._wish(event, Wish.RELEASE)
        await asyncio.sleep(3)
        if self.replica is not None:
            self.replica.wire.lag_seconds = lag

    async def on_twins(self, event: Event) -> None:
        """Two alerts of one incident come at once, each to another replica."""
        one, other = (self._fires(event.n + by, 1) for by in (0, 2 * len(NAMES)))
        await asyncio.gather(self._tell(one), self._tell(other, door=True))

    async def on_fire_lost(self, event: Event) -> None:
        self._fires(event.n, event.m)

    async def on_resolve(self, event: Event) -> None:
        alert = self._resolves(event.n)
        if alert is not None:
            await self._tell(alert, door=event.m % 4 == 0)

    async def on_resolve_lost(self, event: Event) -> None:
        self._resolves(event.n)

    async def on_repeat(self, event: Event) -> None:
        del event
        firing = [self._alert(labels, "firing", s) for labels, s in self.source.firing.values()]
        if firing:
            await self._tell(*firing)

    async def on_stale(self, event: Event) -> None:
        """An old notification comes late: of an occurrence that is over, and of none that is."""
        past = [o for known in self.occurrences.values() for o in known]
        if past:
            old = past[event.n % len(past)]
            current = self.source.firing.get(old["fingerprint"])
            if current is not None and current[1] > old["startsAt"]:
                await self._tell({**old, "status": ("firing", "resolved")[event.m % 2]})

    async def on_trigger(self, event: Event) -> None:
        if self.replica is not None:
            labels = alert_labels(event.n)
            await self.replica.trigger(labels.pop("alertname"), labels)

    async def on_relapse(self, event: Event) -> None:
        """An alert of one that gives back in steps begins to fire."""
        ramping = await self._ramping(event)
        if ramping:
            alerts = ramping[event.n % len(ramping)]["spec"].get("alerts") or {}
            for number in range(4 * len(NAMES)):
                if fingerprint_of(alert_labels(number)) in alerts:
                    await self._tell(self._fires(number, 1))
                    return

    async def _ramping(self, event: Event) -> list[Json]:
        """Give those that give back in steps; where none does, one is brought so far."""

        def found() -> list[Json]:
            return [i for i in self._open() if (i.get("status") or {}).get("phase") == "Ramping"]

        if not found() and event.m % 3:
            number = NAMES.index(("bounces", "runaway")[event.n % 2])
            each = fingerprint_of(alert_labels(number))
            await self._tell(self._fires(number, 1))
            await asyncio.sleep(1)
            if each in self.source.firing:
                labels, since = self.source.firing.pop(each)
                await self._tell(self._alert(labels, "resolved", since))
            await asyncio.sleep((190, 130)[event.n % 2])
        return found()

    async def on_doubt(self, event: Event) -> None:
        """While one gives back in steps, nobody knows whether it goes well, or it does not."""
        if await self._ramping(event):
            told = ("unknown", "no", "unknown")[event.n % 3]
            for name in _METRICS if event.m % 2 else _METRICS[:2]:
                self.oracle.answers[name] = told

    # Others who write

    async def on_race(self, event: Event) -> None:
        """Somebody edits between our look at an object and our write."""
        if self.replica is not None:
            self.replica.wire.meanwhile = lambda: self._edit(event)

    async def on_edit(self, event: Event) -> None:
        self._edit(event)

    def _edit(self, event: Event) -> None:
        kind, name = _TARGETS[event.n % len(_TARGETS)]
        value = event.m % 12
        if kind == DEPLOYMENT:
            if event.m % 2:
                self.stage.rescale(name, value)
            else:
                self.stage.change(kind, name, lambda live: _with_spec(live, replicas=value))
        elif kind == AUTOSCALER:
            low = 1 + event.m % 4
            bounds = {"minReplicas": low, "maxReplicas": low + event.m // 4 % 8}
            self.stage.change(kind, name, lambda live: _with_spec(live, **bounds))
        else:
            states = ("active", "slow", "paused")
            data: Json = {"subject": f"edited {event.m}"}
            if event.m % 3 == 0:
                data = {"state": states[event.m // 3 % 3]}
            elif event.m % 3 == 1:
                data = {"hold.json": None}
            self.stage.change(kind, name, lambda live: _with_data(live, data))

    async def on_apply(self, event: Event) -> None:
        self.stage.put(*_TARGETS[event.n % len(_TARGETS)])

    async def on_rival(self, event: Event) -> None:
        """A controller that undoes whatever it finds, for some minutes."""
        kind, name = _TARGETS[event.n % len(_TARGETS)]
        asyncio.ensure_future(self._undo(kind, name, times=12 + event.m % 60))  # noqa: RUF006

    async def _undo(self, kind: str, name: str, *, times: int) -> None:
        for _ in range(times):
            await asyncio.sleep(2.0)
            if self.stage.get(kind, name) is not None:
                self.stage.put(kind, name)
                if kind == CONFIG_MAP:
                    self.stage.change(
                        kind, name, lambda live: _with_data(live, {"hold.json": None}),
                        manager="argocd-controller",
                    )  # fmt: skip

    async def on_autoscale(self, event: Event) -> None:
        """The autoscaler comes or goes, or looks."""
        if event.m % 4 == 0 and self.stage.get(AUTOSCALER, "bulk") is not None:
            self.stage.delete(AUTOSCALER, "bulk")
        elif event.m % 4 == 1:
            self.stage.put(AUTOSCALER, "bulk", force=False)
        self.stage.sync()

    async def on_relabel(self, event: Event) -> None:
        kind, name = _TARGETS[event.n % len(_TARGETS)]
        word = ("allowed", "never", "allowed")[event.m % 3]

        def relabelled(live: Json) -> Json:
            labels = {**live["metadata"]["labels"], "campaign-responder.dev/hold": word}
            return {**live, "metadata": {**live["metadata"], "labels": labels}}

        self.stage.change(kind, name, relabelled)

    async def on_delete_target(self, event: Event) -> None:
        self.stage.delete(*_TARGETS[event.n % len(_TARGETS)])

    async def on_put_target(self, event: Event) -> None:
        kind, name = _TARGETS[event.n % len(_TARGETS)]
        if self.stage.get(kind, name) is None:
            self.stage.put(kind, name)

    # People and incidents

    def _open(self) -> list[Json]:
        found = self.stage.listed(INCIDENT)
        return [i for i in found if (i.get("status") or {}).get("phase") != "Closed"]

    async def on_delete_incident(self, event: Event) -> None:
        found = self.stage.listed(INCIDENT)
        if not found:
            return
        chosen = found[event.n % len(found)]
        name = chosen["metadata"]["name"]
        self.stage.delete(INCIDENT, name)
        is_open = (chosen.get("status") or {}).get("phase") != "Closed"
        acts = chosen["spec"]["mode"] != "observe"
        if is_open and acts and self.stage.get(INCIDENT, name) is None:
            self.faults.append(f"{name} was deleted, and nothing kept it until all was given back")

    async def on_force_delete_incident(self, event: Event) -> None:
        found = self._open()
        if found:
            name = found[event.n % len(found)]["metadata"]["name"]
            self.stage.delete(INCIDENT, name)
            self.stage.change(INCIDENT, name, _without_finalizers)

    async def _wish(self, event: Event, wish: Wish) -> None:
        found = self._open()
        if found and self.replica is not None:
            name = found[event.n % len(found)]["metadata"]["name"]
            await self.replica.wish(name, wish, by="ada")

    async def on_acknowledge(self, event: Event) -> None:
        await self._wish(event, Wish.ACKNOWLEDGE)

    async def on_approve(self, event: Event) -> None:
        await self._wish(event, Wish.APPROVE)

    async def on_reject(self, event: Event) -> None:
        await self._wish(event, Wish.REJECT)

    async def on_release(self, event: Event) -> None:
        await self._wish(event, Wish.RELEASE)

    async def on_extend(self, event: Event) -> None:
        await self._wish(event, Wish.EXTEND)

    async def on_switch(self, event: Event) -> None:
        await self._throw((Arming.LEAVE, Arming.GIVE_BACK)[event.n % 2])

    async def on_arm(self, event: Event) -> None:
        del event
        await self._throw(Arming.ARMED)

    async def _throw(self, arming: Arming) -> None:
        self.stage.throw_switch(str(arming))
        self.referee.thrown(arming)

    # The responder's own misfortunes

    async def on_kill(self, event: Event) -> None:
        del event
        await self.kill()
        self.start()

    async def on_stay_down(self, event: Event) -> None:
        """Nobody is there until the next event but one."""
        await self.kill()
        await asyncio.sleep(event.m % 100)
        await self.revive()

    async def on_kill_in(self, event: Event) -> None:
        if self.replica is not None:
            self.replica.wire.kill_after = event.n % 12

    async def on_playbooks(self, event: Event) -> None:
        name = NAMES[event.n % len(NAMES)]
        for chosen, number in ((self.edited, 1), (self.gone, 2)):
            (chosen.add if event.m % 3 == number else chosen.discard)(name)
        self.rules.playbooks = playbook_set(
            edited=frozenset(self.edited), gone=frozenset(self.gone)
        )

    async def on_server_clock(self, event: Event) -> None:
        self.clocks.set_server((-4000, -60, -8, 8, 60, 4000)[event.n % 6])

    async def on_responder_clock(self, event: Event) -> None:
        by_seconds = (-600, -10, -2, 2, 10, 600)[event.n % 6]
        self.clocks.set_responder(self.clocks.responder_ahead_seconds + by_seconds)

    async def on_clocks_right(self, event: Event) -> None:
        del event
        self.clocks.set_responder(self.clocks.server_ahead_seconds)

    async def on_faults(self, event: Event) -> None:
        if self.replica is not None:
            wire = self.replica.wire
            wire.faults_for = ("", "PATCH", "POST", "PATCH")[event.m % 4]
            wire.faults = [self.chance.choice(_FAULTS) for _ in range(1 + event.n % 5)]

    async def on_outage(self, event: Event) -> None:
        if self.replica is not None:
            self.replica.wire.outage_until = self.clocks.loop.time() + event.n % 90
            self.replica.wire.break_watches()

    async def on_break_watches(self, event: Event) -> None:
        del event
        if self.replica is not None:
            self.replica.wire.break_watches()

    async def on_forget(self, event: Event) -> None:
        self.stage.store.forget()
        await self.on_break_watches(event)

    async def on_lag(self, event: Event) -> None:
        if self.replica is not None:
            self.replica.wire.lag_seconds = (0.0, 0.5, 3.0)[event.n % 3]

    async def on_answers(self, event: Event) -> None:
        self.oracle.answers[_METRICS[event.n % len(_METRICS)]] = _ANSWERS[event.m % 4]

    async def on_evidence_down(self, event: Event) -> None:
        self.oracle.is_down, self.source.is_down = event.n % 2 == 0, event.n % 3 == 0

    async def on_evidence_up(self, event: Event) -> None:
        del event
        self.oracle.is_down = self.source.is_down = False

    async def on_go_on(self, event: Event) -> None:
        """All goes well for a while, or nothing would ever come as far as its last step."""
        if self.replica is not None:
            self.replica.wire.faults.clear()
        self.oracle.is_down, self.oracle.answers = False, {"deferral-rate": "no"}
        while self.source.firing and event.m % 4:
            await self.on_resolve(event)
        await self._wish(event, Wish.ACKNOWLEDGE)
        await asyncio.sleep((20, 130, 200, 250)[event.n % 4])

    async def on_release_ghosts(self, event: Event) -> None:
        """By command, while no responder runs; the judge is told."""
        del event
        await self.kill()
        await self.release_ghosts()
        self.start()

    async def release_ghosts(self) -> None:
        began = self.stage.store.version
        self.model.ghosts_may_go = True
        if self.stage.ghosts_released_at is None:
            self.stage.ghosts_released_at = began
        self.model.by_hand = True
        with contextlib.suppress(ApiFailure):
            await release_all(self.stage, self.clocks, self.chance)
        self.model.by_hand = False
        self.releases.append((began, self.stage.store.version))

    async def on_settle(self, event: Event) -> None:
        """Decided by the history, which knows what must be so then."""


def _with_spec(live: Json, **fields: Any) -> Json:  # noqa: ANN401 -- of any kind
    return {**live, "spec": {**live["spec"], **fields}}


def _with_data(live: Json, data: Json) -> Json:
    merged = {**(live.get("data") or {}), **data}
    return {**live, "data": {key: value for key, value in merged.items() if value is not None}}


def _without_finalizers(live: Json) -> Json:
    meta = {key: value for key, value in live["metadata"].items() if key != "finalizers"}
    return {**live, "metadata": meta}

"""One history: it happens in virtual time, and what is wrong with it is told."""

import asyncio
import logging
import random
from collections import Counter
from collections.abc import MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import structlog

from responder.incidents.requests import Wish
from responder.incidents.transitions import Arming
from responder.reconcile.haunting import ghosts
from responder.sandbox.api.store import Change
from responder.sandbox.audit.judge import judge
from responder.sandbox.audit.report import report
from responder.sandbox.audit.rules import Violation
from responder.sandbox.audit.versions import INCIDENT
from tests.histories.events import Event
from tests.histories.evidence import AlertSource, Oracle
from tests.histories.model import BULK, Model, asking, disorder, traces
from tests.histories.player import Player
from tests.histories.referee import Referee
from tests.histories.stage import Stage
from tests.histories.virtual_time import Clocks, VirtualLoop

_PATIENCE_SECONDS: Final = 200.0
"""A responder may be down for 100 s, and the API server for 90 s right after it."""
_SETTLES_SECONDS: Final = 100.0
_MOST_ROUNDS: Final = 60
_SYNC_SECONDS: Final = 15.0
_CLOCKS_AGREE_SECONDS: Final = 5.0


@dataclass(slots=True)
class Outcome:
    """What became of a history."""

    faults: list[str]
    steps: int
    counts: Counter[str] = field(default_factory=Counter)
    report: str = ""
    virtual_seconds: float = 0.0


def happen(seed: int, events: Sequence[Event]) -> Outcome:
    """Play a history from its beginning to its good end."""
    chance, logs = random.getstate(), structlog.get_config()
    random.seed(seed)
    loop = VirtualLoop()
    errors = _errors()
    try:
        return loop.run_until_complete(_History(loop, seed, errors).play(events))
    finally:
        loop.run_until_complete(_ended(asyncio.all_tasks(loop)))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()
        random.setstate(chance)
        structlog.configure(**logs)


async def _ended(tasks: set[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _errors() -> list[str]:
    """Collect what the responder logs as an error: in no history anything of it may break."""
    errors: list[str] = []

    def collect(_: object, __: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        errors.append(str({key: value for key, value in entry.items() if key != "stack"}))
        raise structlog.DropEvent

    structlog.configure(
        processors=[structlog.processors.format_exc_info, collect],
        wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR),
        cache_logger_on_first_use=False,
    )
    return errors


def _was_released(incident: dict[str, Any], labels: dict[str, str], since: str) -> bool:
    spec, request = incident["spec"], (incident.get("status") or {}).get("lettingGo") or {}
    is_its = {**labels, **spec["identity"]} == labels and spec["playbook"] == labels["alertname"]
    return is_its and bool(request.get("at", "") >= since)


class _History:
    def __init__(self, loop: VirtualLoop, seed: int, errors: list[str]) -> None:
        chance = random.Random(seed)
        clocks = Clocks(loop)
        self._loop, self._errors = loop, errors
        self._referee = Referee(clocks)
        self._model = Model()
        stage = Stage(clocks, chance)
        self._player = Player(
            clocks,
            chance,
            stage,
            self._model,
            self._referee,
            Oracle(self._referee.heard),
            AlertSource(clocks),
        )
        self._stage = self._model.stage = stage
        stage.is_healthy = self._is_healthy
        stage.listeners += [self._model.see, self._see_incident]
        self._faults = self._player.faults

    def _is_healthy(self) -> bool:
        return self._player.is_healthy and self._referee.armings[-1][1] is Arming.ARMED

    def _see_incident(self, change: Change, writer: str) -> None:
        replica = self._player.replica
        if replica is not None:
            self._referee.answered_at = replica.wire.answered_at
        self._referee.see(change, writer)

    async def play(self, events: Sequence[Event]) -> Outcome:
        self._player.start()
        syncing = asyncio.ensure_future(self._controllers())
        await asyncio.sleep(1.0)  # or what comes first is answered by 503
        for event in events:
            self._stage.healthy_seconds()
            await self._player.play(event)
            self._stage.healthy_seconds()
            if event.kind == "settle":
                await self._settle(f"after {event}")
            await asyncio.sleep(event.pause)
            if self._is_wrong:
                break
        if not self._is_wrong:
            await self._end_well()
        await self._player.kill()
        if self._player.door is not None:
            await self._player.door.kill()
        syncing.cancel()
        await asyncio.gather(syncing, return_exceptions=True)
        return self._outcome(len(events))

    @property
    def _is_wrong(self) -> bool:
        return bool(self._faults or self._model.faults or self._referee.faults or self._errors)

    async def _controllers(self) -> None:
        while True:
            await asyncio.sleep(_SYNC_SECONDS)
            self._stage.roll_out()
            self._stage.sync()
            await self._player.restart()

    async def _heal(self) -> None:
        """Nothing stands in the responder's way any more."""
        player = self._player
        clocks = player.clocks
        await player.revive()
        if player.replica is not None:
            wire = player.replica.wire
            wire.faults.clear()
            wire.outage_until, wire.lag_seconds, wire.kill_after = 0.0, 0.0, -1
        clocks.set_responder(clocks.server_ahead_seconds)

    async def _settle(self, when: str) -> None:
        """Wait until it is quiet, and compare with the model."""
        await self._heal()
        await asyncio.sleep(_SETTLES_SECONDS)
        self._player.done["settled"] += 1
        found: list[str] = []
        for _ in range(3):
            found = disorder(self._stage, self._model) + self._still_held() + self._unheard()
            if not found:
                return
            await asyncio.sleep(41)
        self._faults += [f"{when}: {each}" for each in found]

    def _still_held(self) -> list[str]:
        """Name what still asks for holds, though the switch says to give all back."""
        if self._referee.armings[-1][1] is not Arming.GIVE_BACK:
            return []
        phased = [i for i in self._stage.listed(INCIDENT) if (i.get("status") or {}).get("phase")]
        return [f"{each.incident} holds, and the switch says give-back" for each in asking(phased)]

    def _unheard(self) -> list[str]:
        """Name what fires, whose notification was lost, and of which no incident knows by now."""
        source = self._player.source
        if source.is_down or abs(self._player.clocks.server_ahead_seconds) > _CLOCKS_AGREE_SECONDS:
            return []
        known: dict[str, str] = {}
        incidents = self._stage.listed(INCIDENT)
        for incident in incidents:
            for each, record in (incident["spec"].get("alerts") or {}).items():
                told = [sender["startsAt"] for sender in record["senders"].values()]
                known[each] = max([known.get(each, ""), *told])
        in_force = {playbook.name for playbook in self._player.rules.playbooks}
        return [
            f"{labels} fires, and nobody knows"
            for each, (labels, since) in source.firing.items()
            if labels["alertname"] in in_force
            and known.get(each, "") < since
            # What a person released while it fires is not held again, whichever of its alerts does.
            and not any(_was_released(incident, labels, since) for incident in incidents)
        ]

    async def _end_well(self) -> None:
        """With everybody's help each incident closes, and everything is as it was."""
        player = self._player
        await self._settle("before the end")
        player.stage.throw_switch("armed")
        self._referee.thrown(Arming.ARMED)
        player.oracle.is_down = player.source.is_down = False
        player.oracle.answers = {"deferral-rate": "no"}
        left: list[Any] = []
        for number in range(_MOST_ROUNDS):
            await self._heal()
            while player.source.firing:
                await player.on_resolve(Event("resolve", 0, 0, 0))
            left = [
                i for i in self._stage.listed(INCIDENT)
                if (i.get("status") or {}).get("phase") != "Closed"
            ]  # fmt: skip
            if not left:
                break
            for incident in left if player.replica is not None else []:
                reason = (incident.get("status") or {}).get("reason")
                wish = Wish.RELEASE if number > 20 or reason == "WaitsForPerson" else None
                wish = Wish.ACKNOWLEDGE if wish is None and number > 6 else wish
                if wish is not None and player.replica is not None:
                    await player.replica.wish(incident["metadata"]["name"], wish, by="ada")
            await asyncio.sleep(60)
        else:
            names = [f"{i['metadata']['name']}: {i.get('status', {}).get('message')}" for i in left]
            self._faults.append(f"never closed: {'; '.join(names)}")
            return
        await self._give_back_ghosts()
        await asyncio.sleep(_SETTLES_SECONDS)
        self._faults += [f"at the end: {each}" for each in disorder(self._stage, self._model)]
        self._faults += [f"at the end: {each}" for each in traces(self._stage)]

    async def _give_back_ghosts(self) -> None:
        replica = self._player.replica
        if replica is not None and (found := ghosts(replica.responder.view)):
            self._player.done["ghosts"] += len(found)
            await self._player.kill()
            for _ in range(3):
                await self._player.release_ghosts()
            await self._player.revive()
            await asyncio.sleep(40)

    def _is_excused(self, violation: Violation) -> bool:
        """Tell what the auditor can't know."""
        if violation.what.startswith("looser") and violation.target in self._referee.contested:
            return True
        if violation.promise.startswith("2") and any(
            since <= violation.revision <= until for since, until in self._stage.disarmed
        ):
            return True  # it knows of no switch: to it, who is new holds
        asker = violation.what.partition(" asks for ")[0].rpartition(": ")[2]
        if violation.promise.startswith("2") and asker in self._model.vanished:
            return True  # the ledger names the strictest holder alone: a milder ghost is forgotten
        # Once a command was given, it holds every later ghost to be released.
        is_return = violation.promise.startswith("3")
        return is_return and bool(self._player.releases) and bool(self._model.vanished)

    def _outcome(self, steps: int) -> Outcome:
        counts = Counter(self._player.done)
        counts.update({f"reached {key}": n for key, n in self._referee.reached.items()})
        counts.update({f"condition {key}": n for key, n in self._referee.conditions.items()})
        counts["fields given back"] = self._model.gave_back
        counts["edits adopted"] = self._model.adopted
        faults = [*self._faults, *self._model.faults, *self._referee.faults, *self._errors]
        violations = judge(
            self._stage.versions,
            patience_seconds=_PATIENCE_SECONDS,
            answering=not faults,
            ghosts_released_at=self._stage.ghosts_released_at,
        )
        if BULK in self._model.tainted:
            # What a person set and an autoscaler changed before anybody looked is not known to us.
            violations = [each for each in violations if each.target != BULK[:2]]
        violations = [each for each in violations if not self._is_excused(each)]
        faults += [f"auditor: {violation}" for violation in violations]
        told = report(violations, self._stage.versions) if violations else ""
        return Outcome(faults, steps, counts, told, self._loop.time())

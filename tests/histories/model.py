"""What must be so, reckoned anew: no line of the planner, the ledger or the state machine is in it.

It knows who writes, so that each field's value without us follows from the order of the writes; and
it knows what each open incident asks for, so that what must stand follows from both.
"""

import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from responder.sandbox.api.store import Change
from responder.sandbox.audit.versions import AUTOSCALER, CONFIG_MAP, DEPLOYMENT, LEDGER
from responder.sandbox.recording import WATCHED
from tests.histories.stage import CONTROLLER, RESPONDER, Stage

Json = dict[str, Any]
_NUMBERS: Final = {DEPLOYMENT: ("replicas",), AUTOSCALER: ("minReplicas", "maxReplicas")}


class Place(NamedTuple):
    """One field of one object."""

    kind: str
    name: str
    field: str


ALLOWED: Final = ("campaign-responder.dev/hold", "allowed")
_SWITCH_SECONDS: Final = 90.0
"""So late a watch that breaks and lags may tell of the switch."""
_HEARD_SECONDS: Final = 0.5
"""So long a write may be under way that was decided upon before an incident was stored."""
BULK: Final = Place(DEPLOYMENT, "bulk", "replicas")
"""An autoscaler's, while there is one: then only its bounds are reckoned."""


@dataclass(slots=True)
class Known:
    """A field that was held at some time: its value without us, and what we last wrote."""

    want: Any
    ours: Any


def values_of(kind: str, body: Json | None) -> Json:
    if body is None:
        return {}
    if kind == CONFIG_MAP:
        return dict(body.get("data") or {})
    return {name: body["spec"].get(name) for name in _NUMBERS[kind]}


def held_fields(body: Json | None) -> set[str]:
    text = ((body or {}).get("metadata", {}).get("annotations") or {}).get(LEDGER)
    try:
        return set(json.loads(text)["fields"]) if text else set()
    except (ValueError, KeyError, TypeError):
        return set()


def _loosest(value: Any) -> float:  # noqa: ANN401 -- of any field
    """Give how much a value lets through, where that is a number."""
    if value is None:
        return math.inf
    if isinstance(value, int):
        return value
    try:
        return float(json.loads(value)["share"])
    except (ValueError, TypeError, KeyError):
        return -math.inf


def _holder(body: Json | None, name: str) -> str:
    """Give the uid of the strictest holder, as the ledger has it."""
    text = ((body or {}).get("metadata", {}).get("annotations") or {}).get(LEDGER)
    return str(json.loads(text)["fields"].get(name, {}).get("uid", "")) if text else ""


@dataclass(slots=True)
class Model:
    """Follows every write to what may be held."""

    faults: list[str] = field(default_factory=list)
    autoscaled: bool = False
    held: dict[Place, Known] = field(default_factory=dict)
    gave_back: int = 0
    adopted: int = 0
    """How often the value of somebody else became what is given back."""
    tainted: set[Place] = field(default_factory=set)
    """Of which nobody can tell what it would be: an autoscaler moves it, or its ledger was lost."""

    stage: Stage | None = None
    stored_at: dict[str, float] = field(default_factory=dict)
    """When each incident was stored, by uid."""
    versions: dict[str, list[tuple[float, Json]]] = field(default_factory=dict)
    """What each incident was until a moment ago, and until when, by uid."""
    present: set[str] = field(default_factory=set)
    """uids of all incidents."""
    vanished: set[str] = field(default_factory=set)
    """Names of those that were taken away unfinished."""
    vanished_at: float = -math.inf
    """When the last one was, in seconds of the loop."""
    by_hand: bool = False
    """A command is at work, whose machine has the right time."""
    ghosts_may_go: bool = False
    """A person gave the command."""

    def see_incident(self, change: Change) -> None:
        body = change.new or change.old or {}
        meta = body["metadata"]
        if change.new is not None:
            self.present.add(meta["uid"])
            if self.stage is not None:
                now = self.stage.clocks.loop.time()
                self.stored_at.setdefault(meta["uid"], now)
                if change.old is not None:
                    self.versions.setdefault(meta["uid"], []).append((now, change.old))
            return
        self.present.discard(meta["uid"])
        if (body.get("status") or {}).get("phase") != "Closed":
            self.vanished.add(meta["name"])
            if self.stage is not None:
                self.vanished_at = self.stage.clocks.loop.time()

    def see(self, change: Change, writer: str) -> None:
        if change.key[1] == "incidents":
            self.see_incident(change)
            return
        kind = WATCHED.get(change.key[1])
        if kind is None:
            return
        if kind == AUTOSCALER:
            self.autoscaled = change.new is not None
        old, new = change.old, change.new
        name = ((new or old) or {})["metadata"]["name"]
        if new is None:
            for place in [place for place in self.held if place[:2] == (kind, name)]:
                del self.held[place]
            return
        if writer != RESPONDER:
            if writer == CONTROLLER and kind == DEPLOYMENT:
                was, now = values_of(kind, old), values_of(kind, new)
                if was != now:
                    self.tainted.add(Place(kind, name, "replicas"))
            return
        self._ours(kind, name, old, new)

    def _ours(self, kind: str, name: str, old: Json | None, new: Json) -> None:
        before, after = values_of(kind, old), values_of(kind, new)
        held = held_fields(new)
        for each in sorted(before.keys() | after.keys() | held):
            place = Place(kind, name, each)
            known = self.held.get(place)
            was, now = before.get(each), after.get(each)
            if each in held:
                if known is None:
                    self._require_armed(place)
                    known = self.held[place] = Known(was, now)
                elif was != known.ours and place not in self.tainted:
                    known.want = was
                    self.adopted += 1
                known.ours = now
                self._require_strict(place, was, now, new)
            elif known is not None:
                self._require_strict(place, was, now, new)
                if was != known.ours and place not in self.tainted:
                    known.want = was
                holder = _holder(old, each)
                is_ghost = bool(holder) and holder not in self.present
                # A workload that has an autoscaler again is left to its bounds.
                if is_ghost and not self.ghosts_may_go and not self._is_loose(place):
                    self.faults.append(f"{place} is given back, and nobody released its ghost")
                if not self._is_back(place, known, now, after):
                    self.faults.append(f"{place} was {known.want!r}, and is given back as {now!r}")
                del self.held[place]
                self.gave_back += 1
            elif was != now and place not in self.tainted and not self._is_loose(place):
                self.faults.append(f"{place}: {was!r} -> {now!r} was written and is not held")

    def _require_armed(self, place: Place) -> None:
        """While it is disarmed, nothing is held that nobody had begun to hold."""
        stage = self.stage
        if stage is None or stage.armed_since <= stage.clocks.loop.time():
            return
        if stage.clocks.loop.time() - stage.disarmed_at < _SWITCH_SECONDS:
            return
        begun = [i for i in stage.listed("Incident") if (i.get("status") or {}).get("phase")]
        if not any(_concerns(each, place) for each in asking(begun)):
            self.faults.append(f"{place} is held anew while all is disarmed")

    def _require_strict(self, place: Place, was: Any, now: Any, live: Json) -> None:  # noqa: ANN401
        """What lets more through than before lets through no more than open incidents ask."""
        stage, loosest = self.stage, _loosest(now)
        if stage is None or loosest <= _loosest(was) or place in self.tainted:
            return
        differed = stage.clocks.differ_since()
        if differed is not None and differed > _HEARD_SECONDS and not self.by_hand:
            self.faults.append(f"{place} was loosened from {was!r} to {now!r} by a wrong clock")
        if place.kind == AUTOSCALER and stage.get(DEPLOYMENT, place.name) is None:
            return  # it scales nothing
        labels = live["metadata"].get("labels") or {}
        if self._is_loose(place) or labels.get(ALLOWED[0]) != ALLOWED[1]:
            return
        want = self.held[place].want
        want = None if place.kind == CONFIG_MAP and place.field.endswith(".json") else want
        for incident in stage.listed("Incident"):
            most, who = self._most(place, want, incident)
            if isinstance(most, int | float) and loosest > most:
                self.faults.append(f"{place} was loosened from {was!r} to {now!r}, though {who}")

    def _most(self, place: Place, want: Any, incident: Json) -> tuple[Any, str]:  # noqa: ANN401
        """Give the most that an incident lets through, or did until a moment ago, and its asks."""
        assert self.stage is not None
        uid, old = incident["metadata"]["uid"], self.stage.clocks.loop.time() - _HEARD_SECONDS
        if self.stored_at[uid] > old:
            return None, ""
        lately = [version for until, version in self.versions.get(uid, ()) if until > old]
        found: list[tuple[Any, str]] = []
        for version in (incident, *lately):
            is_new = not (version.get("status") or {}).get("phase")
            asked = [
                each
                for each in asking([version] if not is_new or self.stage.armed_since <= old else [])
                if _concerns(each, place) and not each.reports.intersection(_reports(place))
            ]
            if not asked:
                return None, ""
            who = ", ".join(f"{each.incident} asks {each.limit} at {each.share}" for each in asked)
            found.append((limited(want, asked, field=place.field), who))
        if not all(isinstance(most, int | float) for most, _ in found):
            return None, ""
        return max(found, key=lambda each: float(each[0]))

    def _is_back(self, place: Place, known: Known, now: Any, after: Json) -> bool:  # noqa: ANN401
        if now == known.want or place in self.tainted:
            return True
        if place.field == "minReplicas":
            # A person may have lowered the maximum beside our minimum.
            return bool(now == min(known.want, after["maxReplicas"]))
        return self._is_loose(place)

    def _is_loose(self, place: Place) -> bool:
        return place == BULK and self.autoscaled

    def wanted(self, place: Place, live: Json) -> Any:  # noqa: ANN401 -- of any field
        """Give what a field would be without us."""
        value = values_of(place.kind, live).get(place.field)
        known = self.held.get(place)
        if known is None:
            return value
        return known.want if value == known.ours else value


@dataclass(frozen=True, slots=True)
class Wanted:
    """One limit that an open incident asks for now."""

    incident: str
    control: str
    kind: str
    target: str
    limit: Json
    share: float | None
    reports: frozenset[str]
    """Kind/name of the objects of which its incident says that they do not stand as asked."""


def asking(incidents: Iterable[Json]) -> Iterator[Wanted]:
    """Give all that open incidents ask for, by what they were asked and how far they have come."""
    for incident in incidents:
        spec, status = incident["spec"], incident.get("status") or {}
        phase = status.get("phase") or ""
        if phase in ("Closed", "Proposed") or status.get("lettingGo") or spec["mode"] == "observe":
            continue
        if not phase and spec.get("approval") and (not spec.get("approve") or spec.get("reject")):
            continue
        share = None
        steps = (spec.get("resume") or {}).get("steps") or []
        step = (status.get("ramp") or {}).get("step") or 0
        if phase == "Ramping" and step:
            share = float(steps[step - 1]["share"])
        plans = [spec.get("plan") or []]
        plans += [(spec.get("stages") or [])[index]["plan"] for index in status.get("stages") or ()]
        reports = frozenset(
            f"{target['kind']}/{target['name']}"
            for target in status.get("targets") or ()
            if target["state"] not in ("Applied", "GivenBack")
        )
        for ask in (ask for plan in plans for ask in plan):
            yield Wanted(
                incident["metadata"]["name"],
                ask["control"],
                ask["targetKind"],
                ask["target"],
                ask["limit"],
                share,
                reports,
            )


def limited(want: Any, asked: Iterable[Wanted], *, field: str) -> Any:  # noqa: ANN401
    """Give the strictest of a value and all that is asked of it."""
    value = want
    for each in asked:
        if each.control == "replicas":
            number = int(each.limit["replicas"])
            if each.share is not None:
                number = max(number, math.ceil(round(each.share * want, 6)))
            value = min(value, max(1, number) if field != "replicas" else number)
        elif each.control == "keys":
            order = each.limit["order"]
            place = order.index(each.limit["value"])
            if each.share is not None:
                place = min(place, max(1, int(round((1 - each.share) * (len(order) - 1), 6))))
            place = max(place, order.index(value) if value in order else 0)
            value = order[place]
        else:
            share = each.limit.get("share")
            share = 1.0 if share is None else share
            share = share if each.share is None else max(share, each.share)
            value = share if value is None else min(value, share)
    return value


def disorder(stage: Stage, model: Model) -> list[str]:
    """Name what does not stand as baseline and open incidents have it, and nobody reports."""
    found: list[str] = []
    asked = list(asking(stage.listed("Incident")))
    for kind in (DEPLOYMENT, AUTOSCALER, CONFIG_MAP):
        for live in stage.listed(kind):
            name = live["metadata"]["name"]
            for each in values_of(kind, live).keys() | held_fields(live):
                place = Place(kind, name, each)
                found += _judged(stage, model, place, live, asked)
    return sorted(found)


def _judged(
    stage: Stage, model: Model, place: Place, live: Json, asked: list[Wanted]
) -> Iterator[str]:
    mine = [each for each in asked if _concerns(each, place)]
    if any(report in each.reports for each in mine for report in _reports(place)):
        return
    if place in model.tainted or _is_haunted(stage, live, place.field):
        return
    if place == BULK and model.autoscaled:
        return
    want = model.wanted(place, live)
    value = values_of(place.kind, live).get(place.field)
    if place.kind == CONFIG_MAP and place.field.endswith(".json"):
        if want is not None:
            return  # a document of somebody else's
        value = None if value is None else json.loads(value).get("share")
    must = limited(want, mine, field=place.field)
    if place.field == "minReplicas":
        # A person may have lowered the maximum below it.
        must = min(must, live["spec"]["maxReplicas"])
    if value != must:
        who = ", ".join(f"{each.incident} asks {each.limit} at {each.share}" for each in mine)
        yield f"{place} is {value!r}, not {must!r}: without us {want!r}; {who or 'nobody asks'}"


def _concerns(each: Wanted, place: Place) -> bool:
    if place.kind in (DEPLOYMENT, AUTOSCALER):
        return each.control == "replicas" and each.target == place.name
    if each.control == "keys":
        return place.name == each.target and place.field == each.limit["key"]
    if each.control != "sending":
        return False
    if each.kind == "campaign":
        return place.name == each.target and place.field == "hold.json"
    return place.name == "sending-holds" and place.field == f"{each.kind}.{each.target}.json"


def _reports(place: Place) -> tuple[str, ...]:
    return (f"{place.kind}/{place.name}", f"{DEPLOYMENT}/{place.name}", f"campaign/{place.name}")


def _is_haunted(stage: Stage, live: Json, field: str) -> bool:
    """Tell whether a holder in the ledger has vanished: what it held stands as it is."""
    text = (live["metadata"].get("annotations") or {}).get(LEDGER)
    if not text:
        return False
    entry = json.loads(text)["fields"].get(field) or {}
    present = {incident["metadata"]["uid"] for incident in stage.listed("Incident")}
    return bool(entry) and (bool(entry.get("ghost")) or entry.get("uid") not in present)


def traces(stage: Stage) -> list[str]:
    """Name whatever of ours is left on any object."""
    found = []
    for kind in (DEPLOYMENT, AUTOSCALER, CONFIG_MAP):
        for live in stage.listed(kind):
            name = f"{kind}/{live['metadata']['name']}"
            if LEDGER in (live["metadata"].get("annotations") or {}):
                found.append(f"{name} bears a ledger")
            found += [
                f"{name} bears managedFields of {entry['manager']}"
                for entry in live["metadata"].get("managedFields") or ()
                if entry["manager"] in ("campaign-responder", "campaign-responder-give-back")
            ]
    return found

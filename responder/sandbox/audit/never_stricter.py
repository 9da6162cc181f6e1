"""A hold is a limit, never an order: no write asks for more than the strictest open hold does.

So a step that gives back is never stricter than the pause that it ends.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from responder.sandbox.audit.demands import Demand
from responder.sandbox.audit.rules import UNSEEN_SECONDS, Step, Violation
from responder.sandbox.audit.versions import AUTOSCALER, CONFIG_MAP, Json, Version, Writer
from responder.sandbox.audit.world import Pair, Target, World

PROMISE = "2, never stricter than the strictest open hold"


class NeverStricter:
    """Follows what is asked of every target, and judges each write that holds."""

    def __init__(self) -> None:
        self._asked: dict[Target, dict[Pair, Demand]] = defaultdict(dict)
        self._lately: dict[Target, list[tuple[float, Demand]]] = defaultdict(list)
        """What was asked until a moment ago."""

    def see(self, step: Step) -> list[Violation]:
        for target in step.targets:
            self._follow(step, target)
        if not step.is_ours:
            return []
        found = []
        entries = step.after.ledger or {}
        for change in step.changes:
            entry = entries.get(change.field)
            if change.by is not Writer.HOLDER or entry is None or entry.get("unknown"):
                continue  # what nobody remembers is not judged by guess
            for target in step.targets:
                told = self._excess(step, target, change.field, entry)
                if told:
                    what = f"stricter than is asked: {change}; {told}"
                    found.append(step.violation(PROMISE, what, target=target))
        return found

    def _follow(self, step: Step, target: Target) -> None:
        known, now = self._asked[target], step.after.seen
        asked = {
            (incident.uid, demand.number): demand
            for incident, demand in step.world.demands_on(target, only=step.only)
        }
        lately = [(at, old) for at, old in self._lately[target] if now - at <= UNSEEN_SECONDS]
        gone = [
            pair
            for pair, demand in known.items()
            if step.only in ("", pair[0]) and asked.get(pair) != demand
        ]
        self._lately[target] = [*lately, *((now, known.pop(pair)) for pair in gone)]
        known.update(asked)

    def _excess(self, step: Step, target: Target, name: str, entry: Json) -> str:
        """Tell what of a value is more than anybody asks for; "" where all is asked for."""
        demands = [*self._asked[target].values(), *(old for _, old in self._lately[target])]
        if step.after.kind == CONFIG_MAP:
            return _of_key(entry, [each for each in demands if each.key == name])
        if step.after.kind == AUTOSCALER and name != "maxReplicas":
            return ""  # it follows the maximum
        if step.after.kind != AUTOSCALER and step.world.autoscalers_of(target[1]):
            return ""  # the autoscaler's number, which its own bounds hold
        limits = [each.replicas for each in demands if each.control == "replicas"]
        limits += [ghost for ghost in [_ghost(entry)] if isinstance(ghost, int)]
        applied, least = entry.get("applied"), _least(limits, entry, step.after)
        if least is None or not isinstance(applied, int) or applied >= least:
            return ""
        return f"{least} would do"

    def end(self, world: World, *, answering: bool) -> list[Violation]:
        """All is judged as it happens."""
        del world, answering
        return []


def _ghost(entry: Json) -> Any:  # noqa: ANN401 -- JSON
    return (entry.get("ghost") or {}).get("limit")


def _least(limits: Sequence[int], entry: Json, live: Version) -> int | None:
    if not limits:
        return None  # nobody asks: what is left is given back, and judged there
    least = max(1, min(limits)) if live.kind == AUTOSCALER else min(limits)
    baseline = entry.get("baseline")
    return min(least, 1 if baseline is None else int(baseline))


def _of_key(entry: Json, demands: Sequence[Demand]) -> str:
    if not demands or entry.get("ghost"):
        return ""
    applied, baseline = entry.get("applied"), entry.get("baseline")
    orders = [each.limit["order"] for each in demands if each.control == "keys"]
    if orders:
        order = orders[0]
        allowed = [each.limit["value"] for each in demands] + [baseline]
        places = [order.index(value) for value in allowed if value in order]
        is_known = applied in order and baseline in order
        return "" if not is_known or order.index(applied) <= max(places) else f"{allowed} would do"
    return _of_document(applied, [each.limit for each in demands], baseline)


def _of_document(applied: Any, limits: Sequence[Mapping[str, Any]], baseline: Any) -> str:  # noqa: ANN401 -- JSON
    try:
        document = json.loads(applied or "")
        known = [*limits, json.loads(baseline)] if baseline else [*limits]
        given = _providers(known)
        wrong = [key for key in ("share", "perMinute") if _is_below(document, known, key)]
        wrong += [
            f"providers.{provider}"
            for provider, share in (document.get("providers") or {}).items()
            if not any(each.get(provider, 2) <= share for each in given)
        ]
        asked = {each for limit in known for each in limit.get("suppress") or ()}
        wrong += [f"suppress {each}" for each in sorted({*document.get("suppress", ())} - asked)]
    except (ValueError, TypeError, AttributeError):
        return ""  # somebody's own words, which stop a sender: judged elsewhere
    return f"nobody asks for its {', '.join(wrong)}" if wrong else ""


def _providers(limits: Iterable[Mapping[str, Any]]) -> list[Mapping[str, float]]:
    return [limit.get("providers") or {} for limit in limits]


def _is_below(document: Json, limits: Iterable[Mapping[str, Any]], key: str) -> bool:
    value = document.get(key)
    asked = [limit[key] for limit in limits if limit.get(key) is not None]
    return value is not None and (not asked or value < min(asked))

"""What a playbook would do to the cluster as it is now, writing nothing."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from responder.holds.fields import Facts
from responder.holds.objects import JsonObject, ObjectKey, metadata
from responder.holds.planning import Step, Write
from responder.holds.subjects import object_of, subject_of, told
from responder.incidents.incident import Incident
from responder.incidents.status import Phase, TargetState
from responder.incidents.transitions import Arming
from responder.reconcile.announcing import shown
from responder.reconcile.situation import Situation, gather
from responder.reconcile.standings import outcomes_of
from responder.reconcile.view import IncidentKey, View

_MOST_STEPS: Final = 12


@dataclass(frozen=True, slots=True)
class Difference:
    """One field that would change."""

    key: ObjectKey
    field: str
    before: Any
    after: Any

    def to_json(self) -> JsonObject:
        return {
            "kind": self.key.kind,
            "namespace": self.key.namespace,
            "name": self.key.name,
            "field": self.field,
            "before": self.before,
            "after": self.after,
        }

    def __str__(self) -> str:
        place = f"{self.key.kind}/{self.key.name} {self.field}"
        return f"{place}: {shown(self.before)} -> {shown(self.after)}"


@dataclass(frozen=True, slots=True)
class Preview:
    """What one incident would do."""

    incident: Incident
    differences: tuple[Difference, ...]
    problems: tuple[str, ...]
    """Why something would not be held."""

    def to_json(self) -> JsonObject:
        return {
            "incident": self.incident.name,
            "playbook": self.incident.playbook,
            "mode": self.incident.mode,
            "identity": dict(self.incident.identity.labels),
            "resume": self.incident.resume.to_json(),
            "changes": [difference.to_json() for difference in self.differences],
            "problems": list(self.problems),
        }


def preview(view: View, incident: Incident, *, pools: tuple[str, ...]) -> Preview:
    """Plan an incident that isn't stored against the cluster as the view has it."""
    asking = replace(
        incident,
        uid=incident.uid or "preview",
        mode="auto",
        approval=None,
        status=replace(incident.status, phase=Phase.HOLDING, letting_go=None),
    )
    differences: list[Difference] = []
    problems = [refusal.get("message", "") for refusal in incident.refusals]
    if view.arming is not Arming.ARMED:
        problems.append("the responder is disarmed: nothing new is held until it is armed again")
    for ask in incident.plan:
        subject = subject_of(ask)
        if object_of(subject) is None and not view.targets_of(subject):
            problems.append(f"{told(ask)}: no ConfigMap is marked as of this campaign")
    for key in view.concerned(asking):
        situation = gather(view, key, pools=pools, proposed=[asking])
        if situation.missing:
            problems.append(f"{key}: does not exist")
            continue
        found, step = _differences(situation, view, asking.uid)
        differences.extend(found)
        outcome = outcomes_of(situation, step)[IncidentKey(asking.namespace, asking.name)]
        problems.extend(
            f"{target.subject}: {target.message}"
            for target in outcome.targets
            if target.state is not TargetState.APPLIED
        )
    return Preview(incident, tuple(differences), tuple(problems))


def _differences(situation: Situation, view: View, uid: str) -> tuple[list[Difference], Step]:
    """Give every change, and the last step, which has nothing more to write."""
    facts = Facts(present={*view.present, uid}, open_incidents={*view.open, uid}, fenced=False)
    found: list[Difference] = []
    step = situation.plan(facts)
    for _ in range(_MOST_STEPS):
        write = step.write
        if write is None:
            break
        found.extend(
            Difference(write.key, change.field, change.before, change.after)
            for change in write.changes
        )
        _imagine(situation, write)
        step = situation.plan(facts)
    return found, step


def _imagine(situation: Situation, write: Write) -> None:
    """Put the object as it would be in place of the one that is."""
    if write.create or write.key == situation.key:
        version = {"metadata": {"resourceVersion": "1"}}
        before = version if situation.live is None else situation.live
        situation.live = merged(before, write.patch)
        return
    situation.autoscalers = [
        merged(live, write.patch) if metadata(live).get("name") == write.key.name else live
        for live in situation.autoscalers
    ]


def merged(target: JsonObject, patch: JsonObject) -> JsonObject:
    """Apply a merge patch (RFC 7396) to a copy."""
    result = copy.deepcopy(target)
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, dict):
            below = result.get(key)
            result[key] = merged(below if isinstance(below, dict) else {}, value)
        else:
            result[key] = value
    return result


def readable(previews: Sequence[Preview]) -> str:
    """Tell previews to a person, as a diff."""
    lines: list[str] = []
    for item in previews:
        lines.append(f"{item.incident.playbook}: {item.incident.name} (mode {item.incident.mode})")
        lines.extend(
            part
            for difference in item.differences
            for part in (
                f"  {difference.key.kind}/{difference.key.name} {difference.field}",
                f"    - {shown(difference.before)}",
                f"    + {shown(difference.after)}",
            )
        )
        if not item.differences:
            lines.append("  no change")
        lines.extend(f"  ! {problem}" for problem in item.problems)
    return "\n".join(lines)

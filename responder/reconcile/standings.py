"""What a reconcile of one target came to, for each incident on it."""

from collections import defaultdict
from dataclasses import replace
from typing import Final

from responder.cluster.failures import ApiFailure
from responder.holds.fields import FieldFinding
from responder.holds.objects import ObjectKey, uid
from responder.holds.planning import Finding, Place, Step
from responder.holds.subjects import CONFIG_MAP, DEPLOYMENT, subject_of, told
from responder.holds.workload import AUTOSCALER
from responder.incidents.incident import Incident
from responder.incidents.status import Target, TargetState
from responder.playbooks.asks import Ask
from responder.reconcile import explaining
from responder.reconcile.outcomes import Outcome
from responder.reconcile.situation import Situation, field_of, wish_of
from responder.reconcile.view import IncidentKey

_STRANDS: Final = frozenset(
    {FieldFinding.BASELINE_UNKNOWN, FieldFinding.NO_ROOM, FieldFinding.REFUSED}
)


def outcomes_of(situation: Situation, step: Step) -> dict[IncidentKey, Outcome]:
    """Tell how every incident on this target stands, once nothing is left to write for now."""
    done = step.write is None and not step.pending
    bad = _bad(step)
    # Of 2,000 incidents on one target most ask for it by the same name: they share an answer.
    standing: dict[tuple[str, str], tuple[Target, ...]] = {}
    asking: dict[str, list[Target]] = defaultdict(list)
    for incident, ask in situation.asked:
        refused = situation.refused.get(wish_of(incident, ask, situation.key))
        if refused is not None:
            state = TargetState(str(refused.barrier))
            subject = _subject(ask, situation.key)
            asking[incident.uid].append(Target(situation.key, state, subject, refused.message))
            continue
        place = (told(ask), field_of(ask, situation.key))
        if place not in standing:
            standing[place] = _standing(ask, situation, step, bad)
        asking[incident.uid].extend(standing[place])
    keeper = min((uid for uid, found in asking.items() if _is_named(uid, found)), default="")
    outcomes: dict[IncidentKey, Outcome] = {}
    for incident in situation.incidents:
        key = IncidentKey(incident.namespace, incident.name)
        if incident.uid in asking:
            targets = _joined(asking[incident.uid])
            if situation.key.kind == CONFIG_MAP:
                targets = (
                    _with_ghosts(targets, situation, step)
                    if incident.uid == keeper
                    else [_as_known(target, incident) for target in targets]
                )
            elif done:
                targets += _handed_over(incident, situation, step)
            outcomes[key] = Outcome(tuple(targets))
        elif incident.status.letting_go is not None:
            stuck = _stuck(incident, situation, bad)
            if done and not stuck:
                outcomes[key] = Outcome(_returned(incident, situation), given_back=True)
            else:
                outcomes[key] = Outcome(_not_returned(incident, situation, stuck))
    return outcomes


def _handed_over(incident: Incident, situation: Situation, step: Step) -> list[Target]:
    """Tell of a workload that is left to its autoscaler again, whose bounds hold it now.

    The copy of its ledger ends with that: a later hold on it begins with what it finds then, and an
    old copy would take the number that the bounds left there for somebody's wish.
    """
    return [
        Target(
            known.key,
            TargetState.GIVEN_BACK,
            known.subject,
            f"its {AUTOSCALER} is held instead",
            uid=known.uid,
        )
        for known in _held_by(incident, situation)
        if known.key == situation.key and known.key not in step.held and situation.live is not None
    ]


def refusals_of(situation: Situation, refusal: ApiFailure) -> dict[IncidentKey, Outcome]:
    """Tell that a target can't be written: a condition on each incident, and no other target's."""
    key, state = situation.key, explaining.refusal_state(refusal)
    message = refusal.message[:1000]
    outcomes: dict[IncidentKey, Outcome] = {}
    for incident in situation.incidents:
        held = [
            replace(known, state=state, message=message) for known in _held_by(incident, situation)
        ]
        asked = [
            Target(key, state, _subject(ask, key), message)
            for asker, ask in situation.asked
            if asker is incident
        ]
        name = IncidentKey(incident.namespace, incident.name)
        outcomes[name] = Outcome(tuple(held or asked))
    return outcomes


def _returned(incident: Incident, situation: Situation) -> tuple[Target, ...]:
    return tuple(
        Target(target.key, TargetState.GIVEN_BACK, target.subject, uid=target.uid)
        for target in incident.status.targets
        if _is_here(target, situation)
        and (target.ledger is not None or target.state is TargetState.BASELINE_UNKNOWN)
    )


def _not_returned(
    incident: Incident, situation: Situation, stuck: dict[str, Finding]
) -> tuple[Target, ...]:
    """Tell why; the second copy stays until all is given back."""
    found = {(target.key, target.subject): target for target in _held_by(incident, situation)}
    for field, why in stuck.items():
        places = [p for p, target in found.items() if _tells_of(target, field)]
        if not places:
            # It was written before the status could tell of it, and its ledger is lost.
            asks = (ask for ask in incident.plan if field_of(ask, situation.key) == field)
            subject = next((_subject(ask, situation.key) for ask in asks), "")
            places = [(why.key, subject)]
        for key, subject in places:
            state, message = explaining.told_of_return(why, key, situation)
            known = found.get((key, subject), Target(key, state, subject))
            found[key, subject] = replace(known, state=state, message=message)
    return tuple(found.values())


def _tells_of(target: Target, field: str) -> bool:
    """Tell whether the copy of a ledger is of this field; a workload's are held together."""
    return target.ledger is not None and (not field or field in target.ledger.fields)


def _held_by(incident: Incident, situation: Situation) -> list[Target]:
    return [
        target
        for target in incident.status.targets
        if target.ledger is not None and _is_here(target, situation)
    ]


def _is_here(target: Target, situation: Situation) -> bool:
    return target.key == situation.key or target.subject == str(situation.key)


def _standing(
    ask: Ask, situation: Situation, step: Step, bad: dict[Place, Finding]
) -> tuple[Target, ...]:
    """Give how one ask stands on each object that is held for it.

    Of a ConfigMap that many share, the copy of the ledger tells of the ask's own key.
    """
    subject, field = _subject(ask, situation.key), field_of(ask, situation.key)
    found = []
    if situation.missing:
        # Its autoscaler may be held all the same: it is away for a moment, as far as is known.
        message = f"{situation.key} does not exist"
        found.append(Target(situation.key, TargetState.NO_TARGET, subject, message))
    for key, ledger in step.held.items():
        state, message = explaining.told(bad.get((key, field)), key, situation)
        own = ledger.only({field}) if field else ledger
        found.append(
            Target(
                key,
                state,
                subject,
                message,
                uid=step.uids.get(key) or _uid(situation, key),
                ledger=own if own.fields or own.remembered else None,
            )
        )
    if not found and (finding := bad.get((situation.key, field))) is not None:
        state, message = explaining.told(finding, situation.key, situation)
        found.append(Target(situation.key, state, subject, message))
    if ask.target_kind == DEPLOYMENT and not situation.missing:
        found += [
            explaining.left_alone(named, situation, subject) for named in situation.left_alone
        ]
    return tuple(found)


def _joined(targets: list[Target]) -> list[Target]:
    """Make one target of what several asks by one name, of an incident, came to."""
    found: dict[tuple[ObjectKey, str], Target] = {}
    for target in targets:
        place = (target.key, target.subject)
        known = found.get(place)
        if known is not None:
            target = _both(known, target)  # noqa: PLW2901 -- what it becomes beside the other
        found[place] = target
    return list(found.values())


def _both(one: Target, other: Target) -> Target:
    if one.state is TargetState.APPLIED:
        one, other = other, one
    if one.ledger is None or other.ledger is None:
        return replace(one, uid=one.uid or other.uid, ledger=one.ledger or other.ledger)
    fields = {**other.ledger.fields, **one.ledger.fields}
    return replace(one, ledger=replace(one.ledger, fields=fields))


def _with_ghosts(targets: list[Target], situation: Situation, step: Step) -> list[Target]:
    """Keep in one incident's copy also what nobody asks for any more and that stands still.

    A hold whose incident vanished would otherwise be remembered by the annotation alone.
    """
    asked = {field_of(ask, situation.key) for _, ask in situation.asked}
    ledger = step.held.get(situation.key)
    ghosts = {k: v for k, v in ledger.fields.items() if k not in asked} if ledger else {}
    first = next((target for target in targets if target.ledger is not None), None)
    if first is None or first.ledger is None or not ghosts:
        return targets
    copy = replace(first.ledger, fields={**first.ledger.fields, **ghosts})
    return [replace(first, ledger=copy) if target is first else target for target in targets]


def _as_known(target: Target, incident: Incident) -> Target:
    """Leave the incident's copy of a ledger as it is where nothing of its own has changed.

    Its sequence moves with each change of anybody's; one incident's copy that moves with it is
    enough to tell that an old ledger which comes back is old.
    """
    for known in incident.status.targets:
        if (
            (known.key, known.subject, known.uid) == (target.key, target.subject, target.uid)
            and known.ledger is not None
            and target.ledger is not None
            and replace(known.ledger, sequence=target.ledger.sequence) == target.ledger
        ):
            return replace(target, ledger=known.ledger)
    return target


def _is_named(incident_uid: str, targets: list[Target]) -> bool:
    """Tell whether a ledger names the incident as the strictest holder of something."""
    return any(
        entry.uid == incident_uid
        for target in targets
        if target.ledger is not None
        for entry in target.ledger.fields.values()
    )


def _stuck(
    incident: Incident, situation: Situation, bad: dict[Place, Finding]
) -> dict[str, Finding]:
    """Give what of the incident's can't be given back, by field."""
    fields = {
        field_of(ask, situation.key)
        for ask in incident.plan_in_force
        if situation.key.kind != CONFIG_MAP or subject_of(ask).kind != DEPLOYMENT
    }
    return {
        field: finding
        for (_, field), finding in bad.items()
        if finding.what in _STRANDS and field in fields
    }


def _subject(ask: Ask, key: ObjectKey) -> str:
    """Name what a target stands for: the workload of an autoscaler, a campaign, a pool."""
    return str(subject_of(ask)) if key.kind != CONFIG_MAP else told(ask)


def _uid(situation: Situation, key: ObjectKey) -> str:
    return uid(situation.live) if situation.live is not None and key == situation.key else ""


def _bad(step: Step) -> dict[Place, Finding]:
    """Give what is wrong, by place: only of a ConfigMap each key is somebody's own."""
    return {
        (found.key, found.field if found.key.kind == CONFIG_MAP else ""): found
        for found in step.findings
        if found.what in explaining.STATES
    }

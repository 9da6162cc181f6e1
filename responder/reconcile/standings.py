"""What a reconcile of one target came to, for each incident on it."""

from collections import defaultdict

from responder.cluster.failures import ApiFailure, Denied
from responder.holds.fields import FieldFinding
from responder.holds.objects import HOLD_ALLOWED, HOLD_LABEL, ObjectKey, uid
from responder.holds.planning import Finding, Step
from responder.holds.subjects import CONFIG_MAP, DEPLOYMENT, subject_of, told
from responder.holds.workload import AUTOSCALER
from responder.incidents.incident import Incident, Target, TargetState
from responder.playbooks.asks import Ask
from responder.reconcile.outcomes import Outcome
from responder.reconcile.situation import Situation
from responder.reconcile.view import IncidentKey


def outcomes_of(situation: Situation, step: Step) -> dict[IncidentKey, Outcome]:
    """Tell how every incident on this target stands, once nothing is left to write for now."""
    done = step.write is None and not step.pending
    bad = {
        found.key: found
        for found in step.findings
        if found.what in (FieldFinding.ALTERED, FieldFinding.BASELINE_UNKNOWN)
    }
    unknown = any(found.what is FieldFinding.BASELINE_UNKNOWN for found in step.findings)
    # Of 2,000 incidents on one target most ask for it by the same name: they share an answer.
    standing: dict[str, tuple[Target, ...]] = {}
    asking: dict[str, list[Target]] = defaultdict(list)
    for incident, ask in situation.asked:
        name = told(ask)
        refused = situation.refused.get((incident.uid, name))
        if refused is not None:
            state = TargetState(str(refused.barrier))
            subject = _subject(ask, situation.key)
            asking[incident.uid].append(Target(situation.key, state, subject, refused.message))
            continue
        if name not in standing:
            standing[name] = _standing(ask, situation, step, bad)
        asking[incident.uid].extend(standing[name])
    outcomes: dict[IncidentKey, Outcome] = {}
    for incident in situation.incidents:
        key = IncidentKey(incident.namespace, incident.name)
        if incident.uid in asking:
            found = {(item.key, item.subject): item for item in asking[incident.uid]}
            outcomes[key] = Outcome(tuple(found.values()))
        elif incident.status.letting_go is not None:
            returned = _returned(incident, situation)
            outcomes[key] = Outcome(returned, given_back=done and not unknown)
    return outcomes


def refusals_of(situation: Situation, refusal: ApiFailure) -> dict[IncidentKey, Outcome]:
    """Tell that a target can't be written: a condition on each incident, and no other target's."""
    key = situation.key
    state = TargetState.INVALID
    if isinstance(refusal, Denied):
        state = TargetState.DENIED if refusal.by_admission else TargetState.FORBIDDEN
    message = refusal.message[:1000]
    outcomes: dict[IncidentKey, Outcome] = {}
    for incident in situation.incidents:
        held = [
            Target(known.key, state, known.subject, message, known.uid, known.ledger)
            for known in incident.status.targets
            if known.ledger is not None and (known.key == key or known.subject == str(key))
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
        if target.ledger is not None
        and (target.key == situation.key or target.subject == str(situation.key))
    )


def _standing(
    ask: Ask, situation: Situation, step: Step, bad: dict[ObjectKey, Finding]
) -> tuple[Target, ...]:
    """Give how one ask stands on each object that is held for it."""
    subject = _subject(ask, situation.key)
    if situation.missing:
        message = f"{situation.key} does not exist"
        return (Target(situation.key, TargetState.NO_TARGET, subject, message),)
    return tuple(
        Target(
            key,
            _state(bad.get(key)),
            subject,
            _told_finding(bad.get(key)) or _told_left_alone(key, situation),
            uid=step.uids.get(key) or _uid(situation, key),
            ledger=ledger,
        )
        for key, ledger in step.held.items()
    )


def _subject(ask: Ask, key: ObjectKey) -> str:
    """Name what a target stands for: the workload of an autoscaler, a campaign, a pool."""
    return str(subject_of(ask)) if key.kind != CONFIG_MAP else told(ask)


def _uid(situation: Situation, key: ObjectKey) -> str:
    return uid(situation.live) if situation.live is not None and key == situation.key else ""


def _state(finding: Finding | None) -> TargetState:
    if finding is None:
        return TargetState.APPLIED
    if finding.what is FieldFinding.ALTERED:
        return TargetState.ALTERED
    return TargetState.BASELINE_UNKNOWN


def _told_left_alone(key: ObjectKey, situation: Situation) -> str:
    if key.kind != DEPLOYMENT or not situation.left_alone:
        return ""
    named = ", ".join(f"{AUTOSCALER}/{found}" for found in situation.left_alone)
    return (
        f"{named} may raise the replicas again, and is held too"
        f" once it is labelled {HOLD_LABEL}={HOLD_ALLOWED}"
    )


def _told_finding(finding: Finding | None) -> str:
    if finding is None:
        return ""
    if finding.what is FieldFinding.ALTERED:
        return f"{finding.field} is not what we wrote: an admission policy or webhook alters it"
    return (
        f"nothing remembers what {finding.field} was before the hold:"
        " set it by hand, and it is given back as you set it"
    )

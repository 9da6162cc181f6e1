"""A new incident: what a playbook asks for, given the labels of an alert or of a person."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from responder.evidence.metric import Metric
from responder.evidence.questions import bind, bind_volume, kept
from responder.incidents.bounds import MOST_TEXT_CHARACTERS
from responder.incidents.budgets import UNBOUNDED, Budgets
from responder.incidents.identity import Identity, TriggerKind
from responder.incidents.incident import AlertRecord, Incident
from responder.incidents.policy import UNCONFIRMED, Approval, Resume, Stage, Step
from responder.incidents.requests import Request, Trigger, Wishes
from responder.incidents.status import Status
from responder.incidents.transitions import moment
from responder.playbooks.aliases import with_aliases
from responder.playbooks.rendering import render
from responder.playbooks.schema import Playbook, When

MOST_REFUSALS: Final = 64
"""What the resource takes."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What applies to every incident, whoever asks."""

    namespace: str
    allowed_namespaces: frozenset[str]
    max_mode: str = "auto"
    aliases: Mapping[str, Sequence[str]] = field(default_factory=dict)
    budgets: Budgets = UNBOUNDED


@dataclass(frozen=True, slots=True)
class Matter:
    """What an incident would be about: its identity, and the labels as they were given."""

    playbook: Playbook
    identity: Identity
    labels: Mapping[str, str]
    """Those that matter, in full: a stored identity has only the beginning of a long value."""


class Drafting:
    """Renders incidents that are not stored yet."""

    def __init__(
        self,
        terms: Terms,
        *,
        now: Callable[[], datetime],
        metrics: Callable[[], Mapping[str, Metric]] = dict,
    ) -> None:
        self._terms = terms
        self._now = now
        self._metrics = metrics

    def labels(self, given: Mapping[str, str]) -> Mapping[str, str]:
        """Give labels under the names that playbooks use."""
        return with_aliases(given, self._terms.aliases)

    def matter(self, playbook: Playbook, labels: Mapping[str, str], *, kind: TriggerKind) -> Matter:
        """Tell what a playbook makes of labels that are under its own names already."""
        matter = {name: labels.get(name, "") for name in playbook.identity_labels}
        return Matter(playbook, Identity.of(kind, playbook.name, matter), matter)

    def incident(
        self,
        matter: Matter,
        *,
        trigger: Trigger,
        ordinal: int = 1,
        alerts: Mapping[str, AlertRecord] | None = None,
        alerts_omitted: int = 0,
    ) -> Incident:
        """Render a new incident, complete but for what the cluster adds."""
        playbook = matter.playbook
        rendering = render(
            playbook,
            matter.labels,
            home_namespace=self._terms.namespace,
            allowed_namespaces=self._terms.allowed_namespaces,
        )
        refusals = tuple(
            {
                "verb": refusal.verb,
                "reason": refusal.reason,
                "message": refusal.message[:MOST_TEXT_CHARACTERS],
            }
            for refusal in rendering.refusals
        )
        trigger = Trigger(
            kind=trigger.kind,
            by=trigger.by[:MOST_TEXT_CHARACTERS],
            reason=trigger.reason[:MOST_TEXT_CHARACTERS],
            receiver=trigger.receiver[:MOST_TEXT_CHARACTERS],
        )
        now, review = moment(self._now()), playbook.spec.review_after
        approval = _approval(playbook, self._terms.max_mode)
        approve = None
        if approval is not None and trigger.kind == "manual":
            # Whoever triggers it by hand has decided.
            approve = Request(at=now, by=trigger.by, reason="triggered by hand")
        return Incident(
            namespace=self._terms.namespace,
            name=matter.identity.name(ordinal),
            uid="",
            resource_version="0",
            created_at="",
            deleting=False,
            finalized=False,
            identity=matter.identity,
            mode=_capped(str(playbook.spec.mode), self._terms.max_mode),
            trigger=trigger,
            alerts=alerts or {},
            plan=rendering.asks,
            refusals=refusals[:MOST_REFUSALS],
            resume=self._resume(matter),
            received_at=now,
            token=secrets.token_hex(8),
            wishes=Wishes(approve=approve),
            status=Status(),
            alerts_omitted=alerts_omitted,
            stages=tuple(
                Stage(
                    when=self._when(stage.when, matter.labels),
                    for_seconds=stage.when.for_.seconds,
                    plan=asks,
                )
                for stage, asks in zip(playbook.spec.escalate, rendering.stages, strict=True)
            ),
            approval=approval,
            include_transactional=playbook.spec.guards.include_transactional,
            review_after_seconds=0 if review is None else review.seconds,
        )

    def _when(self, when: When, labels: Mapping[str, str]) -> Mapping[str, Any]:
        if not when.is_question:
            return UNCONFIRMED
        return kept(bind(when, labels, metrics=self._metrics()))

    def _resume(self, matter: Matter) -> Resume:
        policy, labels, metrics = matter.playbook.resume_policy, matter.labels, self._metrics()
        check, volume = policy.check, policy.volume
        return Resume(
            manual=policy.manual,
            after_seconds=policy.after_seconds,
            acknowledged=policy.acknowledged,
            steps=tuple(
                Step(share=step.share.ratio, for_seconds=step.for_.seconds, sends=step.sends)
                for step in policy.steps
            ),
            check=None if check is None else kept(bind(check, labels, metrics=metrics)),
            volume=None if volume is None else kept(bind_volume(volume, labels, metrics=metrics)),
        )


_MODES: Final = ("observe", "approve", "auto")


def _capped(mode: str, most: str) -> str:
    return min(mode, most, key=_MODES.index)


def _approval(playbook: Playbook, most: str) -> Approval | None:
    """Tell why a person must approve an incident; None where nobody must."""
    spec = playbook.spec
    if _capped(spec.mode, most) != "approve":
        return None
    if spec.mode != "approve":
        # The ceiling is not the playbook's to lift, whoever is asleep.
        return Approval("nothing is held without approval, by --max-mode")
    terms = spec.approval
    return Approval(
        "the playbook asks for approval",
        within_seconds=0 if terms is None else terms.within.seconds,
        otherwise="expire" if terms is None or most == "approve" else terms.otherwise,
    )

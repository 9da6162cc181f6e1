"""A new incident: what a playbook asks for, given the labels of an alert or of a person."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from responder.incidents.bounds import MOST_TEXT_CHARACTERS
from responder.incidents.identity import Identity, TriggerKind
from responder.incidents.incident import AlertRecord, Incident, Resume, Status, Trigger
from responder.incidents.lifecycle import moment
from responder.playbooks.aliases import with_aliases
from responder.playbooks.rendering import render
from responder.playbooks.schema import Playbook


@dataclass(frozen=True, slots=True)
class Terms:
    """What applies to every incident, whoever asks."""

    namespace: str
    allowed_namespaces: frozenset[str]
    max_mode: str = "auto"
    aliases: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Matter:
    """What an incident would be about: its identity, and the labels as they were given."""

    playbook: Playbook
    identity: Identity
    labels: Mapping[str, str]
    """Those that matter, in full: a stored identity has only the beginning of a long value."""


class Drafting:
    """Renders incidents that are not stored yet."""

    def __init__(self, terms: Terms, *, now: Callable[[], datetime]) -> None:
        self._terms = terms
        self._now = now

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
        policy = playbook.resume_policy
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
            trigger=Trigger(
                kind=trigger.kind,
                by=trigger.by[:MOST_TEXT_CHARACTERS],
                reason=trigger.reason[:MOST_TEXT_CHARACTERS],
                receiver=trigger.receiver[:MOST_TEXT_CHARACTERS],
            ),
            alerts=alerts or {},
            plan=rendering.asks,
            refusals=tuple(
                {
                    "verb": refusal.verb,
                    "reason": refusal.reason,
                    "message": refusal.message[:MOST_TEXT_CHARACTERS],
                }
                for refusal in rendering.refusals
            ),
            resume=Resume(
                manual=policy.manual,
                after_seconds=policy.after_seconds,
                needs_person=() if policy.manual else policy.reasons,
            ),
            received_at=moment(self._now()),
            token=secrets.token_hex(8),
            release=None,
            status=Status(),
            alerts_omitted=alerts_omitted,
        )


def _capped(mode: str, most: str) -> str:
    # Approval is not yet acted on: until it is, what would need one is observed.
    order = ("observe", "approve", "auto")
    capped = min(mode, most, key=order.index)
    return capped if capped == "auto" else "observe"

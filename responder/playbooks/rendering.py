"""A playbook and the labels of an alert become asks; each hold by itself, or not at all.

A hold never widens: a label that it needs and that is missing or empty, a name that is none, a
namespace that isn't allowed refuse this hold and leave the others. Nothing here raises, whatever
the labels hold.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, assert_never

from responder.playbooks.asks import Ask, TargetKind
from responder.playbooks.hold import Hold
from responder.playbooks.refusals import Refusal, Refused
from responder.playbooks.schema import Playbook
from responder.playbooks.templates import Template
from responder.playbooks.verbs import (
    Pause,
    Reroute,
    Scale,
    Sending,
    SetKey,
    Shift,
    Suppress,
    Suspend,
    Throttle,
    Verb,
)
from responder.playbooks.written import shown


@dataclass(frozen=True, slots=True)
class Rendering:
    """What a playbook asks for, and what it would have asked for. No asks: there is no target."""

    asks: tuple[Ask, ...]
    refusals: tuple[Refusal, ...]
    stages: tuple[tuple[Ask, ...], ...] = ()
    """What each stage of its escalation asks for beyond that."""


def render(
    playbook: Playbook,
    labels: Mapping[str, str],
    *,
    home_namespace: str,
    allowed_namespaces: frozenset[str],
) -> Rendering:
    """Render the holds of every stage, each into an ask or a refusal.

    A hold that names no namespace concerns the home one, which is always allowed.
    """
    labelled = _Labelled(labels, home_namespace, allowed_namespaces | {home_namespace})
    asks, refusals = _rendered(playbook.spec.holds, labelled)
    stages: list[tuple[Ask, ...]] = []
    for number, stage in enumerate(playbook.spec.escalate, start=1):
        found, refused = _rendered(stage.holds, labelled)
        stages.append(found)
        refusals += tuple(
            replace(refusal, message=f"stage {number}: {refusal.message}") for refusal in refused
        )
    return Rendering(asks=asks, refusals=refusals, stages=tuple(stages))


def _rendered(
    holds: Iterable[Hold], labelled: "_Labelled"
) -> tuple[tuple[Ask, ...], tuple[Refusal, ...]]:
    asks: list[Ask] = []
    refusals: list[Refusal] = []
    for index, hold in enumerate(holds):
        try:
            asks.append(_ask(hold, labelled))
        except Refused as refused:
            refusals.append(
                Refusal(
                    hold_index=index,
                    verb=hold.word,
                    reason=refused.reason,
                    message=refused.message,
                )
            )
    return tuple(asks), tuple(refusals)


@dataclass(frozen=True, slots=True)
class _Labelled:
    labels: Mapping[str, str]
    home_namespace: str
    allowed_namespaces: frozenset[str]

    def text(self, template: Template) -> str:
        return template.render(self.labels)

    def namespace(self, verb: Verb) -> str:
        if verb.namespace is None:
            return self.home_namespace
        namespace = self.text(verb.namespace)
        if namespace not in self.allowed_namespaces:
            raise Refused("NamespaceNotAllowed", f"the namespace {shown(namespace)} is not allowed")
        return namespace

    def target(self, **selectors: Template | None) -> tuple[TargetKind, str]:
        """Give the one target that is named. The order matters where a second one qualifies it."""
        for selector, template in selectors.items():
            if template is not None:
                return _KINDS[selector], self.text(template)
        raise AssertionError(selectors)  # the schema requires one


_KINDS: Mapping[str, TargetKind] = {
    "campaign": "campaign",
    "pool": "pool",
    "segment": "segment",
    "provider": "provider",
    "config_map": "ConfigMap",
}


def _ask(hold: Hold, labelled: _Labelled) -> Ask:
    verb = hold.verb
    match verb:
        case Pause() | Throttle():
            return _sending(verb, labelled)
        case Reroute():
            kind, target = labelled.target(
                campaign=verb.campaign, pool=verb.pool, segment=verb.segment
            )
            pool = labelled.text(verb.to)
            if kind == "pool" and target == pool:
                raise Refused("InvalidName", f"reroutes the pool {shown(pool)} to itself")
            return _sending_ask(verb, labelled, kind=kind, target=target, limit={"pool": pool})
        case Suppress():
            return _suppressing(verb, labelled)
        case Scale():
            return _scaling(verb, labelled)
        case SetKey():
            return _setting(verb, labelled)
        case Suspend() | Shift():
            raise _not_yet(f"`{verb.word}`")
        case _:
            assert_never(verb)


def _sending(verb: Pause | Throttle, labelled: _Labelled) -> Ask:
    kind, target = labelled.target(
        campaign=verb.campaign, pool=verb.pool, segment=verb.segment, provider=verb.provider
    )
    share = 0.0
    limit: dict[str, Any] = {}
    if isinstance(verb, Throttle):
        if verb.per_minute is not None:
            limit["perMinute"] = verb.per_minute
        share = 1.0 if verb.to is None else verb.to.ratio
    if kind != "provider" and verb.provider is not None:
        limit["providers"] = {labelled.text(verb.provider): share}
    elif share < 1:
        limit["share"] = share
    if verb.in_flight is not None:
        limit["inFlight"] = verb.in_flight
    return _sending_ask(verb, labelled, kind=kind, target=target, limit=limit)


def _suppressing(verb: Suppress, labelled: _Labelled) -> Ask:
    segment = labelled.text(verb.segment)
    if verb.campaign is None and verb.pool is None:
        stop = {"share": 0.0}
        return _sending_ask(verb, labelled, kind="segment", target=segment, limit=stop)
    kind, target = labelled.target(campaign=verb.campaign, pool=verb.pool)
    skip = {"suppress": [segment]}
    return _sending_ask(verb, labelled, kind=kind, target=target, limit=skip)


def _sending_ask(
    verb: Sending | Reroute | Suppress,
    labelled: _Labelled,
    *,
    kind: TargetKind,
    target: str,
    limit: dict[str, Any],
) -> Ask:
    return Ask(
        control="sending",
        namespace=labelled.namespace(verb),
        target_kind=kind,
        target=target,
        limit=limit,
        verb=verb.word,
    )


def _scaling(verb: Scale, labelled: _Labelled) -> Ask:
    if verb.deployment is None:
        raise _not_yet("`scale` of a StatefulSet")
    return Ask(
        control="replicas",
        namespace=labelled.namespace(verb),
        target_kind="Deployment",
        target=labelled.text(verb.deployment),
        limit={"replicas": verb.to},
        verb=verb.word,
    )


def _setting(verb: SetKey, labelled: _Labelled) -> Ask:
    kind, target = labelled.target(campaign=verb.campaign, config_map=verb.config_map)
    return Ask(
        control="keys",
        namespace=labelled.namespace(verb),
        target_kind=kind,
        target=target,
        limit={"key": verb.key, "order": list(verb.order), "value": verb.to},
        verb=verb.word,
    )


def _not_yet(what: str) -> Refused:
    return Refused("NotYetActedOn", f"{what} is not yet acted on")

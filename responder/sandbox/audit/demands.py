"""What an open incident demands of a held value: the strictness of each control, written anew."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from responder.sandbox.audit.versions import CONFIG_MAP, DEPLOYMENT, PREFIX, Json, Version

SENDING_HOLDS = "sending-holds"
HOLD_KEY = "hold.json"
CAMPAIGN = "campaign"
_SAFE_ID = re.compile(r"[-_.a-zA-Z0-9]{1,200}")


@dataclass(frozen=True, slots=True)
class Demand:
    """One limit that an incident asks for."""

    number: int
    """Its place in the incident's plan."""
    control: str
    kind: str
    """Deployment, ConfigMap, campaign, pool, segment or provider."""
    target: str
    limit: Mapping[str, Any]
    stage: int | None = None
    """The stage of the escalation that it belongs to; None for the first holds."""

    @classmethod
    def of(cls, number: int, ask: Json, *, stage: int | None = None) -> "Demand":
        return cls(number, ask["control"], ask["targetKind"], ask["target"], ask["limit"], stage)

    def in_step(self, share: float | None, *, whole: int) -> "Demand":
        """Give what is left of it while an open step lets a share through; `whole` is in pods."""
        if share is None:
            return self
        limit = dict(self.limit)
        if self.control == "replicas":
            pods = -(-round(share * whole * 1_000_000) // 1_000_000)
            limit["replicas"] = max(int(limit["replicas"]), int(pods))
        elif self.control == "keys":
            order = limit["order"]
            place = max(1, int(round((1 - share) * (len(order) - 1), 6)))
            limit["value"] = order[min(order.index(limit["value"]), place)]
        else:
            if limit.get("share") is not None:
                limit["share"] = max(limit["share"], share)
            providers = limit.get("providers") or {}
            limit["providers"] = {name: max(known, share) for name, known in providers.items()}
        return replace(self, limit=limit)

    @property
    def place(self) -> tuple[str, str]:
        """Give what it is looked up by: a Deployment, a ConfigMap, or a campaign by its id."""
        if self.kind in (DEPLOYMENT, CONFIG_MAP, CAMPAIGN):
            return self.kind, self.target
        return CONFIG_MAP, SENDING_HOLDS

    @property
    def replicas(self) -> int:
        return int(self.limit["replicas"])

    @property
    def key(self) -> str:
        """Give the key of the ConfigMap that is held."""
        if self.control == "keys":
            return str(self.limit["key"])
        if self.kind == CAMPAIGN:
            return HOLD_KEY
        is_safe = _SAFE_ID.fullmatch(self.target)
        told = self.target if is_safe else hashlib.sha256(self.target.encode()).hexdigest()
        return f"{self.kind}.{told}.json"

    def is_met(self, config_map: Version) -> bool:
        """Tell whether a ConfigMap lets through no more than is asked."""
        value = config_map.fields.get(self.key)
        if self.control == "keys":
            order = self.limit["order"]
            return value in order and order.index(value) >= order.index(self.limit["value"])
        return value is not None and is_as_strict(value, self.limit)

    def __str__(self) -> str:
        """Render for the report."""
        told = {key: value for key, value in self.limit.items() if key != "order"}
        return f"{self.kind}/{self.target} {json.dumps(told)}"


def is_as_strict(text: str, limit: Mapping[str, Any]) -> bool:
    try:
        document = json.loads(text)
    except ValueError:
        # A sender stops where it can't read what it is told.
        return True
    providers = document.get("providers") or {}
    return (
        _is_at_most(document.get("share"), limit.get("share"))
        and _is_at_most(document.get("perMinute"), limit.get("perMinute"))
        and all(
            _is_at_most(providers.get(name), share)
            for name, share in (limit.get("providers") or {}).items()
        )
        and (not limit.get("pool") or bool(document.get("pool")))
        and set(limit.get("suppress") or ()) <= set(document.get("suppress") or ())
        and (limit.get("inFlight") != "drop" or document.get("inFlight") == "drop")
    )


def is_looser(text: str | None, before: str | None) -> bool:
    """Tell whether a hold document lets more through than the one before it."""
    try:
        limit = json.loads(before or "")
    except ValueError:
        return False
    return isinstance(limit, dict) and (text is None or not is_as_strict(text, limit))


def _is_at_most(value: float | None, limit: float | None) -> bool:
    return limit is None or (value is not None and value <= limit)


def campaigns_of(config_map: Version) -> frozenset[str]:
    mark = PREFIX + CAMPAIGN
    marks = {config_map.labels.get(mark), config_map.annotations.get(mark)} - {None, ""}
    return frozenset(str(found) for found in marks or {config_map.name})


def is_transactional(version: Version) -> bool:
    return "transactional" in (
        version.labels.get("stream"),
        version.labels.get(PREFIX + "stream"),
    )


def is_allowed(version: Version) -> bool:
    return version.labels.get(PREFIX + "hold") in ("allowed", "even-transactional")


def agrees(version: Version) -> bool:
    """Tell whether its owner lets transactional mail be held, where a playbook forces it."""
    return version.labels.get(PREFIX + "hold") == "even-transactional"


def may_be_held(
    version: Version, *, immune: frozenset[str] = frozenset(), forced: bool = True
) -> bool:
    """Tell whether its owner lets it be held; `immune` are workloads of transactional mail.

    Those may be held where an incident is `forced` to, and their owner agrees.
    """
    if version.labels.get(PREFIX + "hold") == "never":
        return False
    is_mail = is_transactional(version) or (version.kind != CONFIG_MAP and version.name in immune)
    if is_mail and not (forced and agrees(version)):
        return False
    if version.kind != CONFIG_MAP:
        return is_allowed(version)
    mark = PREFIX + CAMPAIGN
    return not version.body.get("immutable") and (
        version.name == SENDING_HOLDS
        or is_allowed(version)
        or bool(version.labels.get(mark) or version.annotations.get(mark))
    )


def offers(config_map: Version, key: str) -> bool:
    """Tell whether the owner lets a plain key be held."""
    named = config_map.annotations.get(PREFIX + "keys", "").split(",")
    return is_allowed(config_map) and key in {part.strip() for part in named}


def workloads_of(config_map: Version) -> frozenset[str]:
    """Give the workloads that a transactional campaign makes immune."""
    if not is_transactional(config_map):
        return frozenset()
    named = config_map.annotations.get(PREFIX + "workloads", "").split(",")
    return frozenset(part.strip() for part in named if part.strip())

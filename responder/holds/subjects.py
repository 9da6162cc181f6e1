"""From what an ask names to the objects that are held for it, and back."""

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from responder.holds.keys import PlainKeyControl
from responder.holds.limits import AnyControl
from responder.holds.objects import (
    CAMPAIGN_MARK,
    HOLD_KEY,
    SENDING_HOLDS,
    JsonObject,
    ObjectKey,
    annotation,
    label,
    name,
)
from responder.holds.sending import SendingControl, document_key, limit_from_json
from responder.playbooks.asks import Ask

CAMPAIGN: Final = "campaign"
CONFIG_MAP: Final = "ConfigMap"
DEPLOYMENT: Final = "Deployment"


class Subject(NamedTuple):
    """What an ask names: one object, or a campaign that is found by its marks."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}"


def subject_of(ask: Ask) -> Subject:
    """Give what is to be looked for. Pools, segments and providers share one ConfigMap."""
    if ask.target_kind in {DEPLOYMENT, CONFIG_MAP, CAMPAIGN}:
        return Subject(ask.target_kind, ask.namespace, ask.target)
    return Subject(CONFIG_MAP, ask.namespace, SENDING_HOLDS)


def told(ask: Ask) -> str:
    """Name the ask's target for people, e.g. `pool/bulk-1`."""
    return f"{ask.target_kind}/{ask.target}"


def campaigns_of(config_map: JsonObject) -> frozenset[str]:
    """Give the campaigns that a ConfigMap says it is of: by label, by annotation, by name.

    Names of campaigns break the rules for label values, hence the annotation. The bare name counts
    only for a ConfigMap without a mark, so that a marked one is never taken for another campaign.
    """
    marks = {label(config_map, CAMPAIGN_MARK), annotation(config_map, CAMPAIGN_MARK) or ""}
    marks.discard("")
    return frozenset(marks or {name(config_map)})


def object_of(subject: Subject) -> ObjectKey | None:
    """Give the object of a subject that names one; None for a campaign."""
    return None if subject.kind == CAMPAIGN else ObjectKey(*subject)


def key_for(ask: Ask) -> str:
    """Give the ConfigMap key that is held for an ask."""
    if ask.control == "keys":
        return str(ask.limit["key"])
    if ask.target_kind == CAMPAIGN:
        return HOLD_KEY
    return document_key(ask.target_kind, ask.target)


def control_of(ask: Ask, *, pools: tuple[str, ...]) -> AnyControl:
    """Give the control of an ask on a ConfigMap."""
    if ask.control == "keys":
        return PlainKeyControl(str(ask.limit["key"]), tuple(ask.limit["order"]))
    key = key_for(ask)
    plain = ask.target if ask.target_kind != CAMPAIGN and ask.target not in key else ""
    return SendingControl(key, pools=pools, about=plain)


def limit_of(ask: Ask, *, order: Iterable[str] = ()) -> Any:  # noqa: ANN401 -- the control's own
    """Give the limit in the words of its control.

    For a plain key, its place in `order`: the one by which the key is held, where two playbooks
    disagree about it. Raises ValueError where the value has no place in it.
    """
    if ask.control == "replicas":
        return int(ask.limit["replicas"])
    if ask.control == "keys":
        return tuple(order or ask.limit["order"]).index(ask.limit["value"])
    return limit_from_json(ask.limit)

"""One switch that disarms everything: a ConfigMap in the responder's own namespace.

Nobody needs this program to throw it: `kubectl create configmap` does.
"""

from typing import Final

from responder.holds.objects import JsonObject
from responder.incidents.transitions import Arming

SWITCH_NAME: Final = "campaign-responder-switch"
SWITCH_KEY: Final = "arming"


def arming_of(live: JsonObject | None) -> Arming:
    """Read the switch; none is armed, and one that can't be read holds nothing new."""
    if live is None:
        return Arming.ARMED
    told = str((live.get("data") or {}).get(SWITCH_KEY, "")).strip().lower()
    return Arming(told) if told in set(Arming) else Arming.LEAVE


def switch_body(namespace: str, arming: Arming, *, by: str, reason: str) -> JsonObject:
    """Write the switch, with who threw it and why for the next one who looks."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": SWITCH_NAME, "namespace": namespace},
        "data": {SWITCH_KEY: str(arming), "by": by, "reason": reason},
    }

"""What may happen in a history, drawn at random; each event means something wherever it stands.

So a history is shortened by leaving events out.
"""

import random
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from tests.histories.faults import FAULTS
from tests.histories.platform import ALERTS, CAMPAIGNS, PLAYBOOKS

MANAGERS: Final = ("kubectl-edit", "argocd-controller", "kustomize-controller")


class Event(NamedTuple):
    """One thing that happens, and how long nothing else does afterwards, in seconds."""

    what: str
    with_: tuple[Any, ...]
    then_seconds: float


Draw = Callable[[random.Random], tuple[Any, ...]]


def _alert(dice: random.Random) -> tuple[Any, ...]:
    # Those with most of a life come most.
    return dice.choices(ALERTS, (6, 3, 3, 2, 1, 1))[0], dice.choice(CAMPAIGNS)


def _edit(dice: random.Random) -> tuple[Any, ...]:
    by = dice.choice(MANAGERS)
    match dice.randrange(4):
        case 0:
            name = dice.choice(("sender", "lone"))
            return "Deployment", name, {"replicas": dice.choice((0, 1, 3, 8, 12))}, by
        case 1:
            least = dice.choice((1, 2, 4))
            bounds = {"minReplicas": least, "maxReplicas": least + dice.choice((0, 5, 30))}
            return "HorizontalPodAutoscaler", "sender-hpa", bounds, by
        case 2:
            state = {"state": dice.choice(("active", "slow", "paused"))}
            return "ConfigMap", dice.choice(CAMPAIGNS), state, by
        case _:
            return "ConfigMap", dice.choice(CAMPAIGNS), {"hold.json": None}, by


def _object(dice: random.Random) -> tuple[Any, ...]:
    return dice.choice(
        (
            ("Deployment", "sender"),
            ("Deployment", "lone"),
            ("HorizontalPodAutoscaler", "sender-hpa"),
            ("ConfigMap", CAMPAIGNS[0]),
        )
    )


def _number(dice: random.Random) -> tuple[Any, ...]:
    return (dice.randrange(8),)


_DRAWS: Final[tuple[tuple[int, str, Draw], ...]] = (
    (18, "fires", _alert),
    (16, "resolves", _alert),
    (4, "fires unheard", _alert),
    (4, "resolves unheard", _alert),
    (3, "said again", _alert),
    (3, "said late", _alert),
    (
        9,
        "answers",
        lambda dice: (
            dice.choice(("check", "check", "volume", "stage")),
            dice.choice(CAMPAIGNS),
            dice.choice(("yes", "yes", "yes", "no", "unknown", "down")),
        ),
    ),
    (12, "acknowledge", _number),
    (4, "approve", _number),
    (2, "reject", _number),
    (3, "release", _number),
    (1, "extend", _number),
    (7, "edit", _edit),
    (2, "fight", lambda dice: (*_edit(dice), dice.choice((3, 8)))),
    (2, "delete object", _object),
    (4, "create object", _object),
    (2, "delete incident", _number),
    (1, "force-delete incident", _number),
    (1, "release ghosts", lambda _: ()),
    (1, "lose ledger", _object),
    (1, "lose managers", _object),
    (3, "switch", lambda dice: (dice.choice(("armed",) * 4 + ("leave", "give-back")),)),
    (5, "crash", lambda _: ()),
    (5, "start", lambda _: ()),
    (2, "playbook", lambda dice: (dice.choice(tuple(PLAYBOOKS)), dice.choice("acr"))),
    (2, "clock", lambda dice: (dice.choice((-30.0, -2.0, 2.0, 90.0)),)),
    (4, "faults", lambda dice: (dice.choice(FAULTS), dice.choice((1.0, 5.0, 30.0)))),
    (2, "cut", lambda _: ()),
    (1, "alertmanager", lambda dice: (dice.choice(("down", "up", "up", "restarts")),)),
    (6, "nothing", lambda _: ()),
)
_WAITS: Final = (0.0, 0.0, 0.002, 0.05, 0.4, 2.0, 15.0, 45.0, 70.0, 70.0, 150.0, 300.0)


def drawn(seed: int, *, length: int) -> list[Event]:
    """Draw a history."""
    dice = random.Random(seed)
    kinds = [(what, draw) for _, what, draw in _DRAWS]
    weights = [weight for weight, _, _ in _DRAWS]
    events = []
    for what, draw in dice.choices(kinds, weights, k=length):
        events.append(Event(what, draw(dice), dice.choice(_WAITS)))
    return events

"""What may happen, and how a history is drawn from a seed: a list that can be cut and played again.

An event's numbers mean something only when it happens: the n-th of what is there then.
"""

import random
from typing import Final, NamedTuple


class Event(NamedTuple):
    """Something that happens, and how long nothing else does afterwards."""

    kind: str
    n: int
    m: int
    pause: float


WEIGHTS: Final = {
    "fire": 22,
    "resolve": 14,
    "fire_lost": 3,
    "resolve_lost": 5,
    "repeat": 4,
    "stale": 3,
    "trigger": 3,
    "edit": 14,
    "race": 6,
    "twins": 4,
    "apply": 5,
    "rival": 2,
    "autoscale": 3,
    "relabel": 2,
    "delete_target": 3,
    "put_target": 4,
    "delete_incident": 3,
    "force_delete_incident": 2,
    "acknowledge": 8,
    "approve": 6,
    "reject": 3,
    "release": 4,
    "extend": 2,
    "switch": 5,
    "arm": 4,
    "kill": 6,
    "kill_in": 7,
    "stay_down": 2,
    "playbooks": 5,
    "server_clock": 2,
    "responder_clock": 2,
    "clocks_right": 3,
    "faults": 9,
    "outage": 3,
    "break_watches": 5,
    "forget": 2,
    "lag": 3,
    "answers": 10,
    "evidence_down": 2,
    "evidence_up": 4,
    "go_on": 16,
    "relapse": 8,
    "doubt": 8,
    "release_ghosts": 1,
    "settle": 6,
    "cross": 6,
}
PAUSES: Final = (0.0, 0.0, 0.003, 0.02, 0.3, 1.0, 5.0, 20.0, 70.0, 130.0, 190.0)


def drawn(seed: int, *, steps: int) -> list[Event]:
    """Draw a history."""
    chance = random.Random(seed)
    kinds, weights = list(WEIGHTS), list(WEIGHTS.values())
    return [
        Event(kind, chance.randrange(1000), chance.randrange(1000), chance.choice(PAUSES))
        for kind in chance.choices(kinds, weights, k=steps)
    ]

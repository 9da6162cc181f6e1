"""What the door needs of the rooms behind it, under typed application keys."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from aiohttp import web

from responder.metrics import Metrics
from responder.playbooks.schema import Playbook
from responder.reconcile.intake import Intake
from responder.reconcile.repetitions import Repetitions
from responder.reconcile.view import View


@dataclass(frozen=True, slots=True)
class Service:
    """The running responder as the door sees it."""

    intake: Intake
    repetitions: Repetitions
    view: View
    playbooks: Callable[[], Sequence[Playbook]]
    not_ready: Callable[[], Sequence[str]]
    """Why no notification can be taken now; empty when ready."""
    metrics: Metrics
    pools: tuple[str, ...]
    most_requests: int
    request_seconds: float
    monotonic: Callable[[], float] = time.monotonic
    """By which it is told when a request came in, in seconds."""
    on_cut_short: Callable[[str], None] = lambda _receiver: None
    """Gets the receiver of a notification that left alerts out, once the others are stored."""


SERVICE = web.AppKey("service", Service)

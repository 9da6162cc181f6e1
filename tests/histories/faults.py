"""An API server that is busy, away, late, or cut off in the middle of an answer."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Literal

from aiohttp import web
from aiohttp.web_request import BaseRequest

from responder.sandbox.api.server import Handler

Fault = Literal["busy", "away", "late", "cut"]
FAULTS: Final[tuple[Fault, ...]] = ("busy", "away", "late", "cut")
_LATE_SECONDS: Final = 60.0
_OFTEN: Final = 0.7


@dataclass(slots=True)
class Faults:
    """What is wrong with the answers, until then."""

    dice: random.Random
    monotonic: Callable[[], float]
    fault: Fault = "busy"
    until: float = 0.0
    _under_way: set["asyncio.Task[object]"] = field(default_factory=set)

    def begin(self, fault: Fault, *, seconds: float) -> None:
        self.fault, self.until = fault, self.monotonic() + seconds

    def end(self) -> None:
        self.until = 0.0

    def cut_all(self) -> None:
        """Cut every request under way, watches among them."""
        for task in self._under_way:
            task.cancel()

    def around(self, answer: Handler) -> Handler:
        async def answered(request: BaseRequest) -> web.StreamResponse:
            task = asyncio.current_task()
            assert task is not None
            self._under_way.add(task)
            try:
                if self.monotonic() >= self.until or self.dice.random() > _OFTEN:
                    return await answer(request)
                return await self._faulty(request, answer)
            finally:
                self._under_way.discard(task)

        return answered

    async def _faulty(self, request: BaseRequest, answer: Handler) -> web.StreamResponse:
        match self.fault:
            case "busy":
                return web.Response(status=429, text="too many", headers={"Retry-After": "1"})
            case "away":
                return web.Response(status=503, text="not now")
            case "late":
                response = await answer(request)
                if response.prepared:
                    return response
                await asyncio.sleep(_LATE_SECONDS)
                return web.Response(status=504, text="too late: it may be stored")
            case "cut":
                await answer(request)
                raise ConnectionResetError

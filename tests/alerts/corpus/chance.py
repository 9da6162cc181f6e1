"""Chance that falls the same way everywhere."""

import random
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Chance:
    """Only `Random.random()` is promised to stay the same from one Python to the next."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def below(self, limit: int) -> int:
        return int(self._random.random() * limit)

    def choice(self, options: Sequence[T]) -> T:
        return options[self.below(len(options))]

    def happens(self, probability: float) -> bool:
        return self._random.random() < probability

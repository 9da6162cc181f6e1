"""The inputs of the corpus: the same ones at every call, on every version of Python.

Four kinds: what people have tripped over, every odd character and escape at every place, sentences
of the two grammars with regular expressions built from every construct, and broken copies of those.
"""

import itertools
from collections.abc import Iterator

from tests.alerts.corpus import label_sets, regexps, texts
from tests.alerts.corpus.chance import Chance

_SENTENCES = 1500
_BROKEN = 2500
_REGEXPS = 2000
_LISTS = 400


def lines() -> Iterator[dict[str, object]]:
    """What the Go program reads, a JSON object each; the label sets come first."""
    yield {"label_sets": list(label_sets.LABEL_SETS)}
    written = unique_texts()
    for text in written:
        yield {"text": text}
    chance = Chance(seed=4)
    for _ in range(_LISTS):
        yield {"lines": [chance.choice(written) for _ in range(chance.below(4))]}


def unique_texts() -> list[str]:
    return list(dict.fromkeys(_texts()))


def _texts() -> Iterator[str]:
    yield from texts.REMARKABLE
    yield from texts.odd_characters_everywhere()
    yield from texts.every_escape()
    yield from regexps.every_unicode_class()
    chance = Chance(seed=1)
    sentences = [texts.sentence(chance) for _ in range(_SENTENCES)]
    yield from sentences
    chance = Chance(seed=2)
    yield from (texts.broken(chance.choice(sentences), chance) for _ in range(_BROKEN))
    chance = Chance(seed=3)
    yield from itertools.islice(regexps.matchers_with_regexps(chance), _REGEXPS)

"""Keeping once in memory what ten thousand open incidents say alike.

Each is decoded from JSON of its own, and most of what it says is what others say too: phases,
reasons, names of labels; or what it says itself again: its times, its targets.
"""

from typing import Any, Final

_MOST: Final = 8192
_LONGEST: Final = 256
"""What is longer is seldom said twice, and would be kept for nothing."""


class _Strings(dict[str, str]):
    """The last ones that were read, each as it was read first."""

    def __missing__(self, text: str) -> str:
        if len(text) > _LONGEST:
            return text
        if len(self) >= _MOST:
            self.clear()  # what many say is here again soon
        self[text] = text
        return text


_STRINGS: Final = _Strings()


def shared(told: Any) -> Any:  # noqa: ANN401 -- JSON
    """Give the same JSON, of strings that were read before wherever they are equal.

    What is nested too deep for that is given as it is.
    """
    try:
        return _shared(told)
    except RecursionError:
        return told


def _shared(told: Any) -> Any:  # noqa: ANN401 -- JSON
    kind = type(told)
    if kind is str:
        return _STRINGS[told]
    if kind is dict:
        return {
            _STRINGS[key]: _STRINGS[value] if type(value) is str else _shared(value)
            for key, value in told.items()
        }
    if kind is list:
        return [_shared(each) for each in told]
    return told

"""What strangers wrote, made harmless for people's eyes and for the chats they read it in. Pure.

A label may hold line ends that fake a second message, characters that reorder or hide text, a
mention that wakes a whole company, markup, a link, or ten thousand letters.
"""

import unicodedata
from typing import Final

LONGEST_VALUE: Final = 200

_MOST_MARKS: Final = 2
_TWINS: Final = str.maketrans({"@": "\uff20", "<": "\u2039", ">": "\u203a", "`": "'"})
"""Look-alikes of what begins a mention, a tag, or the end of a code span in some chat."""


class Sound(str):
    """Text of our own making, which may stand in a message as it is."""

    __slots__ = ()


def neutral(text: str, *, most: int = LONGEST_VALUE) -> str:
    """Give one line of at most so many characters that is nothing but text."""
    kept: list[str] = []
    marks = 0
    for char in text[: 4 * most]:
        kind = unicodedata.category(char)
        if kind in {"Mn", "Me"}:
            marks += 1
            if marks > _MOST_MARKS:
                continue
        else:
            marks = 0
        if char.isspace() or kind in {"Zl", "Zp"}:
            kept.append(" ")
        elif not char.isprintable():
            kept.append(char.encode("unicode_escape", errors="backslashreplace").decode())
        else:
            kept.append(char)
    line = " ".join("".join(kept).split()).translate(_TWINS)
    line = line.replace("://", "[:]//").replace("](", "] (").replace("||", "| |")
    return clipped(line, most=most if len(text) <= 4 * most else min(most, len(line) - 1))


def clipped(text: str, *, most: int) -> str:
    """Give a text, or its beginning and a sign that there was more."""
    return text if len(text) <= most else text[: max(0, most - 1)].rstrip() + "\u2026"


def lines_within(text: str, *, most: int) -> str:
    """Give as many whole lines as fit, and a sign where there were more."""
    if len(text) <= most:
        return text
    kept: list[str] = []
    left = most - 2
    for line in text.split("\n"):
        if len(line) + 1 > left:
            break
        kept.append(line)
        left -= len(line) + 1
    return "\n".join([*kept, "\u2026"]) if kept else clipped(text, most=most)

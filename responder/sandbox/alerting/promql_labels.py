"""label_replace: a label made of another one, by a regular expression as in Go."""

import re
from collections.abc import Callable
from typing import Final

import re2

from responder.sandbox.alerting.promql_tokens import wrong
from responder.sandbox.alerting.samples import Labels, labels_of

_PLACE: Final = re.compile(r"\$(?:(?P<dollar>\$)|(?P<plain>\w+)|\{(?P<braced>\w+)\})", re.ASCII)


def replacing(target: str, template: str, source: str, pattern: str) -> Callable[[Labels], Labels]:
    """Give what sets `target` where all of `source` matches; raises BadInput for a bad pattern.

    In the template `$1`, `${1}` and `$name` stand for groups, `$$` for a dollar; an empty result
    takes the label away.
    """
    try:
        compiled = re2.compile(f"(?s:{pattern})")
    except re2.error as error:
        raise wrong(f"{pattern!r} is no regular expression: {error}") from error
    if not target:
        raise wrong("label_replace needs the name of a label to set")

    def replaced(labels: Labels) -> Labels:
        found = dict(labels)
        match = compiled.fullmatch(found.get(source, ""))
        if match is None:
            return labels

        def filled(place: re.Match[str]) -> str:
            if place["dollar"]:
                return "$"
            name = place["plain"] or place["braced"]
            try:
                return match.group(int(name) if name.isdigit() else name) or ""
            except (IndexError, KeyError):
                return ""

        found[target] = _PLACE.sub(filled, template)
        return labels_of(found)

    return replaced

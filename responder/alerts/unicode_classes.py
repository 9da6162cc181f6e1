r"""Go's Unicode classes (`\pL`, `\p{Greek}`, `\p{Cased_Letter}`), said in RE2's words.

Since Go 1.25 their names are compared without case, spaces, hyphens and underscores, after which
a script whose own name has an underscore can no longer be named at all: RE2 refuses it as well.
"""

import functools
import itertools
from array import array
from typing import Final, NamedTuple

import re2

_LONG_NAMES: Final = {
    "Casedletter": "Lc",
    "Closepunctuation": "Pe",
    "Cntrl": "Cc",
    "Combiningmark": "M",
    "Connectorpunctuation": "Pc",
    "Control": "Cc",
    "Currencysymbol": "Sc",
    "Dashpunctuation": "Pd",
    "Decimalnumber": "Nd",
    "Digit": "Nd",
    "Enclosingmark": "Me",
    "Finalpunctuation": "Pf",
    "Format": "Cf",
    "Initialpunctuation": "Pi",
    "Letter": "L",
    "Letternumber": "Nl",
    "Lineseparator": "Zl",
    "Lowercaseletter": "Ll",
    "Mark": "M",
    "Mathsymbol": "Sm",
    "Modifierletter": "Lm",
    "Modifiersymbol": "Sk",
    "Nonspacingmark": "Mn",
    "Number": "N",
    "Openpunctuation": "Ps",
    "Other": "C",
    "Otherletter": "Lo",
    "Othernumber": "No",
    "Otherpunctuation": "Po",
    "Othersymbol": "So",
    "Paragraphseparator": "Zp",
    "Privateuse": "Co",
    "Punct": "P",
    "Punctuation": "P",
    "Separator": "Z",
    "Spaceseparator": "Zs",
    "Spacingmark": "Mc",
    "Surrogate": "Cs",
    "Symbol": "S",
    "Titlecaseletter": "Lt",
    "Unassigned": "Cn",
    "Uppercaseletter": "Lu",
}
"""`unicode.CategoryAliases`, by their names as compared."""

_NEITHER_CONTROL_NOR_UNASSIGNED = r"\p{L}\p{M}\p{N}\p{P}\p{S}\p{Z}"
_ASSIGNED = rf"{_NEITHER_CONTROL_NOR_UNASSIGNED}\p{{Cc}}\p{{Cf}}\p{{Co}}\p{{Cs}}"


class _Class(NamedTuple):
    """The characters that these members of a bracket expression match, or all others."""

    members: str
    negated: bool = False


_COMPOSED: Final = {
    "Ascii": _Class(r"\x00-\x7F"),
    "Assigned": _Class(_ASSIGNED),
    "C": _Class(_NEITHER_CONTROL_NOR_UNASSIGNED, negated=True),
    "Cn": _Class(_ASSIGNED, negated=True),
    "Lc": _Class(r"\p{Lu}\p{Ll}\p{Lt}"),
}
"""What RE2 has no name for, or means something else by it: its `C` is without `Cn`."""


def as_bracket(name: str, *, negated: bool) -> str:
    """The class as a bracket expression; for an unknown name, one that RE2 refuses."""
    found = _find(name, negated=negated)
    return f"[{'^' if found.negated else ''}{found.members}]"


def as_members(name: str, *, negated: bool, ignoring_case: bool) -> str:
    """The class as members of a larger bracket expression.

    RE2 can only negate a class there that it has a name for: others become ranges.
    """
    found = _find(name, negated=negated)
    return _others(found.members, ignoring_case=ignoring_case) if found.negated else found.members


def _find(name: str, *, negated: bool) -> _Class:
    if name.startswith("^"):
        return _find_listed(name[1:], negated=not negated)
    return _find_listed(name, negated=negated)


def _find_listed(name: str, *, negated: bool) -> _Class:
    # Beyond ASCII no name exists, but str.capitalize() would turn a Kelvin sign into a k.
    if name.isascii():
        name = name.translate({ord(ignored): None for ignored in " -_"}).capitalize()
        name = _LONG_NAMES.get(name, name)
    if composed := _COMPOSED.get(name):
        return composed._replace(negated=composed.negated != negated)
    return _Class(rf"\{'P' if negated else 'p'}{{{name}}}")


@functools.lru_cache(maxsize=16)
def _others(members: str, *, ignoring_case: bool) -> str:
    """The ranges of all characters that the members don't match, asked of RE2 itself."""
    code_points = array("I", itertools.chain(range(0xD800), range(0xE000, 0x110000)))
    everything = code_points.tobytes().decode("utf-32").encode()
    pattern = f"{'(?i)' if ignoring_case else ''}[^{members}]+"
    ranges = []
    for match in re2.compile(pattern.encode()).finditer(everything):
        characters = match.group().decode()
        ranges.append(rf"\x{{{ord(characters[0]):X}}}-\x{{{ord(characters[-1]):X}}}")
    return "".join(ranges)

r"""Go's double-quoted strings, read as `strconv.Unquote` reads them.

Python's own escapes differ: Go has no `\'` and no `\N{...}`, and its `\x` and octal escapes are
bytes.
"""

import re
from typing import Final

_SIMPLE: Final = {
    "a": b"\a",
    "b": b"\b",
    "f": b"\f",
    "n": b"\n",
    "r": b"\r",
    "t": b"\t",
    "v": b"\v",
    "\\": b"\\",
    '"': b'"',
}
_PIECE = re.compile(
    r"""(?P<plain> [^\\"\n]+ )
      | \\ (?P<simple> [abfnrtv\\"] )
      | \\ (?P<octal> [0-7]{3} )
      | \\ (?: x (?P<byte> [0-9a-fA-F]{2} ) | u (?P<short> [0-9a-fA-F]{4} )
             | U (?P<long> [0-9a-fA-F]{8} ) )
    """,
    re.VERBOSE,
)


def unquote(quoted: str) -> str:
    r"""The text between the double quotes, its escapes resolved.

    `\x` and octal escapes are bytes and need to add up to UTF-8.

    Raises:
        ValueError: what is wrong with it, in words for people.

    """
    inner = quoted[1:-1]
    if "\\" not in inner and "\n" not in inner:
        return inner
    pieces = []
    position = 0
    while position < len(inner):
        match = _PIECE.match(inner, position)
        if match is None:
            raise ValueError(_why_no_piece(inner[position:]))
        pieces.append(_bytes(match))
        position = match.end()
    try:
        return b"".join(pieces).decode()
    except UnicodeDecodeError:
        raise ValueError("its escapes don't add up to valid UTF-8") from None


def _bytes(match: re.Match[str]) -> bytes:
    text = match[match.lastgroup or 0]
    match match.lastgroup:
        case "simple":
            return _SIMPLE[text]
        case "octal" | "byte":
            try:
                return bytes([int(text, 8 if match.lastgroup == "octal" else 16)])
            except ValueError:
                raise ValueError(f"\\{text} is more than one byte") from None
        case "short" | "long":
            try:
                return chr(int(text, 16)).encode()
            except (ValueError, OverflowError):
                raise ValueError(f"{match[0]} is no character") from None
        case _:
            return text.encode()


def _why_no_piece(rest: str) -> str:
    if rest.startswith("\n"):
        return r"a line break must be written as \n"
    return rf"{rest[:2]} is no escape; a literal backslash is written \\"

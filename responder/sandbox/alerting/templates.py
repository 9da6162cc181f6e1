"""The templates of labels and annotations, as far as alert rules use Go's text/template.

Fields of `$labels`, `$value`, the dot, texts and numbers; pipes; `if`, `with`, `else`, `end`;
`or`, `and`, `printf` with one verb each, and Prometheus' `humanize...`. Anything else is refused.
"""

import math
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from responder.sandbox.alerting.promql_tokens import wrong

Value = str | float
_ACTION: Final = re.compile(r"\{\{(-?)\s*(.*?)\s*(-?)\}\}", re.DOTALL)
_TERM: Final = re.compile(
    r"""\s*(\$labels\.\w+|\$value|\.Labels\.\w+|\.Value|\.|"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?|\w+|\|)"""
)
_VERB: Final = re.compile(r"%%|%[-+ 0#]*\d*(?:\.\d+)?[sqvdfgeG]")
_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400
_THOUSAND: Final = 1000.0


def _number(value: Value) -> float:
    try:
        return float(value)
    except ValueError:
        raise wrong(f"{value!r} is no number") from None


def _text(value: Value) -> str:
    if isinstance(value, str):
        return value
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    told = repr(value)
    return told.removesuffix(".0")


def _percentage(value: Value) -> str:
    return f"{_number(value) * 100:.4g}%"


def _duration(value: Value) -> str:
    seconds = _number(value)
    if not math.isfinite(seconds):
        return _text(seconds)
    sign = "-" if seconds < 0 else ""
    seconds = abs(seconds)
    if not seconds:
        return "0s"
    if seconds < 1:
        return sign + _small(seconds) + "s"
    if seconds < _MINUTE:
        return f"{sign}{seconds:.4g}s"
    whole = int(seconds)
    parts = [
        (whole // _DAY, "d"),
        (whole // _HOUR % 24, "h"),
        (whole // _MINUTE % 60, "m"),
        (whole % 60, "s"),
    ]
    while not parts[0][0]:
        del parts[0]
    return sign + " ".join(f"{number}{unit}" for number, unit in parts)


def _small(value: float) -> str:
    for prefix in ("m", "u", "n", "p", "f", "a", "z"):
        value *= _THOUSAND
        if value >= 1:
            return f"{value:.4g}{prefix}"
    return f"{value * _THOUSAND:.4g}y"


def _humanize(value: Value) -> str:
    number = _number(value)
    if not number or not math.isfinite(number):
        return _text(number) if not math.isfinite(number) else "0"
    if abs(number) < 1:
        return ("-" if number < 0 else "") + _small(abs(number))
    prefix = ""
    for larger in ("k", "M", "G", "T", "P", "E", "Z", "Y"):
        if abs(number) < _THOUSAND:
            break
        number, prefix = number / _THOUSAND, larger
    return f"{number:.4g}{prefix}"


def _printf(pattern: Value, *values: Value) -> str:
    left = list(values)

    def shown(match: re.Match[str]) -> str:
        verb = match.group()
        if verb == "%%":
            return "%"
        if not left:
            raise wrong(f"printf has no value for {verb}")
        value = left.pop(0)
        if verb[-1] in "sv":
            return (verb[:-1] + "s") % _text(value)
        if verb[-1] == "q":
            return f'"{_text(value)}"'
        return verb % _number(value)

    return _VERB.sub(shown, str(pattern))


def _first_true(*values: Value) -> Value:
    return next((value for value in values if value), values[-1])


def _first_false(*values: Value) -> Value:
    return next((value for value in values if not value), values[-1])


_FUNCTIONS: Final[Mapping[str, Callable[..., Value]]] = MappingProxyType(
    {
        "humanize": _humanize,
        "humanizeDuration": _duration,
        "humanizePercentage": _percentage,
        "printf": _printf,
        "or": _first_true,
        "and": _first_false,
        "toUpper": lambda value: _text(value).upper(),
        "toLower": lambda value: _text(value).lower(),
    }
)


def render(template: str, *, labels: Mapping[str, str], value: float) -> str:
    """Render a template for one alert; raises BadInput where it uses what isn't supported."""
    if "{{" not in template:
        return template
    return _Rendering(template, labels, value).whole()


class _Rendering:
    """One template, read from left to right; what isn't chosen is read and left out."""

    def __init__(self, template: str, labels: Mapping[str, str], value: float) -> None:
        self._labels = labels
        self._value = value
        self._parts: list[tuple[bool, str]] = []
        at, trim = 0, False
        for match in _ACTION.finditer(template):
            text = template[at : match.start()]
            text = text.lstrip() if trim else text
            self._parts += [(False, text.rstrip() if match[1] else text), (True, match[2])]
            at, trim = match.end(), bool(match[3])
        self._parts.append((False, template[at:].lstrip() if trim else template[at:]))
        self._next = 0

    def whole(self) -> str:
        text, ended_by = self._block("", shown=True)
        if ended_by:
            raise wrong(f"{ended_by!r} closes nothing")
        return text

    def _block(self, dot: Value, *, shown: bool) -> tuple[str, str]:
        """Render up to the action that ends this block, and give that one too."""
        out: list[str] = []
        while self._next < len(self._parts):
            is_action, text = self._parts[self._next]
            self._next += 1
            if not is_action:
                out.append(text)
                continue
            keyword, _, rest = text.partition(" ")
            if keyword in {"end", "else"}:
                return "".join(out) if shown else "", text
            if keyword in {"if", "with"}:
                out.append(self._choice(keyword, rest, dot, shown=shown))
            elif shown:
                out.append(_text(self._pipeline(text, dot)))
        return "".join(out) if shown else "", ""

    def _choice(self, keyword: str, condition: str, dot: Value, *, shown: bool) -> str:
        told = self._pipeline(condition, dot) if shown else ""
        inner = told if keyword == "with" else dot
        text, ended_by = self._block(inner, shown=shown and bool(told))
        if ended_by == "else":
            other, ended_by = self._block(dot, shown=shown and not told)
            text += other
        if ended_by != "end":
            raise wrong(f"{keyword!r} needs an 'end', and 'else if' is not supported")
        return text

    def _pipeline(self, text: str, dot: Value) -> Value:
        result: Value | None = None
        for command in _commands(text):
            first, *others = command
            arguments = [self._term(term, dot) for term in others]
            piped = [] if result is None else [result]
            if first in _FUNCTIONS:
                try:
                    result = _FUNCTIONS[first](*arguments, *piped)
                except (TypeError, IndexError) as error:
                    raise wrong(f"{text!r}: {first} has too few or too many values") from error
            elif arguments or piped:
                raise wrong(f"{text!r}: the function {first!r} is not supported")
            else:
                result = self._term(first, dot)
        return "" if result is None else result

    def _term(self, term: str, dot: Value) -> Value:
        if term in {"$value", ".Value"}:
            return self._value
        if term == ".":
            return dot
        if term.startswith(("$labels.", ".Labels.")):
            return self._labels.get(term.rpartition(".")[2], "")
        if term.startswith('"'):
            return term[1:-1].replace('\\"', '"').replace("\\\\", "\\")
        try:
            return float(term)
        except ValueError:
            raise wrong(f"{term!r} is not supported in a template") from None


def _commands(text: str) -> list[list[str]]:
    commands: list[list[str]] = [[]]
    at = 0
    while at < len(text):
        match = _TERM.match(text, at)
        if match is None:
            raise wrong(f"{text!r} is not supported in a template")
        if match[1] == "|":
            commands.append([])
        else:
            commands[-1].append(match[1])
        at = match.end()
    if not all(commands):
        raise wrong(f"{text!r} is no template")
    return commands

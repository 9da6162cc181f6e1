"""PromQL as far as alert rules use it, parsed into a tree.

What isn't supported is refused by name: a rule that is half understood would be an alert that
never comes.
"""

import ast
from collections.abc import Callable
from typing import Final

import re2

from responder.sandbox.alerting.promql_tokens import Token, duration_ms, tokens_of, wrong
from responder.sandbox.alerting.promql_tree import (
    AGGREGATIONS,
    COMPARISONS,
    RANGE,
    SCALAR,
    SETS,
    SIGNATURES,
    STRING,
    VECTOR,
    Aggregation,
    Call,
    Expression,
    Matcher,
    Matching,
    Negation,
    Number,
    Operation,
    Selector,
    Text,
    type_of,
)
from responder.sandbox.alerting.samples import NAME

_PRECEDENCE: Final = (
    frozenset({"or"}),
    frozenset({"and", "unless"}),
    COMPARISONS,
    frozenset({"+", "-"}),
    frozenset({"*", "/", "%"}),
)
_OPERATORS: Final = frozenset({"or", "and", "unless", "+", "-", "*", "/", "%", "^", *COMPARISONS})
_MATCHES: Final = frozenset({"=", "!=", "=~", "!~"})


def parse(text: str) -> Expression:
    """Parse an expression; raises BadInput that names what is wrong or not supported."""
    parser = _Parser(tokens_of(text))
    expression = parser.expression()
    parser.expect_end()
    if type_of(expression) == STRING:
        raise wrong("a string alone is no value")
    return expression


class _Parser:
    """Recursive descent, one method for each kind of thing."""

    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._next = 0

    @property
    def _token(self) -> Token:
        return self._tokens[self._next]

    def _take(self) -> Token:
        token = self._token
        self._next += token.kind != "end"
        return token

    def _taken(self, text: str) -> bool:
        if self._token.text != text or self._token.kind == "text":
            return False
        self._take()
        return True

    def _expect(self, text: str) -> None:
        if not self._taken(text):
            raise self._unexpected(f"expected {text!r}")

    def _unexpected(self, expected: str) -> Exception:
        told = repr(self._token.text) if self._token.text else "the end"
        return wrong(f"{told} at character {self._token.at + 1}: {expected}")

    def expect_end(self) -> None:
        if self._token.kind != "end":
            raise self._unexpected("expected an operator or the end")

    def expression(self, level: int = 0) -> Expression:
        if level == len(_PRECEDENCE):
            return self._signed()
        left = self.expression(level + 1)
        while (word := self._operator()) in _PRECEDENCE[level]:
            left = self._operation(word, left, lambda: self.expression(level + 1))
        return left

    def _operator(self) -> str:
        token = self._token
        text = token.text.lower() if token.kind in {"word", "sign"} else ""
        if text == "atan2":
            raise wrong("the operator 'atan2' is not supported")
        return text if text in _OPERATORS else ""

    def _operation(
        self, operator: str, left: Expression, right_side: Callable[[], Expression]
    ) -> Operation:
        self._take()
        returns_bool = self._taken("bool")
        matching, stated = Matching(), False
        if self._token.text in {"on", "ignoring"}:
            stated = True
            matching = Matching(on=self._take().text == "on", labels=self._names())
        if self._token.text in {"group_left", "group_right"}:
            raise wrong(f"{self._token.text!r} is not supported", fix="match one to one")
        operation = Operation(operator, left, right_side(), matching, returns_bool)
        self._check(operation, stated=stated)
        return operation

    def _check(self, operation: Operation, *, stated: bool) -> None:
        kinds = [type_of(operation.left), type_of(operation.right)]
        told = f"the operator {operation.operator!r}"
        if RANGE in kinds:
            raise wrong(f"{told} takes no range vector", fix="wrap it in increase() or rate()")
        if operation.returns_bool and operation.operator not in COMPARISONS:
            raise wrong(f"{told} takes no 'bool'")
        if STRING in kinds:
            raise wrong(f"{told} takes no string")
        if SCALAR in kinds:
            if operation.operator in SETS:
                raise wrong(f"{told} takes no scalar")
            if stated:
                raise wrong(f"{told} matches labels between vectors only")
            compares = VECTOR not in kinds and operation.operator in COMPARISONS
            if compares and not operation.returns_bool:
                raise wrong(f"{told} between scalars needs 'bool'")

    def _signed(self) -> Expression:
        if self._token.kind == "sign" and self._token.text in {"-", "+"}:
            negative = self._take().text == "-"
            of = self._signed()
            if type_of(of) in {RANGE, STRING}:
                raise wrong(f"a sign before a {type_of(of)} means nothing")
            return Negation(of) if negative else of
        return self._power()

    def _power(self) -> Expression:
        base = self._postfix()
        if self._operator() == "^":  # right-associative, and tighter than a sign before it
            return self._operation("^", base, self._signed)
        return base

    def _postfix(self) -> Expression:
        found = self._primary()
        window, offset = None, 0
        if self._taken("["):
            window = self._duration()
            if self._token.text.startswith(":"):
                raise wrong("a subquery is not supported", fix="record the inner expression")
            self._expect("]")
        if self._taken("offset"):
            negative = self._taken("-")
            offset = -self._duration() if negative else self._duration()
        if self._token.text == "@":
            raise wrong("the modifier '@' is not supported")
        if window is None and not offset:
            return found
        if not isinstance(found, Selector):
            raise wrong("only a selector has a window or an offset", fix="record the expression")
        return Selector(found.metric, found.matchers, window, offset)

    def _duration(self) -> int:
        token = self._take()
        if token.kind != "duration":
            raise wrong(f"{token.text!r} at character {token.at + 1} is no duration")
        return duration_ms(token.text)

    def _primary(self) -> Expression:  # noqa: PLR0911 -- one a node
        token = self._token
        if token.kind == "number":
            return Number(float(self._take().text))
        if token.text == "(" and token.kind == "sign":
            self._take()
            inside = self.expression()
            self._expect(")")
            return inside
        if token.text == "{" and token.kind == "sign":
            return self._selector(None)
        if token.kind == "text":
            return Text(_unquoted(self._take()))
        if token.kind != "word":
            raise self._unexpected("expected a metric, a function or a number")
        name = self._take().text
        if name in AGGREGATIONS and self._token.text in {"(", "by", "without"}:
            return self._aggregation(name)
        if self._token.text == "(":
            return self._call(name)
        return self._selector(name)

    def _aggregation(self, function: str) -> Aggregation:
        mode, labels = self._grouping()
        self._expect("(")
        of = self.expression()
        self._expect(")")
        if not mode:
            mode, labels = self._grouping()
        if type_of(of) != VECTOR:
            raise wrong(f"{function} takes an instant vector, not a {type_of(of)}")
        return Aggregation(function, labels, "without" if mode == "without" else "by", of)

    def _grouping(self) -> tuple[str, tuple[str, ...]]:
        if self._token.text not in {"by", "without"}:
            return "", ()
        return self._take().text, self._names()

    def _names(self) -> tuple[str, ...]:
        self._expect("(")
        names = []
        while not self._taken(")"):
            if self._token.kind != "word":
                raise self._unexpected("expected the name of a label")
            names.append(self._take().text)
            if not self._taken(",") and self._token.text != ")":
                raise self._unexpected("expected ',' or ')'")
        return tuple(names)

    def _call(self, name: str) -> Call:
        if name not in SIGNATURES:
            known = ", ".join(sorted({*SIGNATURES, *AGGREGATIONS}))
            raise wrong(f"the function {name!r} is not supported", fix=f"there are {known}")
        kinds, required, _ = SIGNATURES[name]
        self._expect("(")
        arguments: list[Expression] = []
        while not self._taken(")"):
            arguments.append(self.expression())
            if not self._taken(",") and self._token.text != ")":
                raise self._unexpected("expected ',' or ')'")
        if not required <= len(arguments) <= len(kinds):
            raise wrong(f"{name} takes {len(kinds)} arguments, not {len(arguments)}")
        for kind, argument in zip(kinds, arguments, strict=False):
            if type_of(argument) != kind:
                raise wrong(f"{name} takes a {kind}, not a {type_of(argument)}")
        return Call(name, tuple(arguments))

    def _selector(self, metric: str | None) -> Selector:
        matchers: list[Matcher] = []
        if self._taken("{"):
            while not self._taken("}"):
                matchers.append(self._matcher())
                if not self._taken(",") and self._token.text != "}":
                    raise self._unexpected("expected ',' or '}'")
        for matcher in matchers:
            if matcher.name == NAME and matcher.operator == "=" and metric is None:
                metric = matcher.value
        if metric is None and all(matcher.matches("") for matcher in matchers):
            raise wrong("a selector must rule out the empty label at least once")
        return Selector(metric, tuple(matchers))

    def _matcher(self) -> Matcher:
        name = self._take()
        operator = self._take()
        value = self._take()
        if name.kind != "word" or operator.text not in _MATCHES or value.kind != "text":
            raise wrong(f"{name.text}{operator.text}{value.text} is no matcher")
        text = _unquoted(value)
        return Matcher(name.text, operator.text, text, _test(operator.text, text))


def _unquoted(token: Token) -> str:
    return token.text[1:-1] if token.text[0] == "`" else str(ast.literal_eval(token.text))


def _test(operator: str, value: str) -> Callable[[str], bool]:
    if operator == "=":
        return value.__eq__
    if operator == "!=":
        return value.__ne__
    try:
        pattern = re2.compile(f"(?s:{value})")
    except re2.error as error:
        raise wrong(f"{value!r} is no regular expression: {error}") from error
    if operator == "=~":
        return lambda given: pattern.fullmatch(given) is not None
    return lambda given: pattern.fullmatch(given) is None

"""An expression of PromQL as a tree, and what its parts evaluate to."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

AGGREGATIONS: Final = frozenset({"sum", "max", "min", "count"})
VECTOR: Final = "instant vector"
RANGE: Final = "range vector"
SCALAR: Final = "scalar"
STRING: Final = "string"
SIGNATURES: Final[dict[str, tuple[tuple[str, ...], int, str]]] = {
    # Name: the types of its arguments, how many of them are required, and what it gives.
    "increase": ((RANGE,), 1, VECTOR),
    "rate": ((RANGE,), 1, VECTOR),
    "count_over_time": ((RANGE,), 1, VECTOR),
    "last_over_time": ((RANGE,), 1, VECTOR),
    "absent": ((VECTOR,), 1, VECTOR),
    "sqrt": ((VECTOR,), 1, VECTOR),
    "abs": ((VECTOR,), 1, VECTOR),
    "round": ((VECTOR, SCALAR), 1, VECTOR),
    "clamp_max": ((VECTOR, SCALAR), 2, VECTOR),
    "clamp_min": ((VECTOR, SCALAR), 2, VECTOR),
    "label_replace": ((VECTOR, STRING, STRING, STRING, STRING), 5, VECTOR),
    "vector": ((SCALAR,), 1, VECTOR),
    "time": ((), 0, SCALAR),
}
SETS: Final = frozenset({"and", "or", "unless"})
COMPARISONS: Final = frozenset({"==", "!=", "<", "<=", ">", ">="})


@dataclass(frozen=True, slots=True)
class Number:
    """A literal."""

    value: float


@dataclass(frozen=True, slots=True)
class Text:
    """A literal string, which is an argument and nothing else."""

    value: str


@dataclass(frozen=True, slots=True)
class Matcher:
    """What a label has to be; a missing label is an empty one."""

    name: str
    operator: str
    value: str
    matches: Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Selector:
    """Series by name and labels; over a range where it has a window."""

    metric: str | None
    matchers: tuple[Matcher, ...]
    window_ms: int | None = None
    offset_ms: int = 0


@dataclass(frozen=True, slots=True)
class Call:
    """A function and its arguments."""

    function: str
    arguments: tuple["Expression", ...]


@dataclass(frozen=True, slots=True)
class Aggregation:
    """Series joined by the labels they share."""

    function: str
    labels: tuple[str, ...]
    mode: Literal["by", "without"]
    of: "Expression"


@dataclass(frozen=True, slots=True)
class Matching:
    """By which labels the two sides of an operator belong together."""

    on: bool = False
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Operation:
    """Two expressions joined by an operator."""

    operator: str
    left: "Expression"
    right: "Expression"
    matching: Matching
    returns_bool: bool = False


@dataclass(frozen=True, slots=True)
class Negation:
    """Unary minus."""

    of: "Expression"


Expression = Number | Text | Selector | Call | Aggregation | Operation | Negation


def type_of(expression: Expression) -> str:  # noqa: PLR0911 -- one a node
    """Give what an expression evaluates to."""
    match expression:
        case Number():
            return SCALAR
        case Text():
            return STRING
        case Selector(window_ms=window):
            return VECTOR if window is None else RANGE
        case Call(function=function):
            return SIGNATURES[function][2]
        case Aggregation():
            return VECTOR
        case Negation(of=of):
            return type_of(of)
        case Operation(left=left, right=right):
            return VECTOR if VECTOR in {type_of(left), type_of(right)} else SCALAR

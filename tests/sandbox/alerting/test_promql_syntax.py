import pytest

from responder.errors import BadInput
from responder.sandbox.alerting.promql_syntax import parse
from responder.sandbox.alerting.promql_tokens import duration_ms, scaled_expression


@pytest.mark.parametrize(
    ("expression", "told"),
    [
        ("histogram_quantile(0.9, x)", "'histogram_quantile' is not supported"),
        ("a * on (b) group_left c", "'group_left' is not supported"),
        ("a[5m:1m]", "a subquery is not supported"),
        ("a @ 5", "'@' is not supported"),
        ("rate(a)", "rate takes a range vector, not a instant vector"),
        ("a[5m] > 1", "takes no range vector"),
        ("1 > 2", "needs 'bool'"),
        ("{}", "must rule out the empty label"),
        ('{a=~".*"}', "must rule out the empty label"),
        ('a{b=~"("}', "is no regular expression"),
        ("sum(a", "expected ')'"),
        ("a b", "expected an operator or the end"),
        ("a $ b", "is no PromQL"),
        ("clamp_max(a)", "takes 2 arguments, not 1"),
        ("a and 1", "takes no scalar"),
        ('a + "b"', "takes no string"),
        ('-"b"', "a sign before a string"),
        ('"b"', "a string alone"),
        ('label_replace(a, "b", "c", "d", e)', "takes a string, not a instant vector"),
    ],
)
def test_what_is_wrong_or_not_supported_is_named(expression: str, told: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse(expression)
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [("90s", 90_000), ("1h30m", 5_400_000), ("250ms", 250), ("1d", 86_400_000), ("0", 0)],
)
def test_durations(text: str, milliseconds: int) -> None:
    assert duration_ms(text) == milliseconds


@pytest.mark.parametrize(
    ("expression", "shortened"),
    [
        ("increase(a[5m]) > 50", "increase(a[5000ms]) > 50"),
        ("count_over_time(a[6h] offset 24h)", "count_over_time(a[360000ms] offset 1440000ms)"),
        ('a{b="5m"} > 300', 'a{b="5m"} > 300'),
        ("rate(a[10ms])", "rate(a[1ms])"),
    ],
)
def test_only_durations_are_shortened(expression: str, shortened: str) -> None:
    assert scaled_expression(expression, factor=60) == shortened
    parse(shortened)

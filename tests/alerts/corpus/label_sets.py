"""The label sets on which every accepted matcher is tried."""

from typing import Final

VALUES_OF_FOO: Final = (
    "", "a", "A", "b", "ab", "aab", "abab", "aaa", "bar", "Bar", "BAR", "bar baz", "bar,baz",
    'b"r', "b\\r", "b\\nr", "a\nb", "\n", "a\n", "\na", " ", "\t", "a b", "0", "42", "a1", "_", "-",
    "k", "K", "\u212a", "s", "S", "\u017f", "\u00df", "ss", "\u00e9", "\u00c9", "a\u00e9",
    "\u03c3", "\u03c2", "\u03a3", "\u0130", "\u0131", "i", "I", "\u65e5\u672c", "\U0001f600",
    "\x00", "\ufffd", "\u00a0", "\u2003", "\u0378", "\ue000", "\U0010ffff", "\u0301", "\u2160",
    "\u01c5", "{}", "{2}", "a{2}", "(", ")", "]", "[a]", "^", "$", ".", "a.b", "a|b", "*", "a+",
    "=~", "~", "\\", "\\d", "\\Qa\\E", "'", "`", "<b>&", "a" * 1000,
)  # fmt: skip

LABEL_SETS: Final[tuple[dict[str, str], ...]] = (
    {},
    *({"foo": value} for value in VALUES_OF_FOO),
    {"foo": "bar", "job": "api"},
    {"foo": "a", "bar": "b", "baz": "c"},
    {"bar": "bar"},
    {"FOO": "bar"},
    {"foo:sum": "bar", "_foo": "bar", "foo1": "bar"},
    {"foo.bar": "bar", "foo-bar": "a", "foo/bar": "b"},
    {"foo bar": "bar", "foo,bar": "bar", 'foo"bar': "bar", "foo\\bar": "bar"},
    {"\u65e5\u672c": "\u65e5\u672c", "\U0001f600": "a", "\u00e9": "\u00e9"},
    {"alertname": "HighBounceRate", "severity": "critical", "campaign": "spring-sale"},
    {"alertname": "HighBounceRate", "severity": "warning", "campaign": "spring-sale"},
    {"alertname": "ProviderBlock", "severity": "critical", "mailbox_provider": "gmail"},
)

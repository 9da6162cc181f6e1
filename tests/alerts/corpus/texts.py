"""Sentences of the two matcher grammars, and of neither."""

from collections.abc import Iterator
from typing import Final

from tests.alerts.corpus.chance import Chance

REMARKABLE: Final = (
    # As people write them.
    'alertname="HighBounceRate"', 'alertname="HighBounceRate",severity="critical"',
    '{alertname="HighBounceRate", severity=~"critical|warning"}', "severity=critical",
    'campaign!=""', 'campaign=~".+"', 'campaign!~"test-.*"', 'mailbox_provider=~"gmail|yahoo",',
    'foo="bar", baz!~"(?i)test.*"', "statuscode=~5..", 'quote="She said: \\"Hi, ladies!\\""',
    # Alertmanager's own examples of agreement and disagreement.
    "foo=bar", "{foo=bar}", "{foo=bar,}", "{foo=bar,bar=baz}", "foo=bar,bar=baz,", '"foo"="bar"',
    'foo="bar\\\\baz"', "foo=bar\\\\baz", 'foo="\\xf0\\x9f\\x99\\x82"', 'foo=\\"', 'foo="\\"',
    'foo="\\""', '{foo="\U0001f642"}', "{foo=\U0001f642}", "\U0001f642=foo", '"\U0001f642"=foo',
    "foo=bar\\n", 'foo="bar\\n"', "foo=\\n", 'foo="\\u00e9"', "foo='bar'", "foo=`bar`", "foo=",
    'foo=""', "foo!=", "foo=~", "foo!~", 'foo=~""', "foo=bar=baz", "foo==bar", "foo=~=bar",
    "foo=!bar", "foo=bar!", "foo=b,ar", 'foo="b,ar"', "foo=bar baz", "foo = bar", " foo=bar ",
    "foo =bar", "foo= bar", "foo=bar ,bar=baz", "foo=bar, bar=baz", "fo o=bar", "foo.bar=baz",
    "foo-bar=baz", "foo/bar=baz", "foo:bar=baz", ":foo=bar", "_foo=bar", "1foo=bar", "foo1=bar",
    # Braces and commas.
    "", " ", "\t\n", "{}", "{ }", "{{}}", "{", "}", "}{", "{}}", "{{}", "{}{}", ",", "{,}", ",,",
    "foo=bar,,", "foo=bar,,bar=baz", ",foo=bar", "{,foo=bar}", "{foo=bar,,}", "{foo=bar",
    "foo=bar}", "{{foo=bar}}", "{foo=bar}}", "{{foo=bar}", "{foo=bar},", "{foo=bar} ", " {foo=bar}",
    "{foo={}}", "foo={}", "foo={bar}", 'foo="{bar}"', 'foo="}"', "foo=}", "foo={", "{foo=}}",
    "foo=,bar=",
    # Quotes, closed and not.
    'foo="', 'foo=""bar"', 'foo="bar"baz', 'foo=bar"', 'foo=b"ar', 'foo=b"a"r', '"', '""', '"="',
    '""=""', '""=a', '=""', '"foo=bar', 'foo"=bar', '"foo"=', '"foo" = "bar"', '"fo\\"o"="bar"',
    '"foo,bar"="a"', '"foo bar"=a', 'foo="a\nb"', "foo=a\nb", '"foo\nbar"="a"', 'foo="a" "b"',
    # Backslashes: the classic parser's comma doesn't end an escape.
    "foo=\\", 'foo="\\\\"', 'foo="\\\\\\"', 'foo="\\,",bar=baz', 'foo="a\\,b"', "foo=a\\,bar=b",
    'foo="\\,"b",bar="c"', 'foo=\\",bar=\\"', 'foo="\\q"', 'foo="\\d"', 'foo=~"\\d+"', "foo=~\\d+",
    'foo=~"\\\\d+"', 'foo=~"[a-z]+\\\\.com"', "foo=~[a-z]+\\.com", 'foo="\\U0001F642"',
    # Operators by themselves.
    "=", "!=", "=~", "!~", "~", "!", "foo", "foo!", "foo~", "foo~bar", "foo!bar", "foo>bar", "=bar",
    "=~bar", "foo=~bar=~baz", "foo!=~bar", "foo=!~bar", "foo! =bar", "foo= ~bar", "foo=~ bar",
    # Regular expressions that one parser unquotes into another.
    'foo=~"["', "foo=~[", 'foo=~"\\["', 'foo=~"a)|(?:b"', 'foo=~")("', 'foo=~"(?i)BAR"',
    'foo=~"a(?-i)|(?i:B)"', 'foo=~"a|"', 'foo=~"|"', 'foo=~"^bar$"', 'foo=~"^"', 'foo=~"$"',
    'foo=~"(?s)a.b"', 'foo=~"a.b"', 'foo=~"(?m)^b"', 'foo=~"\\n"', 'foo=~"a\\\\nb"', 'foo=~"(?=a)"',
    'foo=~"(a{1000}){2}"', 'foo=~"a{1001}"', 'foo=~".{1000}"', 'foo=~"\\\\C"', 'foo=~"(a)\\\\1"',
    'foo=~"(?:' + "abcd" * 25 + '){1000}"', 'foo=~"' + "(" * 900 + "a" + ")" * 900 + '"',
    'foo=~"' + "(" * 1100 + "a" + ")" * 1100 + '"',
)  # fmt: skip

_SPACES = (
    "\t\n\v\f\r \x1c\x1d\x1e\x1f\x85\xa0\u1680\u180e\u2000\u2003\u200a\u200b\u2028\u2029\u202f"
    "\u205f\u2060\u3000\ufeff"
)
_OTHERS = "\x00\x01\x08\x1b\x7f{}!=~,\\\"'`#$%&()*+-./:;<>?@[]^_|\u00e9\u0301\u65e5\ufffd\U0001f600"
_ESCAPED = (
    *("\\" + chr(code) for code in range(0x20, 0x7F)),
    *("\\0", "\\00", "\\000", "\\101", "\\377", "\\400", "\\777", "\\18", "\\x", "\\x4", "\\x41"),
    *("\\xff", "\\xc3\\xa9", "\\xc3", "\\303\\251", "\\xed\\xa0\\x80", "\\x00", "\\u", "\\u00e"),
    *("\\u00e9", "\\ud800", "\\udfff", "\\ud83d\\ude00", "\\ufffd", "\\U0001F600", "\\U0010FFFF"),
    *("\\U00110000", "\\U0000D800", "\\UFFFFFFFF", "\\U0001F60", "\\N{DASH}", "\\\n", "\\\u00e9"),
)
_NAMES = (
    *("foo", "foo", "foo", "bar", "job", "_foo", "foo1", "foo:sum", "alertname", "FOO"),
    *("foo.bar", "foo-bar", "foo bar", "foo,bar", 'foo"bar', "foo\\bar", "1foo", "", "foo/bar"),
    *("\u65e5\u672c", "\U0001f600", "\u00e9", "{foo}", "foo=", "foo\n", "'foo'"),
)
_VALUES = (
    *("bar", "bar", "a", "", "ab", "bar baz", "bar,baz", 'b"r', "b\\r", "b\\nr", "a\nb", "42"),
    *("critical|warning", "b.*", ".+", "a|b", "[a-z]+", "(?i)BAR", "a{2}", "\\d+", "^a$", "(", "*"),
    *(
        "{}",
        "{2}",
        "}",
        "=",
        "=~",
        "!",
        "~",
        "'",
        "`",
        "\\",
        "\\\\",
        '"',
        '""',
        " a ",
        "\t",
        "\xa0",
    ),
    *("\u65e5\u672c", "\U0001f600", "\u00e9", "\x00", "\ufffd", "\u017f", "a.b", "foo=bar"),
)
_OPERATORS = ("=", "!=", "=~", "!~")
_AROUND = ("", "", "", "", " ", "  ", "\t", "\n", "\xa0", "\u2003", "\x1f")


def odd_characters_everywhere() -> Iterator[str]:
    """Each character at each place where a grammar could care: before, between and inside."""
    for odd in _SPACES + _OTHERS:
        yield from (odd, f"{odd}foo=bar", f"foo{odd}=bar", f"foo={odd}bar", f"foo=bar{odd}")
        yield from (f"f{odd}oo=bar", f"foo=b{odd}ar", f'foo="b{odd}ar"', f'"f{odd}oo"="bar"')
        yield from (f"foo=bar{odd},job=a", f"foo=bar,{odd}job=a", f"foo=bar,job=a,{odd}")
        yield from (f"{{{odd}foo=bar}}", f"{{foo=bar{odd}}}", f"{{foo=bar}}{odd}", f"foo{odd}bar")
        yield from (f'foo="bar"{odd}', f'foo={odd}"bar"', f'foo=~"{odd}"', f"foo=~{odd}")


def every_escape() -> Iterator[str]:
    for escape in _ESCAPED:
        yield from (f'foo="{escape}"', f"foo={escape}", f'foo="a{escape}b",bar=b', f'"{escape}"=a')
        yield f'foo=~"{escape}"'


def sentence(chance: Chance) -> str:
    """One to three matchers, most of them right in at least one of the grammars."""
    parts = [_matcher(chance) for _ in range(1 + chance.below(3))]
    text = ",".join(parts) + ("," if chance.happens(0.15) else "")
    return f"{{{text}}}" if chance.happens(0.3) else text


def _matcher(chance: Chance) -> str:
    name = chance.choice(_NAMES)
    if chance.happens(0.3):
        name = quoted(name, chance)
    value = chance.choice(_VALUES)
    if chance.happens(0.7):
        value = quoted(value, chance)
    spaces = [chance.choice(_AROUND) for _ in range(4)]
    return spaces[0] + name + spaces[1] + chance.choice(_OPERATORS) + spaces[2] + value + spaces[3]


def quoted(text: str, chance: Chance) -> str:
    """Most often escaped as needed; else as somebody in a hurry would, only between quotes."""
    if chance.happens(0.85):
        text = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{text}"'


def broken(text: str, chance: Chance) -> str:
    """The text after one to three accidents."""
    alphabet = "{}!=~,\\\"'` \n\t\xa0\x1fnx0a\u00e9"
    for _ in range(1 + chance.below(3)):
        at = chance.below(len(text) + 1)
        match chance.below(5):
            case 0:
                text = text[:at] + text[at + 1 :]
            case 1:
                text = text[:at] + chance.choice(alphabet) + text[at:]
            case 2:
                text = text[:at] + chance.choice(alphabet) + text[at + 1 :]
            case 3:
                text = text[:at] + text[at : at + 3] + text[at:]
            case _:
                text = text[at:] + text[:at] if chance.happens(0.2) else text[:at]
    return text

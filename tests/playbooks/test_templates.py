"""A hostile label value is inserted and nothing else: it can't break out, run, grow or widen."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from responder.playbooks.refusals import Refused
from responder.playbooks.templates import LONGEST_VALUE, Id, Template, WorkloadName
from responder.playbooks.written import Mistake


def refusal(template: Template, **labels: str) -> Refused:
    with pytest.raises(Refused) as raised:
        template.render(labels)
    return raised.value


@pytest.mark.parametrize(
    ("text", "labels", "rendered"),
    [
        ("spring", {}, "spring"),
        ("{{ labels.campaign }}", {"campaign": "spring"}, "spring"),
        ("{{labels.campaign}}-{{labels.tenant}}", {"campaign": "a", "tenant": "b"}, "a-b"),
        ('{{ labels["mail.campaign"] }}', {"mail.campaign": "spring"}, "spring"),
        ("{{ labels['a b'] | lower | replace(' ', '-') }}", {"a b": "Big Sale"}, "big-sale"),
        ("{{ labels.a | trim | upper }}", {"a": " x "}, "X"),
        ("{# why #}{{ labels.a }}", {"a": "x"}, "x"),
        ("{{ labels.items }}", {"items": "a label called items"}, "a label called items"),
        ("{{ labels.__class__ }}", {"__class__": "a label all the same"}, "a label all the same"),
        ("{{ labels.get }}", {"get": "x"}, "x"),
    ],
)
def test_labels_are_inserted(text: str, labels: dict[str, str], rendered: str) -> None:
    assert Template.parse(text).render(labels) == rendered


@pytest.mark.parametrize(
    "text",
    [
        "{{ labels.__class__.__mro__ }}",
        "{{ ''.__class__ }}",
        "{{ labels['a'][0] }}",
        "{{ labels[labels.a] }}",
        "{{ labels[0] }}",
        "{{ labels['a':'b'] }}",
        "{{ labels.a.format(labels) }}",
        "{{ labels.a | attr('x') }}",
        "{{ labels.a | format('x') }}",
        "{{ labels.a * 1000000 }}",
        "{{ 'a' * 1000000 }}",
        "{{ range(10) }}",
        "{{ self }}",
        "{{ cycler }}",
        "{{ labels.a | replace(labels.a, 'x') }}",
        "{{ labels.a | replace('', 'x') }}",
        "{{ labels.a | replace('a', 'b', 1) }}",
        "{{ labels.a | replace(old='a', new='b') }}",
        "{{ labels.a | replace(*labels) }}",
        "{{ labels.a ~ labels.b }}",
        "{{ labels.a if labels.b }}",
        "{{ labels.a is defined }}",
        "{{ labels[''] }}",
        "{% for a in labels %}{{ a }}{% endfor %}",
        "{% set labels = 1 %}x",
        "{% include 'x' %}",
        "{% raw %}{{ x }}{% endraw %}",
        "{{ " + "(" * 200 + "labels.a" + ")" * 200 + " }}",
        "{{ labels.a" + " | lower" * 9 + " }}",
        "{{ labels.a }}" * 21,
    ],
)
def test_whatever_is_more_than_a_label_and_a_filter_is_the_authors_mistake(text: str) -> None:
    with pytest.raises(Mistake):
        Template.parse(text)


def test_deep_nesting_is_a_mistake_and_no_crash() -> None:
    class Unbounded(Template):
        longest = 1_000_000

    with pytest.raises(Mistake):
        Unbounded.parse("{{ " + "(" * 100_000 + " }}")


HOSTILE = {
    "template": "{{ 7 * 7 }}",
    "template statement": "{% for x in range(10**9) %}x{% endfor %}",
    "python": "__import__('os').system('true')",
    "path": "../../other-namespace/secrets",
    "quotes": "'\"`${HOME}$(id)",
    "YAML": "a: {b: [c, &d *d]}",
    "JSON": '", "share": 1, "x": "',
    "format": "%s%n{0.__class__}",
}


@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_values_stay_the_text_that_they_are(value: str) -> None:
    assert Id.parse("{{ labels.campaign }}").render({"campaign": value}) == value


@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_values_never_name_a_workload(value: str) -> None:
    template = WorkloadName.parse("sender-{{ labels.campaign }}")
    assert refusal(template, campaign=value).reason == "InvalidName"


@pytest.mark.parametrize("labels", [{}, {"campaign": ""}], ids=["missing", "empty"])
def test_a_label_that_says_nothing_refuses(labels: dict[str, str]) -> None:
    template = Id.parse("all-{{ labels.campaign }}")
    assert refusal(template, **labels).reason == "MissingLabel"


@pytest.mark.parametrize("value", [" ", "\n", "\u3000", "\u200b"])
def test_white_space_is_no_name(value: str) -> None:
    assert refusal(Id.parse("{{ labels.a }}"), a=value).reason == "InvalidName"


def test_a_filter_that_leaves_nothing_refuses() -> None:
    template = Id.parse("{{ labels.a | replace('all', '') }}")
    assert refusal(template, a="all").reason == "InvalidName"


def test_ten_megabytes_are_refused_at_once_and_not_repeated_to_anybody() -> None:
    template = Id.parse("{{ labels.a | lower | replace('x', 'yyyy') }}")
    value = "x" * 10_000_000
    began = time.perf_counter()
    refused = refusal(template, a=value)
    assert time.perf_counter() - began < 0.5
    assert refused.reason == "InvalidName"
    assert len(refused.message) < 200


def test_filters_can_not_multiply() -> None:
    growing = " | replace('a', '" + "a" * 50 + "')"
    template = Template.parse("{{ labels.a" + growing * 7 + " }}")
    assert refusal(template, a="a").reason == "TemplateFailed"


def test_parts_can_not_add_up() -> None:
    template = Template.parse("{{ labels.a }}" * 20)
    assert refusal(template, a="x" * LONGEST_VALUE).reason == "TemplateFailed"


def test_messages_escape_what_a_terminal_would_obey() -> None:
    message = refusal(Id.parse("{{ labels.a }}"), a="\x1b[2J\u202e\nforged line").message
    assert message.isprintable()


def test_the_labels_of_a_template_are_known_without_rendering() -> None:
    assert Template.parse("{{ labels.b }}{{ labels['a'] | lower }}{{ labels.b }}").labels == (
        "a",
        "b",
    )


VALUES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=30)


@given(
    value=VALUES,
    text=st.sampled_from(
        [
            "{{ labels.a }}",
            "x-{{ labels.a | lower }}",
            "{{ labels.a | upper }}{{ labels.a }}",
            "{{ labels.a | replace('a', 'bc') | trim }}",
            "{{ labels['a'] | replace('<', '{{') }}\n",
        ]
    ),
)
def test_what_is_rendered_is_what_jinjas_own_sandbox_renders(value: str, text: str) -> None:
    sandbox = ImmutableSandboxedEnvironment(undefined=StrictUndefined, keep_trailing_newline=True)
    expected = sandbox.from_string(text).render(labels={"a": value})
    assert Template.parse(text).render({"a": value}) == expected

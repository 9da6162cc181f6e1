"""Names follow Kubernetes' rules; ids are the sender's own, as long as they can be printed."""

import pytest

from responder.playbooks.names import (
    config_map_fault,
    id_fault,
    key_fault,
    label_fault,
    subdomain_fault,
)

GOOD_IDS = [
    "spring",
    "Spring Sale 2026 (DE)",
    "../../etc/passwd",
    "früh-ling",
    "{{ x }}",
    "a" * 200,
]
BAD_IDS = {
    "empty": "",
    "space": " ",
    "leading space": " spring",
    "trailing space": "spring ",
    "line break": "spring\nsale",
    "null": "spring\0",
    "tab": "a\tb",
    "escape sequence": "\x1b[2J",
    "right-to-left override": "spring\u202egnp",
    "zero-width space": "spring\u200b",
    "zero-width joiner": "a\u200db",
    "byte order mark": "\ufeffspring",
    "no-break space": "a\u00a0b",
    "ideographic space": "\u3000",
    "line separator": "a\u2028b",
    "soft hyphen": "spr\u00ading",
    "half a surrogate pair": "\ud800",
    "private use": "\ue000",
    "unassigned": "\u0378",
    "too long": "a" * 201,
}


@pytest.mark.parametrize("identifier", GOOD_IDS)
def test_an_id_may_be_anything_printable(identifier: str) -> None:
    assert not id_fault(identifier)


@pytest.mark.parametrize("identifier", BAD_IDS.values(), ids=BAD_IDS.keys())
def test_an_id_that_hides_or_breaks_something_is_refused(identifier: str) -> None:
    assert id_fault(identifier)


@pytest.mark.parametrize("name", ["email-sender", "a", "0", "a.b", "a" * 253, "mail.v2-x"])
def test_kubernetes_names_are_accepted(name: str) -> None:
    assert not subdomain_fault(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "-a",
        "a-",
        ".a",
        "a.",
        "a..b",
        "A",
        "a_b",
        "a/b",
        "../a",
        "a b",
        "a\n",
        "ä",
        "\u0430",
        "a" * 254,
    ],
)
def test_what_kubernetes_refuses_is_refused_before_it_is_asked(name: str) -> None:
    assert subdomain_fault(name)
    assert config_map_fault(name)


def test_a_namespace_has_no_dots_and_at_most_63_characters() -> None:
    assert not label_fault("a" * 63)
    assert label_fault("a" * 64)
    assert label_fault("a.b")


@pytest.mark.parametrize("key", ["", ".", "..", "..data", "a/b", "a b", "ä", "a\n", "k" * 254])
def test_keys_that_kubernetes_refuses_are_refused(key: str) -> None:
    assert key_fault(key)


def test_the_hold_documents_are_never_plain_keys() -> None:
    assert key_fault("hold.json")
    assert config_map_fault("sending-holds")
    assert not key_fault("state")
    assert not config_map_fault("campaign-spring")

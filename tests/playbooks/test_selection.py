"""The selection answers as asking every playbook would, and asks few of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from responder.playbooks.loading import read_playbooks
from responder.playbooks.schema import Playbook
from responder.playbooks.selection import Selection

PLAYBOOK = """---
metadata: {{name: p{number}}}
spec:
  matchers: [{matchers}]
  holds:
    - pause: {{campaign: "{{{{ labels.campaign }}}}"}}
"""


def playbooks(*matchers: str) -> tuple[Playbook, ...]:
    text = "".join(
        PLAYBOOK.format(number=number, matchers=f"'{matcher}'")
        for number, matcher in enumerate(matchers)
    )
    loaded = read_playbooks(text, file="playbooks.yaml")
    assert not loaded.errors
    return loaded.playbooks


MATCHERS = playbooks(
    'alertname="A"',
    'alertname="B"',
    'alertname="A",severity="critical"',
    'severity="critical"',
    'alertname=~"A|B"',
    'alertname=~".+",severity!="info"',
    'team="",alertname="B"',
    'severity="critical",team="mail"',
)


@given(
    labels=st.dictionaries(
        st.sampled_from(["alertname", "severity", "team"]),
        st.sampled_from(["A", "B", "critical", "info", "mail", ""]),
    )
)
def test_the_same_playbooks_are_found_as_by_asking_each(labels: dict[str, str]) -> None:
    asked = tuple(playbook for playbook in MATCHERS if playbook.matches(labels))
    assert Selection(MATCHERS).matching(labels) == asked


def test_an_alert_asks_only_the_playbooks_that_name_it(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    matches = Playbook.matches

    def counted(self: Playbook, labels: dict[str, str]) -> bool:
        asked.append(self.name)
        return matches(self, labels)

    monkeypatch.setattr(Playbook, "matches", counted)
    selection = Selection(playbooks(*(f'alertname="A{number}"' for number in range(50))))
    assert [book.name for book in selection.matching({"alertname": "A7"})] == ["p7"]
    assert asked == ["p7"]


def test_a_playbook_is_found_by_its_name() -> None:
    selection = Selection(MATCHERS)
    assert selection.named("p1") is MATCHERS[1]
    assert selection.named("p99") is None

"""Which playbooks concern an alert, found without asking each of them.

Nearly every playbook names its alert by an equality, `alertname="..."`. Those are filed under that
value; only the ones filed under a value that the alert has, and the few without an equality, are
asked whether they match. The answer is exactly that of asking all of them.
"""

from collections.abc import Iterable, Mapping

from responder.playbooks.schema import Playbook

_USUAL = "alertname"


class Selection:
    """A set of playbooks, ready to be matched. `playbooks` keeps the order in which they came."""

    def __init__(self, playbooks: Iterable[Playbook]) -> None:
        self.playbooks = tuple(playbooks)
        self._by_name = {playbook.name: playbook for playbook in self.playbooks}
        self._filed: dict[str, dict[str, list[int]]] = {}
        self._unfiled: list[int] = []
        for index, playbook in enumerate(self.playbooks):
            equalities = {
                matcher.name: matcher.value for matcher in playbook.matchers if matcher.op == "="
            }
            if equalities:
                label = _USUAL if _USUAL in equalities else min(equalities)
                values = self._filed.setdefault(label, {})
                values.setdefault(equalities[label], []).append(index)
            else:
                self._unfiled.append(index)

    def named(self, name: str) -> Playbook | None:
        """Give a playbook by its name."""
        return self._by_name.get(name)

    def matching(self, labels: Mapping[str, str]) -> tuple[Playbook, ...]:
        """Give every playbook that an alert with these labels concerns."""
        indexes = list(self._unfiled)
        for label, values in self._filed.items():
            indexes.extend(values.get(labels.get(label, ""), ()))
        playbooks = (self.playbooks[index] for index in sorted(indexes))
        return tuple(playbook for playbook in playbooks if playbook.matches(labels))

"""Mistakes that no single value shows: found in the data as written, valid or not.

That way a misspelt key in one place doesn't hide a template's stray label in another.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any

from responder.alerts.matchers import compatibility_problem
from responder.playbooks.documents import Document, dotted
from responder.playbooks.hold import Hold
from responder.playbooks.model import Part, listed
from responder.playbooks.paused import waits_for_ever
from responder.playbooks.queries import Query
from responder.playbooks.references import KnownMetric
from responder.playbooks.resume import DEFAULT_VOLUME, Evidence, Resume, Volume
from responder.playbooks.schema import Playbook, Spec, When
from responder.playbooks.templates import Template
from responder.playbooks.verbs import VERBS
from responder.playbooks.written import Mistake, Path, shown


def lint(document: Document) -> None:
    """Look at one playbook: keys that don't go together, labels that aren't the incident's."""
    for path, part, written in _parts(document.data):
        if part.known() >= written.keys():  # else the misspelt key may be the missing one
            for mistake in part.misuse(written):
                document.report((*path, *mistake.path), mistake)
    matchers = _at(document.data, "spec", "matchers")
    for index, line in enumerate(matchers if isinstance(matchers, list) else ()):
        if isinstance(line, str) and (doubt := compatibility_problem(line)) is not None:
            document.warn(replace(doubt, field=dotted(("spec", "matchers", index))))
    incident_per = _at(document.data, "spec", "incidentPer")
    if not isinstance(incident_per, list):
        return
    for path, template in _templates(document.data):
        for label in template.labels:
            if label not in incident_per:
                document.report(path, _outside(label, incident_per))


def _outside(label: str, incident_per: list[object]) -> Mistake:
    names = [name for name in incident_per if isinstance(name, str)]
    close = get_close_matches(label, names, n=1)
    return Mistake(
        f"uses the label `{label}`, which is not in `incidentPer`",
        fix=f"did you mean `{close[0]}`, or is that misspelt?"
        if close
        else "add it there: every alert of an incident must ask for the same",
    )


def lint_metrics(
    read: Iterable[tuple[Document, Playbook | None]], metrics: Iterable[KnownMetric]
) -> None:
    """Look up the metrics that playbooks name; the playbook is None where it has other faults."""
    known = {metric.name: metric for metric in metrics}
    for document, playbook in read:
        if playbook is not None and (warning := waits_for_ever(playbook, known)) is not None:
            document.warn(warning)
        for path, name in _named_metrics(document.data):
            if name not in known:
                document.report(path, _unknown_metric(name, list(known)))
            elif path[:3] in _COUNTED and not known[name].counts:
                document.report(path, Mistake(f"`{name}` is a rate", fix="name one that counts"))
            elif playbook is not None:
                for mistake in _not_asked_about(known[name], playbook):
                    document.report(path, mistake)


_COUNTED = (("spec", "resume", "volume"), ("spec", "resume", "steps"))


def _named_metrics(data: object) -> Iterator[tuple[Path, str]]:
    """Find the metrics that a playbook asks for, and the one that counts the messages of steps."""
    for path, _, asked in (*questions(data), *_volumes(data)):
        if isinstance(name := asked.get("metric"), str):
            yield (*path, "metric"), name
    resume = _at(data, "spec", "resume")
    if isinstance(resume, dict) and resume.get("steps") and "volume" not in resume:
        yield ("spec", "resume", "steps"), DEFAULT_VOLUME


def _unknown_metric(name: str, known: list[str]) -> Mistake:
    close = get_close_matches(name[:60], known, n=1)
    fix = f"did you mean `{close[0]}`?" if close else f"there are {', '.join(known) or 'none'}"
    return Mistake(f"the metric {shown(name)} is unknown", fix=fix)


def _not_asked_about(metric: KnownMetric, playbook: Playbook) -> Iterator[Mistake]:
    labels = frozenset(playbook.identity_labels)
    fix = "add it to `incidentPer`, or ask for another metric"
    for label in sorted(metric.labels - labels):
        yield Mistake(f"`{metric.name}` needs the label `{label}`", fix=fix)
    if metric.selectors and not metric.selectors & labels:
        told = listed(tuple(sorted(metric.selectors)))
        yield Mistake(f"`{metric.name}` needs one of the labels {told}", fix=fix)


@dataclass(frozen=True, slots=True)
class Ordered:
    """A plain key with the order of its values, and where it is written."""

    document: Document
    path: Path
    kind: str
    target: str
    key: str
    order: tuple[str, ...]

    def may_be_that_of(self, other: "Ordered") -> bool:
        """Whether both may be one key of one ConfigMap, as far as can be known before an alert."""
        if (self.kind, self.key) != (other.kind, other.key):
            return False
        return self.target == other.target or "{{" in self.target or "{{" in other.target


def orders_in(document: Document) -> Iterator[Ordered]:
    """Find the plain keys that a playbook sets."""
    for path, hold in _holds(document.data):
        body = hold.get("set")
        if not isinstance(body, dict):
            continue
        kind = "campaign" if "campaign" in body else "configMap"
        match body:
            case {"key": str(key), "order": list(order)}:
                yield Ordered(
                    document=document,
                    path=(*path, "set", "order"),
                    kind=kind,
                    target=str(body.get(kind)),
                    key=key,
                    order=tuple(str(value) for value in order),
                )
            case _:
                pass


def lint_orders(documents: Iterable[Document]) -> None:
    """Compare what playbooks say about one key: of two orders, none is the stricter."""
    orders = [ordered for document in documents for ordered in orders_in(document)]
    for later, second in enumerate(orders):
        for first in orders[:later]:
            if first.order != second.order and first.may_be_that_of(second):
                where = f"{first.document.file}:{first.document.line_of(first.path)}"
                mistake = Mistake(
                    f"orders the key `{second.key}` otherwise than {where}",
                    fix="one key has one order from mild to strict; write the same in both",
                )
                second.document.report(second.path, mistake)
                break


def _at(data: object, *keys: str | int) -> object:
    for key in keys:
        data = data.get(key) if isinstance(data, dict) else None
    return data


def _items(data: object) -> Iterator[tuple[int, dict[str, Any]]]:
    if isinstance(data, list):
        yield from ((at, item) for at, item in enumerate(data) if isinstance(item, dict))


def _holds(data: object) -> Iterator[tuple[Path, dict[str, Any]]]:
    for index, hold in _items(_at(data, "spec", "holds")):
        yield ("spec", "holds", index), hold
    for number, stage in _items(_at(data, "spec", "escalate")):
        for index, hold in _items(stage.get("holds")):
            yield ("spec", "escalate", number, "holds", index), hold


def questions(data: object) -> Iterator[tuple[Path, type[Evidence], dict[str, Any]]]:
    """Find what a playbook asks Prometheus, as written."""
    check = _at(data, "spec", "resume", "check")
    if isinstance(check, dict):
        yield ("spec", "resume", "check"), Evidence, check
    for number, stage in _items(_at(data, "spec", "escalate")):
        when = stage.get("when")
        if isinstance(when, dict):
            yield ("spec", "escalate", number, "when"), When, when


def _volumes(data: object) -> Iterator[tuple[Path, type[Volume], dict[str, Any]]]:
    volume = _at(data, "spec", "resume", "volume")
    if isinstance(volume, dict):
        yield ("spec", "resume", "volume"), Volume, volume


def _parts(data: object) -> Iterator[tuple[Path, type[Part], Mapping[str, Any]]]:
    for path, hold in _holds(data):
        yield path, Hold, hold
        for verb in hold.keys() & VERBS.keys():
            if isinstance(hold[verb], dict):
                yield (*path, verb), VERBS[verb], hold[verb]
    yield from questions(data)
    yield from _volumes(data)
    spec = _at(data, "spec")
    if isinstance(spec, dict):
        yield ("spec",), Spec, spec
    resume = _at(data, "spec", "resume")
    if isinstance(resume, dict):
        yield ("spec", "resume"), Resume, resume


def _templates(data: object) -> Iterator[tuple[Path, Template | Query]]:
    texts: list[tuple[Path, type[Template | Query], object]] = [
        ((*path, verb, key), Template, body[key])
        for path, hold in _holds(data)
        for verb, body in hold.items()
        if verb in VERBS and isinstance(body, dict)
        for key in body.keys() & VERBS[verb].templated_keys()
    ]
    asking: list[tuple[Path, type[Part], dict[str, Any]]] = [*questions(data), *_volumes(data)]
    texts += [((*path, "query"), Query, asked.get("query")) for path, _, asked in asking]
    for path, kind, text in texts:
        if isinstance(text, str):
            try:
                yield path, kind.parse(text)
            except Mistake:
                continue  # told where the value is read

"""Metrics from files: all that are valid, and every mistake of every file with its line."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from responder.errors import Problem
from responder.evidence.metric import KIND, Metric, MetricSpec
from responder.playbooks.documents import Document
from responder.playbooks.files import Texts, given_text, read_folder
from responder.playbooks.manifests import gathered, is_of_kind, validated
from responder.playbooks.references import KnownMetric

_WHAT = "metric"


@dataclass(frozen=True, slots=True)
class LoadedMetrics:
    """What was found, by name. `digest` changes whenever the name or a byte of a file does."""

    metrics: Mapping[str, Metric] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    digest: str = ""

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The mistakes; without any, the set is good."""
        return tuple(problem for problem in self.problems if problem.severity == "error")

    @property
    def known(self) -> tuple[KnownMetric, ...]:
        """What playbooks may ask for."""
        return tuple(metric.reference for metric in self.metrics.values())


def load_metrics(path: Path) -> LoadedMetrics:
    """Load every metric in a folder; nothing that stands there makes it raise."""
    return _load(read_folder(path, what=_WHAT))


def read_metrics(text: str, *, file: str) -> LoadedMetrics:
    """Load metrics from the text of a file that need not exist."""
    return _load(given_text(text, file=file))


def _load(found: Texts) -> LoadedMetrics:
    metrics = gathered(found, what=_WHAT, reading=_metric)
    by_name = {metric.name: metric for metric in metrics.valid()}
    return LoadedMetrics(by_name, metrics.all_problems(), found.digest)


def _metric(document: Document) -> Metric | None:
    """Report all that is wrong with a document; give its metric, if it is one."""
    if not is_of_kind(document, KIND):
        return None
    metric = validated(document, Metric)
    spec = document.data.get("spec") if isinstance(document.data, dict) else None
    # Said also where single values are wrong, so that all mistakes are told at once.
    if isinstance(spec, dict) and MetricSpec.known() >= spec.keys():
        for mistake in MetricSpec.misuse(spec):
            document.report(("spec", *mistake.path), mistake)
    return metric

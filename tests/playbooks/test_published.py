"""What we hand out is right: the shipped playbooks, the schema, the examples of the page."""

import json
import re
from pathlib import Path

import jsonschema
import pytest
import yaml

from responder.playbooks.json_schema import published, schema_of
from responder.playbooks.loading import Loaded, load_directory, read_playbooks
from responder.playbooks.schema import Playbook

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "rules" / "playbooks"
SCHEMA = ROOT / "rules" / "playbook.schema.json"
PAGE = (ROOT / "docs" / "playbooks.md").read_text(encoding="utf-8")
MISTAKES = Path(__file__).parent / "mistakes"

VALIDATOR = jsonschema.Draft202012Validator(schema_of(Playbook))


def documents(text: str) -> list[object]:
    return list(yaml.load_all(text, Loader=yaml.CSafeLoader))


def test_the_shipped_playbooks_load_together_without_any_problem() -> None:
    loaded = load_directory(SHIPPED)
    assert not loaded.problems
    assert len(loaded.playbooks) == len(list(SHIPPED.iterdir()))


@pytest.mark.parametrize("file", sorted(SHIPPED.iterdir()), ids=lambda file: file.stem)
def test_a_shipped_playbook_is_explained_named_like_its_file_and_fits_the_schema(
    file: Path,
) -> None:
    text = file.read_text(encoding="utf-8")
    (written,) = documents(text)
    VALIDATOR.validate(written)
    assert text.startswith("# yaml-language-server: $schema=../playbook.schema.json\n#\n# ")
    (playbook,) = read_playbooks(text, file=file.name).playbooks
    assert playbook.name == file.stem


def test_the_shipped_brake_pauses_the_campaign_of_the_articles_alert() -> None:
    labels = {"alertname": "HighBounceRate", "severity": "critical", "campaign": "spring"}
    matching = [book.name for book in load_directory(SHIPPED).playbooks if book.matches(labels)]
    assert matching == ["high-bounce-rate"]


def test_the_published_schema_is_up_to_date() -> None:
    """If not: `responder check --print-schema > rules/playbook.schema.json`."""
    assert SCHEMA.read_text(encoding="utf-8") == published(Playbook)


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(json.loads(published(Playbook)))


@pytest.mark.parametrize(
    "stem",
    [
        *("api-version-unknown", "spec-missing", "name-invalid", "key-misspelt", "mode-misspelt"),
        *("value-empty", "matchers-empty", "matchers-not-a-list", "holds-missing", "verb-misspelt"),
        *("verb-missing", "verbs-in-one-hold", "throttle-share-as-ratio", "scale-negative"),
        *("set-order-of-one", "resume-misspelt", "resume-after-without-unit", "verb-key-misspelt"),
        *("resume-step-without-share", "escalate-without-when", "review-after-as-number"),
    ],
)
def test_an_editor_with_the_schema_sees_the_mistake_too(stem: str) -> None:
    text = (MISTAKES / f"{stem}.yaml").read_text(encoding="utf-8")
    assert any(not VALIDATOR.is_valid(document) for document in documents(text))


EXAMPLES = re.findall(r"^```yaml\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)
AROUND = """metadata: {name: around}
spec:
  matchers: [alertname="HighBounceRate"]
"""


def loaded_example(text: str) -> Loaded:
    """Load a whole example, or one of holds or of a part of `spec` with what goes around it."""
    if text.startswith("- "):
        text = "holds:\n" + text
    if not re.search(r"^spec:$", text, flags=re.MULTILINE):
        if "holds:" not in text:
            text += "holds: [{pause: {pool: bulk}}]\n"
        text = AROUND + re.sub(r"^", "  ", text, flags=re.MULTILINE).rstrip() + "\n"
    return read_playbooks(text, file="example.yaml")


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_every_example_of_the_page_is_a_playbook(number: int) -> None:
    loaded = loaded_example(EXAMPLES[number])
    assert not loaded.errors
    assert loaded.playbooks


def test_the_page_has_examples_and_names_all_that_is_not_yet_acted_on() -> None:
    assert len(EXAMPLES) >= 8
    assert not [problem for text in EXAMPLES for problem in loaded_example(text).warnings]
    for word in ("suspend", "shift", "statefulSet"):
        assert word in PAGE.partition("## Not yet acted on")[2]


def test_every_verb_of_the_format_is_on_the_page() -> None:
    for verb in schema_of(Playbook)["$defs"]["Hold"]["properties"]:
        assert f"`{verb}`" in PAGE

"""A scenario says what it means, or every mistake with its line."""

from pathlib import Path

import pytest

from responder.errors import BadInput
from responder.sandbox.scenario.loading import load_scenario, read_scenario, shipped

SMALLEST = "spec: {campaigns: [{name: spring, perMinute: 60}]}"
HEAD = "spec:\n  campaigns: [{name: spring, perMinute: 60, segments: {old: 100%}}]\n"


@pytest.mark.parametrize("name", shipped())
def test_what_is_shipped_can_be_loaded_and_expects_something(name: str) -> None:
    scenario = load_scenario(name)
    assert scenario.name == name
    assert scenario.spec.about
    assert scenario.spec.expect


def test_a_scenario_is_named_after_its_file_and_has_a_workload() -> None:
    scenario = read_scenario(SMALLEST, file="/some/where/mine.yaml")
    assert scenario.name == "mine"
    assert [workload.name for workload in scenario.spec.workloads] == ["email-sender"]


MISTAKES = {
    "nothing": ("# nothing", "holds no scenario"),
    "two": (f"{SMALLEST}\n---\n{SMALLEST}", "holds more than one document"),
    "a-list": ("- a", "must be a mapping"),
    "a-playbook": (f"kind: Playbook\n{SMALLEST}", "kind: must be `Scenario`"),
    "no-campaign": ("spec: {campaigns: []}", "spec.campaigns: is empty"),
    "unknown-key": (
        "spec: {campaigns: [{name: a, perMinute: 1, provider: {x: 100%}}]}",
        (
            "s.yaml:1: spec.campaigns[0].provider: is not a key that is known here;"
            " did you mean `providers`?"
        ),
    ),
    "no-whole": (
        "spec: {campaigns: [{name: a, perMinute: 1, providers: {x: 50%, y: 40%}}]}",
        "spec.campaigns[0].providers: add up to 90%; make them 100%",
    ),
    "more-than-all-fails": (
        "spec: {campaigns: [{name: a, perMinute: 1, delivery: {hardBounces: 60%, blocks: 50%}}]}",
        "spec.campaigns[0].delivery: fails more than every message: 110%",
    ),
    "twice": (
        "spec: {campaigns: [{name: a, perMinute: 1}, {name: a, perMinute: 1}]}",
        "spec.campaigns[1].name: 'a' is taken already",
    ),
    "bounds": (
        (
            "spec: {workloads: [{name: w, autoscaler: {min: 5, max: 2}}],"
            " campaigns: [{name: a, perMinute: 1}]}"
        ),
        "spec.workloads[0].autoscaler: has a max of 2 below its min of 5",
    ),
    "unknown-workload": (
        "spec: {campaigns: [{name: a, perMinute: 1, workload: w}]}",
        "spec.campaigns[0].workload: no workload is called 'w'; there are email-sender",
    ),
    "unknown-campaign": (
        f"{HEAD}  events:\n    - {{at: 1m, release: {{campaign: autumn}}}}",
        (
            "s.yaml:4: spec.events[0].release.campaign: no campaign is called 'autumn';"
            " there are spring"
        ),
    ),
    "unknown-segment": (
        f"{HEAD}  events:\n    - {{at: 1m, change: {{segment: new, delivery: {{}}}}}}",
        "spec.events[0].change.segment: no segment is called 'new'; there are old",
    ),
    "never-held-unknown": (
        f"{HEAD}  expect: [{{neverHeld: autumn}}]",
        "spec.expect[0].neverHeld: no campaign is called 'autumn'",
    ),
    "two-in-one-event": (
        f"{HEAD}  events: [{{at: 1m, release: {{campaign: spring}}, change: {{delivery: {{}}}}}}]",
        "has `change` and `release`",
    ),
    "too-late": (
        f"{HEAD}  lasts: 10m\n  events: [{{at: 11m, release: {{campaign: spring}}}}]",
        "spec.events[0].at: comes after the end of the scenario",
    ),
    "expected-too-late": (
        f"{HEAD}  lasts: 10m\n  expect: [{{by: 11m, held: {{campaign: spring}}}}]",
        "s.yaml:4: spec.expect[0].by: comes after the end of the scenario; or let it last longer",
    ),
    "no-part-of-it": (
        (
            "spec:\n  campaigns: [{name: a, perMinute: 1, segments: {x: 100%}},"
            " {name: b, perMinute: 1, segments: {y: 100%}}]\n"
            "  events: [{at: 1m, change: {campaign: a, segment: y, delivery: {}}}]"
        ),
        "spec.events[0].change.segment: 'a' sends to no segment that is called 'y'; there are x",
    ),
    "no-number": (
        "spec: {campaigns: [{name: a, perMinute: many}]}",
        "spec.campaigns[0].perMinute: must be a number, not 'many'; write it like `2.5`",
    ),
    "too-slow": (
        "spec: {campaigns: [{name: a, perMinute: 0}]}",
        "spec.campaigns[0].perMinute: must be more than 0",
    ),
    "never-by": (
        f"{HEAD}  expect: [{{by: 5m, neverHeld: spring}}]",
        "`neverHeld` is of the whole run; remove `by`",
    ),
}


@pytest.mark.parametrize(("text", "told"), MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_is_told_with_its_place_and_its_fix(text: str, told: str) -> None:
    with pytest.raises(BadInput) as raised:
        read_scenario(text, file="s.yaml")
    assert told in "\n".join(str(problem) for problem in raised.value.problems)


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(BadInput) as raised:
        read_scenario("spec: {campaigns: [{name: 1, perMinute: many, x: 1}]}", file="s.yaml")
    assert len(raised.value.problems) == 3


def test_a_file_that_is_not_there_names_the_shipped_ones(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"No such file.*bounces"):
        load_scenario(str(tmp_path / "nowhere.yaml"))


ODD = {"no-text": (b"\xff\xfe\x00", "UTF-8"), "too-large": (b" " * (1024 * 1024 + 1), "MiB")}


@pytest.mark.parametrize(("content", "told"), ODD.values(), ids=ODD.keys())
def test_a_file_that_is_no_text_or_too_large_is_refused(
    tmp_path: Path, content: bytes, told: str
) -> None:
    (tmp_path / "odd.yaml").write_bytes(content)
    with pytest.raises(BadInput, match=told):
        load_scenario(str(tmp_path / "odd.yaml"))

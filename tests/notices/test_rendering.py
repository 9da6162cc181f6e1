"""The message: what a person needs at 3 am, what matters first, and nothing hostile in it."""

import dataclasses
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from responder.incidents.identity import Identity
from responder.incidents.incident import Incident
from responder.incidents.policy import Resume, Step
from responder.incidents.status import Phase, Ramp, TargetState
from responder.notices.digest import digest_of
from responder.notices.facts import facts_of, link_to
from responder.notices.moments import Moment
from responder.notices.rendering import (
    LONGEST_BODY,
    LONGEST_TITLE,
    Message,
    TemplateFault,
    render,
    shipped,
)
from responder.notices.samples import sample_digest, sample_notice
from tests.incidents.given import NOW, at, recorded, told_at
from tests.notices.lives import decided, holding, standing, targets

LINK = "https://grafana.example/d/x?var-name={name}&var-campaign={labels.campaign}"
NAME = "high-bounce-rate-91558e5857b13bfa-1"
BOTH = pytest.mark.parametrize("markdown", [False, True], ids=["text", "markdown"])


def alarmed(incident: Incident, summary: str, **labels: str) -> Incident:
    alert = dataclasses.replace(recorded(("am", "firing", 0)), summary=summary, labels=labels)
    return dataclasses.replace(incident, alerts={"a": alert})


def message(
    incident: Incident, *moments: Moment, markdown: bool = False, link: str = LINK
) -> Message:
    facts = facts_of(incident, moments, now=NOW, link=link)
    return render(shipped("notice", markdown=markdown), facts, markdown=markdown)


def test_a_message_that_someone_at_3_am_can_act_on() -> None:
    found = targets(TargetState.APPLIED, TargetState.NOT_ALLOWED)
    found = (found[0], dataclasses.replace(found[1], message="its owners did not allow it"))
    incident = alarmed(
        decided(holding(*found), Phase.HOLDING, "AlertFiring", message="1 alert(s) firing"),
        "12 % of 3,400 messages bounce hard",
        alertname="HighBounceRate",
        severity="critical",
    )
    told = message(incident, Moment.PARTLY_HELD)
    assert told.title == "only partly held: campaign=spring-sale (high-bounce-rate)"
    assert (
        told.body
        == f"""\
Held:
  pause campaign/spring-sale
NOT held:
  Deployment/email-sender: its owners did not allow it
Waits for:
  1 alert(s) to resolve
Look at it:
  responder incidents show {NAME} --namespace mail
More: https://grafana.example/d/x?var-name={NAME}&var-campaign=spring-sale
Why:
  HighBounceRate (critical, firing): 12 % of 3,400 messages bounce hard
State: Holding, AlertFiring: 1 alert(s) firing
Told 2026-11-24 18:00 UTC, incident mail/{NAME}"""
    )


def test_all_that_is_held_says_how_far() -> None:
    told = message(holding(), Moment.HELD)
    held = "Held:\n  pause campaign/spring-sale\n  scale Deployment/email-sender to 2 replica(s)\n"
    assert told.body.startswith(held)
    assert "NOT held" not in told.body
    assert f"responder release {NAME} --namespace mail --reason '...'" in told.body


def test_a_cool_down_says_until_when() -> None:
    cooling = decided(holding(), Phase.COOLING, "AlertsResolved")
    status = dataclasses.replace(cooling.status, cooling_until=told_at(30))
    told = message(dataclasses.replace(cooling, status=status), Moment.COOLING)
    assert "\nUntil: 2026-11-24 18:30 UTC (in 30 min)\n" in told.body
    assert "\nWaits for:\n  the end of the cool-down, 2026-11-24T18:30" in told.body


def test_what_resumes_says_how_far_it_is_eased() -> None:
    resume = Resume(steps=(Step(share=0.1, for_seconds=60, sends=0), Step(0.5, 60, 0)))
    ramping = decided(holding(resume=resume), Phase.RAMPING, "StepOpened", message="step 1 of 2")
    status = dataclasses.replace(ramping.status, ramp=Ramp(step=1, step_since=told_at(1)))
    told = message(dataclasses.replace(ramping, status=status), Moment.STEP)
    assert told.body.startswith("Held, eased to 10%:\n  pause campaign/spring-sale\n")


@pytest.mark.parametrize(
    ("moment", "reason", "command"),
    [
        (Moment.NEEDS_APPROVAL, "WaitsForApproval", "responder approve"),
        (Moment.WAITS, "WaitsForAcknowledgement", "responder acknowledge"),
        (Moment.WAITS, "WaitsForPerson", "responder release"),
        (Moment.CONTESTED, "AlertFiring", "responder incidents show"),
    ],
)
def test_the_one_command_fits_the_moment(moment: Moment, reason: str, command: str) -> None:
    incident = decided(holding(), Phase.HOLDING, reason)
    body = message(incident, moment).body
    assert f"{command} {NAME} --namespace mail" in body
    assert body.count("  responder ") == 1


def test_nothing_is_said_to_be_held_that_is_not() -> None:
    for incident in (
        standing(holding(), *targets(TargetState.DENIED, TargetState.DENIED)),
        decided(holding(), Phase.CLOSED, "GivenBack"),
        holding(mode="observe"),
    ):
        assert "\nHeld:" not in "\n" + message(incident, Moment.NOT_HELD).body


def test_many_targets_are_counted() -> None:
    (first, _) = targets(TargetState.DENIED, TargetState.DENIED)
    many = [dataclasses.replace(first, subject=f"campaign/c{number}") for number in range(40)]
    body = message(holding(*many), Moment.NOT_HELD).body
    assert "campaign/c5: Denied" in body
    assert "campaign/c6" not in body
    assert "and 34 more" in body


def test_a_link_quotes_what_strangers_wrote_and_a_digest_has_none_of_one_incident() -> None:
    incident = named("a&b=c#\n@/%")
    assert link_to(incident, LINK).endswith("&var-campaign=a%26b%3Dc%23%0A%40%2F%25")
    assert link_to(None, LINK) == ""
    assert link_to(None, "https://grafana.example/d/all") == "https://grafana.example/d/all"
    assert link_to(incident, "") == ""
    assert "More" not in message(incident, Moment.HELD, link="").body


def named(value: str) -> Incident:
    identity = Identity.of("alertmanager", "high-bounce-rate", {"campaign": value})
    found = dataclasses.replace(holding(), identity=identity)
    return dataclasses.replace(
        alarmed(found, value, alertname=value, severity=value),
        refusals=({"verb": value, "reason": value, "message": value},),
        status=dataclasses.replace(
            found.status,
            message=value,
            targets=tuple(
                dataclasses.replace(each, subject=value, message=value)
                for each in targets(TargetState.APPLIED, TargetState.DENIED)
            ),
        ),
    )


HOSTILE = (
    "@everyone <!channel> <@U1>",
    "x`\n\n# RESOLVED\n`",
    "[ok](https://evil.example)",
    "<script>alert(1)</script>",
    "\u202egnp.exe\x00\x1b[2J",
    "{{ 7 * 7 }} {% raw %}",
    "y" * 10_000,
)


@BOTH
@pytest.mark.parametrize("value", HOSTILE)
def test_hostile_labels_stay_harmless_wherever_they_stand(value: str, *, markdown: bool) -> None:
    told = message(named(value), Moment.PARTLY_HELD, markdown=markdown)
    whole = f"{told.title}\n{told.body}"
    calm = message(named("calm"), Moment.PARTLY_HELD, markdown=markdown)
    assert not set(whole) & set("@<>\x00\x1b\u202e\r")
    assert "evil.example" not in whole or "[:]//evil.example" in whole
    assert "49" not in whole
    assert len(told.title) <= LONGEST_TITLE
    assert len(told.body) <= LONGEST_BODY
    # Not one line more or less than any other text would make, and the command stands.
    assert told.body.count("\n") == calm.body.count("\n")
    assert f"responder incidents show {NAME} --namespace mail" in told.body


@given(value=st.text(max_size=400), markdown=st.booleans())
def test_any_label_stays_in_its_place(value: str, *, markdown: bool) -> None:
    told = message(named(value), Moment.PARTLY_HELD, markdown=markdown, link="")
    assert not set(told.title + told.body) & set("@<>")
    if markdown:
        for line in told.body.split("\n"):
            assert line.count("`") % 2 == 0
            # Outside of code spans stands nothing but our own words.
            outside = "".join(line.split("`")[::2])
            assert set(outside) <= OUR_LETTERS


OUR_LETTERS = set(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 -*:;,./()'=\u2026"
)


def test_a_name_that_kubernetes_would_not_take_is_made_harmless_in_the_command_too() -> None:
    odd = dataclasses.replace(holding(), name="x; rm -rf / @all\n")
    facts = facts_of(odd, (Moment.HELD,), now=at(0))
    assert "@" not in facts["command"]
    assert "\n" not in facts["command"]


@BOTH
def test_a_digest_says_how_many_and_names_the_first_few(*, markdown: bool) -> None:
    facts = [
        facts_of(
            dataclasses.replace(named(f"@c{number}"), name=f"storm-{number}"),
            (Moment.NOT_HELD if number == 36 else Moment.HELD,),
            now=NOW,
        )
        for number in range(37)
    ]
    beyond = Counter({("high-bounce-rate", "held"): 463})
    digest = digest_of(facts, beyond, seconds=9.7, namespace="mail")
    told = render(shipped("digest", markdown=markdown), digest, markdown=markdown)
    assert told.title == "500 notices within 10 s: high-bounce-rate, 1 NOT held"
    body = told.body.replace("*", "").replace("`", "")
    assert "499 of high-bounce-rate: held" in body
    assert "storm-2 campaign=\uff20c2" in body
    assert "storm-3 " not in body
    assert "and 496 more" in body
    assert "responder incidents list --namespace mail" in body
    assert len(told.body.splitlines()) < 25


@BOTH
def test_the_shipped_templates_take_the_fullest_and_the_emptiest_facts(*, markdown: bool) -> None:
    for facts in sample_notice():
        assert render(shipped("notice", markdown=markdown), facts, markdown=markdown).title
    assert render(shipped("digest", markdown=markdown), sample_digest(), markdown=markdown).body


def test_samples_have_the_facts_that_notices_have() -> None:
    real: dict[str, Any] = facts_of(holding(), (Moment.HELD,), now=NOW, link=LINK)
    for sample in sample_notice():
        assert sample.keys() == real.keys()
    digest = digest_of([real], Counter(), seconds=1, namespace="mail")
    assert sample_digest().keys() == digest.keys()


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        ("{{ ''.__class__.__mro__ }}", "unsafe"),
        ("{{ nosuch }}", "'nosuch' is undefined"),
        ("{% for %}", "Expected"),
        ("{{ 1 / 0 }}", "ZeroDivisionError"),
        ("{% for n in range(10 ** 9) %}x{% endfor %}", "Range too big"),
        ("   \n  ", "renders to nothing"),
        ("{% include 'x' %}", "no loader"),
    ],
)
def test_a_template_that_does_what_it_should_not_is_a_fault(source: str, fault: str) -> None:
    with pytest.raises(TemplateFault, match=fault):
        render(source, sample_notice()[0], markdown=False)


def test_a_filter_does_not_make_a_strangers_text_ours() -> None:
    facts = {"message": "@all <b>", "name": "our-own"}
    told = render("{{ message | upper }} {{ message | safe }} {{ name }}", facts, markdown=False)
    assert told.title == "\uff20ALL \u2039B\u203a \uff20all \u2039b\u203a our-own"

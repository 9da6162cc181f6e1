"""2xx is said once it is stored: whoever else writes, however stale the view, whatever fails."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from responder.cluster.failures import (
    ApiFailure,
    Denied,
    Invalid,
    NotFound,
    TooLarge,
    Unavailable,
    unavailable,
)
from responder.incidents.absorption import Absorbed
from responder.incidents.requests import Trigger, Wish
from responder.incidents.stored import read_incident
from responder.playbooks.loading import read_playbooks
from responder.reconcile.intake import NotNow
from responder.reconcile.view import IncidentKey
from tests.reconcile.door import PLAYBOOKS, Door, only, pod, read
from tests.reconcile.incident_server import IncidentServer


@pytest.fixture
def door() -> Door:
    return Door()


async def test_twenty_alerts_that_differ_in_pod_only_are_one_write(door: Door) -> None:
    assert await door.notify(*map(pod, range(20))) == ["Open"]
    assert await door.notify(*map(pod, range(20))) == ["Known"]
    assert len(door.server.writes) == 1
    assert only(door.server).firing == 20
    assert [incident.firing for incident in door.told] == [20]


async def test_notifications_about_one_incident_at_once_are_each_stored_by_one_write(
    door: Door,
) -> None:
    """Grouped by pod, Alertmanager sends each alert by itself: none may be asked to come again."""
    await asyncio.gather(*(door.notify(pod(number)) for number in range(64)))
    assert only(door.server).firing == 64
    assert len(door.server.writes) == 64
    assert door.server.reads == 0  # no conflict had to be read and decided again


async def test_another_replica_was_faster(door: Door) -> None:
    """A 409 on create is not "stored": read it, and decide again."""
    other = Door(door.server)
    await door.notify(pod(1))
    assert await other.notify(pod(2)) == ["Change"]
    assert only(door.server).alerts.keys() == {f"{1:016x}", f"{2:016x}"}


async def test_another_replica_writes_all_the_time(door: Door) -> None:
    await door.notify(pod(1))
    name = only(door.server).name

    def touch() -> None:
        door.server.put(door.server.stored[name])

    door.server.before_write = touch
    with pytest.raises(NotNow):
        await door.notify(pod(2))
    door.server.before_write = lambda: None
    assert await door.notify(pod(2)) == ["Change"]


async def test_closed_meanwhile_and_unknown_here_the_next_ordinal_is_opened(door: Door) -> None:
    await door.notify(pod(1))
    first = only(door.server).name
    door.release(first)
    newer = {**pod(1), "startsAt": "2026-11-24T19:00:00Z"}
    assert await Door(door.server).notify(newer) == ["Open"]
    assert sorted(door.server.stored) == [first, f"{first[:-1]}2"]


async def test_one_that_is_terminating_is_not_now(door: Door) -> None:
    await door.notify(pod(1))
    live = next(iter(door.server.stored.values()))
    live["metadata"]["deletionTimestamp"] = "2026-11-24T18:00:00Z"
    door.view.put_incident(read_incident(door.server.put(live)))
    with pytest.raises(NotNow):
        await door.notify(pod(2))


# -- what fails


def ambiguous() -> Unavailable:
    return unavailable("no answer in time", ambiguous=True, timed_out=True)


async def test_a_create_whose_answer_was_lost_is_recognised_by_its_token(door: Door) -> None:
    door.server.fail(ambiguous(), carried_out=True)
    assert await door.notify(pod(1)) == ["Open"]
    assert len(door.server.stored) == 1
    assert len(door.told) == 1


async def test_a_create_that_was_lost_is_not_stored(door: Door) -> None:
    door.server.fail(ambiguous())
    with pytest.raises(Unavailable):
        await door.notify(pod(1))
    assert await door.notify(pod(1)) == ["Open"]


async def test_a_lost_create_is_not_mistaken_for_anothers(door: Door) -> None:
    """Somebody else's of that name, with other alerts, says nothing about ours."""
    other = Door(IncidentServer())
    await other.notify(pod(2))
    theirs = next(iter(other.server.stored.values()))
    door.server.before_write = lambda: door.server.stored or door.server.put(theirs)
    door.server.fail(ambiguous())
    with pytest.raises(Unavailable):
        await door.notify(pod(1))
    door.server.before_write = lambda: None
    assert await door.notify(pod(1)) == ["Change"]


@pytest.mark.parametrize(
    "never", [Invalid("no such field", status=422), TooLarge("etcdserver: request is too large")]
)
async def test_one_that_can_never_be_stored_is_told_and_drops_no_neighbour(
    door: Door, never: ApiFailure
) -> None:
    door.server.fail(never)
    read_in = read(pod(1, campaign="a"), pod(2, campaign="b"))
    stored = await door.intake.accept(read_in, received=1.0)
    assert [told.message for told in stored] == [never.message, ""]
    assert only(door.server).identity.labels == (("campaign", "b"),)


@pytest.mark.parametrize("failure", [unavailable("refused"), Denied("by a quota", status=403)])
async def test_one_that_can_not_be_stored_now_stops_no_other(
    door: Door, failure: ApiFailure
) -> None:
    """And the sender is told to come again: what was stored is then known."""
    door.server.fail(failure)
    batch = (pod(1, campaign="a"), pod(2, campaign="b"))
    with pytest.raises(type(failure)):
        await door.notify(*batch)
    assert len(door.server.stored) == 1
    assert sorted(await door.notify(*batch)) == ["Known", "Open"]


# -- resolves


async def test_a_resolve_finds_the_incident_that_only_another_replica_has_seen(
    door: Door,
) -> None:
    """By a consistent list, not the cache: else it would be lost for good."""
    await Door(door.server).notify(pod(1))
    await door.notify(pod(1, status="resolved"))
    assert only(door.server).firing == 0


async def test_a_resolve_finds_the_next_incident_although_the_last_one_is_known_resolved(
    door: Door,
) -> None:
    await door.notify(pod(1))
    await door.notify(pod(1, status="resolved"))
    door.release(only(door.server).name)
    newer = "2026-11-24T19:00:00Z"
    await Door(door.server).notify({**pod(1), "startsAt": newer})
    await door.notify({**pod(1, status="resolved"), "startsAt": newer})
    assert [read_incident(live).firing for live in door.server.stored.values()] == [0, 0]


async def test_a_resolve_reaches_an_incident_whose_playbook_is_gone(door: Door) -> None:
    await door.notify(pod(1))
    door.playbooks = ()
    assert await door.notify(pod(1, status="resolved")) == ["Change"]
    assert only(door.server).firing == 0


async def test_a_resolve_reaches_every_incident_that_has_the_alert(door: Door) -> None:
    await door.notify(pod(1, campaign="a"))
    renamed = PLAYBOOKS.replace("name: pause", "name: other")
    door.playbooks = read_playbooks(renamed, file="x.yaml").playbooks
    await door.notify(pod(1, campaign="a"))
    assert len(door.server.stored) == 2
    await door.notify(pod(1, campaign="a", status="resolved"))
    assert [read_incident(live).firing for live in door.server.stored.values()] == [0, 0]


async def test_a_resolve_that_is_known_costs_no_list(door: Door) -> None:
    await door.notify(pod(1))
    await door.notify(pod(1, status="resolved"))
    reads, writes = door.server.reads, len(door.server.writes)
    assert await door.notify(pod(1, status="resolved")) == ["Known"]
    assert (door.server.reads, len(door.server.writes)) == (reads, writes)


async def test_a_resolve_after_the_incident_was_pruned_ends_nothing(door: Door) -> None:
    await door.notify(pod(1))
    door.server.stored.clear()
    await door.notify(pod(1, status="resolved"))
    assert door.server.stored == {}


async def test_a_sender_that_makes_room_is_gone_from_the_stored_incident(door: Door) -> None:
    """A merge patch keeps whatever it does not say is gone."""
    for number in range(8):
        await door.notify(pod(1), externalURL=f"http://am-{number}")
    (record,) = only(door.server).alerts.values()
    assert len(record.senders) == 6
    assert record == door.view.holding_alert(f"{1:016x}")[0].alerts[f"{1:016x}"]


# -- people


async def test_a_trigger_is_stored_once_however_often_it_is_repeated(door: Door) -> None:
    async def trigger() -> Absorbed:
        stored, incident = await door.intake.trigger(
            door.playbooks[0], {"campaign_id": "a"}, reason="r", by="ada", received=1.0
        )
        assert incident is not None
        assert incident.plan
        return stored.what

    assert await trigger() is Absorbed.OPEN
    assert await trigger() is Absorbed.KNOWN
    assert len(door.server.writes) == 1


async def test_a_trigger_and_an_alert_are_two_incidents(door: Door) -> None:
    """The alert's end must not end what a person wanted."""
    await door.notify(pod(1, campaign="a"))
    await door.intake.trigger(door.playbooks[0], {"campaign": "a"}, reason="", by="", received=1.0)
    assert len(door.server.stored) == 2


async def test_after_a_release_a_trigger_holds_at_once(door: Door) -> None:
    """Also while the last one is still being given back: an emergency brake doesn't say "later"."""
    rule, labels = door.playbooks[0], {"campaign": "a"}
    stored, _ = await door.intake.trigger(rule, labels, reason="", by="ada", received=1.0)
    key = IncidentKey("mail", stored.incident)
    await door.intake.ask(key, Wish.RELEASE, by="ada", reason="")
    again, _ = await door.intake.trigger(rule, labels, reason="", by="ada", received=1.0)
    assert again.what is Absorbed.OPEN
    assert again.incident != stored.incident


async def test_the_first_release_stands(door: Door) -> None:
    await door.notify(pod(1))
    key = IncidentKey("mail", only(door.server).name)
    await door.intake.ask(key, Wish.RELEASE, by="ada", reason="clean")
    found = await door.intake.ask(key, Wish.RELEASE, by="bob", reason="")
    assert found.release is not None
    assert (found.release.by, found.release.reason) == ("ada", "clean")
    assert len(door.server.writes) == 2


async def test_a_release_is_decided_again_when_another_write_came_first(door: Door) -> None:
    await door.notify(pod(1))
    name = only(door.server).name

    def touch_once() -> None:
        door.server.before_write = lambda: None
        door.server.put(door.server.stored[name])

    door.server.before_write = touch_once
    found = await door.intake.ask(IncidentKey("mail", name), Wish.RELEASE, by="ada", reason="")
    assert found.release is not None


async def test_a_release_of_nothing_is_told(door: Door) -> None:
    with pytest.raises(NotFound):
        await door.intake.ask(IncidentKey("mail", "nowhere"), Wish.RELEASE, by="ada", reason="")


# -- what is opened


@pytest.mark.parametrize(
    ("mode", "most", "expected"),
    [
        ("auto", "auto", "auto"),
        ("auto", "observe", "observe"),
        ("auto", "approve", "approve"),
        ("approve", "auto", "approve"),
        ("approve", "observe", "observe"),
        ("observe", "auto", "observe"),
    ],
)
async def test_the_mode_is_capped(mode: str, most: str, expected: str) -> None:
    door = Door(max_mode=most)
    moded = PLAYBOOKS.replace("spec:", f"spec:\n  mode: {mode}")
    door.playbooks = read_playbooks(moded, file="x.yaml").playbooks
    await door.notify(pod(1))
    assert only(door.server).mode == expected


async def test_without_the_label_that_matters_nothing_is_held_and_it_is_recorded(
    door: Door,
) -> None:
    await door.notify(pod(1, campaign=""))
    found = only(door.server)
    assert found.plan == ()
    assert [refusal["reason"] for refusal in found.refusals] == ["MissingLabel"]


HOSTILE = st.text(max_size=40) | st.sampled_from(
    [
        "x" * 5000,
        "<" * 2000,
        "🙂" * 3000,
        "\u0000" * 500,
        "{{ labels }}",
        "../..",
        'a"b\nc',
        "\u202e",
    ]
)


@settings(max_examples=150, deadline=None)
@given(
    campaign=HOSTILE,
    others=st.dictionaries(st.text(min_size=1, max_size=300), HOSTILE, max_size=40),
    summary=HOSTILE,
    receiver=HOSTILE,
    url=HOSTILE,
    digits=st.integers(0, 200),
)
def test_whatever_a_sender_says_is_stored_beside_its_neighbour(
    *,
    campaign: str,
    others: dict[str, str],
    summary: str,
    receiver: str,
    url: str,
    digits: int,
) -> None:
    """By the resource's own schema; refused, but recorded, where it can't be a name."""
    hostile = pod(1)
    hostile["labels"] = others | {"alertname": "HighBounceRate", "campaign": campaign}
    hostile["annotations"] = {"summary": summary}
    hostile["startsAt"] = f"2026-11-24T18:00:00.1{'0' * digits}Z"
    hostile["endsAt"] = url
    door = Door()
    told = asyncio.run(
        door.notify(hostile, pod(2, campaign="the neighbour"), receiver=receiver, externalURL=url)
    )
    assert set(told) == {"Open"}
    found = [read_incident(live) for live in door.server.stored.values()]
    held = {ask.target for incident in found for ask in incident.plan}
    assert held <= {campaign, "the neighbour"}
    assert "the neighbour" in held


async def test_two_hundred_hostile_alerts_still_fit() -> None:
    """The labels, the sender and the summary are the sender's; the room is etcd's."""
    door = Door()
    worst = "<🙂" * 500
    alerts = []
    for number in range(250):
        each = pod(number)
        each["labels"] |= {f"{number}{worst[:200]}{index}": worst for index in range(60)}
        each["annotations"] = {"summary": worst}
        alerts.append(each)
    for sender in range(10):
        await door.notify(*alerts, externalURL=f"http://{sender}/{worst}")
    found = only(door.server)
    assert (len(found.alerts), found.alerts_omitted) == (200, 50)


async def test_a_draft_is_what_a_trigger_would_open(door: Door) -> None:
    trigger = Trigger("manual", by="ada", reason="why")
    draft = door.intake.draft(door.playbooks[0], {"campaign_id": "a"}, trigger=trigger)
    assert door.server.writes == []
    stored, incident = await door.intake.trigger(
        door.playbooks[0], {"campaign_id": "a"}, reason="why", by="ada", received=1.0
    )
    assert incident is not None
    assert (stored.incident, incident.plan, incident.trigger) == (
        draft.name,
        draft.plan,
        draft.trigger,
    )


LONG_ID = "<🙂>" * 66
"""A valid id of the longest kind, which takes the most bytes."""


@pytest.mark.parametrize(
    ("name", "labels", "holds", "more"),
    [
        pytest.param("x" * 63, 1, 1, "", id="the longest name"),
        pytest.param("x", 20, 1, "", id="the most labels that matter"),
        pytest.param("x", 1, 50, "", id="the most holds"),
        pytest.param("x", 1, 1, "  resume: {start: {after: 365d}}", id="the longest cool-down"),
        pytest.param(
            "x",
            1,
            1,
            "  resume: {start: {after: 1h, acknowledged: true}, steps: [10%]}",
            id="a person is needed",
        ),
        pytest.param("x", 1, 1, "  mode: approve\n  reviewAfter: 365d", id="approval"),
    ],
)
async def test_whatever_a_valid_playbook_asks_for_can_be_stored(
    door: Door, name: str, labels: int, holds: int, more: str
) -> None:
    """A playbook that passes `check` and opens no incident would be a brake that is not there."""
    names = [f"label{number}" for number in range(labels)]
    lines = "    - throttle: {campaign: '{{ labels.label0 }}', provider: '{{ labels.label0 }}'"
    text = f"""
metadata: {{name: {name}}}
spec:
  matchers: [alertname="HighBounceRate"]
  incidentPer: [{", ".join(names)}]
  holds:
{chr(10).join([f"{lines}, to: 50%}}"] * holds)}
{more}
"""
    loaded = read_playbooks(text, file="x.yaml")
    assert loaded.errors == ()
    door.playbooks = loaded.playbooks
    given = pod(1, **dict.fromkeys(names, LONG_ID))
    (stored,) = await door.intake.accept(read(given), received=1.0)
    assert stored.message == ""
    assert len(only(door.server).plan) == holds

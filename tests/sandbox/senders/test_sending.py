import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from responder.holds.sending import document_key
from responder.sandbox.senders.campaigns import Campaign, Outcome, Outcomes
from responder.sandbox.senders.field import Field
from responder.sandbox.senders.mounts import Mount

SALE = Campaign(
    "sale",
    per_minute=600,
    workload="sender",
    providers={"gmail": 0.5, "yahoo": 0.5},
    segments={"old": 0.2, "new": 0.8},
)
NEWS = Campaign("news", per_minute=100, workload="sender")
ALERTS = Campaign("login", per_minute=60, stream="transactional", pool="warm", workload="sender")
HALF = {"sale": 300, "news": 100, "login": 60}
NO_OLD = {"sale": 480, "news": 100, "login": 60}
POOL = {"sale": 60, "news": 10, "login": 60}


class Cluster:
    """ConfigMaps in a dictionary, and so many pods of whatever."""

    def __init__(self, pods: int = 1) -> None:
        self.maps: dict[str, dict[str, str]] = {}
        self.pods = pods

    def hold(self, name: str, key: str, **limits: object) -> None:
        self.maps.setdefault(name, {})[key] = json.dumps(limits)

    async def read_config_map(self, name: str) -> dict[str, str] | None:
        return self.maps.get(name)

    async def ready_replicas(self, workload: str) -> int:
        return self.pods if workload == "sender" else 0


def field_of(folder: Path, outcomes: Outcomes | None = None, speed: float = 1.0) -> Field:
    return Field([SALE, NEWS, ALERTS], outcomes=outcomes or Outcomes(), folder=folder, speed=speed)


async def sent(field: Field, cluster: Cluster, *, label: str = "campaign") -> dict[str, int]:
    """Attempts in one minute of many steps, by a label."""
    told: Counter[str] = Counter()
    replicas = await field.sync(cluster)
    for _ in range(240):
        for what, lane, times in field.step(seconds=0.25, replicas=replicas).happened:
            if what == "attempts":
                told[getattr(lane, label)] += times
    return dict(told)


async def test_rates_and_replicas_without_holds(tmp_path: Path) -> None:
    assert await sent(field_of(tmp_path), Cluster(2)) == {"sale": 1200, "news": 200, "login": 120}


async def test_no_pods_send_nothing(tmp_path: Path) -> None:
    assert await sent(field_of(tmp_path), Cluster(0)) == {}


@pytest.mark.parametrize(
    ("name", "key", "limits", "expected"),
    [
        ("sale", "hold.json", {"share": 0}, {"news": 100, "login": 60}),
        ("sale", "hold.json", {"share": 0.1}, {"sale": 60, "news": 100, "login": 60}),
        ("sale", "hold.json", {"perMinute": 30}, {"sale": 30, "news": 100, "login": 60}),
        ("sale", "hold.json", {"providers": {"gmail": 0}}, HALF),
        ("sale", "hold.json", {"suppress": ["old"]}, {"sale": 480, "news": 100, "login": 60}),
        ("sending-holds", "segment.old.json", {"share": 0}, NO_OLD),
        ("sending-holds", "provider.gmail.json", {"share": 0}, {"sale": 300}),
        ("sending-holds", "pool.bulk.json", {"share": 0}, {"login": 60}),
        ("sending-holds", "pool.bulk.json", {"perMinute": 70}, POOL),
        ("sending-holds", "pool.other.json", {"share": 0}, {"sale": 600, "news": 100, "login": 60}),
    ],
    ids=[
        "paused", "a tenth", "a minute", "a provider", "suppressed", "a segment", "everywhere",
        "a pool", "one limit of a pool is shared", "another pool",
    ],
)  # fmt: skip
async def test_holds(
    tmp_path: Path, name: str, key: str, limits: dict[str, Any], expected: dict[str, int]
) -> None:
    cluster, field = Cluster(), field_of(tmp_path)
    cluster.hold(name, key, **limits)
    found = await sent(field, cluster)
    assert found.keys() == expected.keys()
    assert found == pytest.approx(expected, abs=4)  # each of four lanes may owe a fraction
    withheld = 760 - sum(expected.values())
    assert sum(field.sending.withheld.values()) == pytest.approx(withheld)


async def test_narrower_limits_never_loosen_the_campaigns_own(tmp_path: Path) -> None:
    cluster, field = Cluster(), field_of(tmp_path)
    cluster.hold("sale", "hold.json", perMinute=100)
    cluster.hold("sending-holds", "provider.gmail.json", perMinute=60)
    assert (await sent(field, cluster))["sale"] <= 100


async def test_a_hold_routes_to_another_pool(tmp_path: Path) -> None:
    cluster, field = Cluster(), field_of(tmp_path)
    cluster.hold("sale", "hold.json", pool="quarantine")
    assert await sent(field, cluster, label="pool") == {"quarantine": 600, "bulk": 100, "warm": 60}


@pytest.mark.parametrize("text", ["{", "[]", '"a"', '{"share": "much"}', '{"providers": [1]}', ""])
async def test_an_unreadable_document_stops_bulk_and_is_told(tmp_path: Path, text: str) -> None:
    cluster, field = Cluster(), field_of(tmp_path)
    cluster.maps = {"sale": {"hold.json": text}, "login": {"hold.json": text}}
    assert await sent(field, cluster) == {"news": 100, "login": 60}
    told = field.exposition.text().decode()
    assert 'mail_hold_unreadable{campaign="sale"} 1.0' in told
    assert 'mail_hold_unreadable{campaign="news"} 0.0' in told


async def test_a_hold_that_is_given_back_is_over(tmp_path: Path) -> None:
    cluster, field = Cluster(), field_of(tmp_path)
    cluster.hold("sale", "hold.json", share=0, id="5f1c9a")
    await sent(field, cluster)
    observed = 'mail_hold_observed{campaign="sale",id="5f1c9a"} 1.0'
    assert observed in field.exposition.text().decode()
    del cluster.maps["sale"]["hold.json"]
    assert (await sent(field, cluster))["sale"] == 600
    assert observed not in field.exposition.text().decode()


async def test_outcomes_can_change_while_it_runs(tmp_path: Path) -> None:
    outcomes, cluster = Outcomes(), Cluster()
    field = field_of(tmp_path, outcomes)
    outcomes.change(Outcome(hard_bounces=0.1, soft_bounces=0.05, complaints=0.5), campaign="sale")
    outcomes.change(Outcome(blocks=1.0), campaign="sale", provider="yahoo", segment="old")
    await sent(field, cluster)
    labels = (
        'campaign="sale",mailbox_provider="gmail",pool="bulk",segment="new",stream="bulk",tenant=""'
    )
    told = field.exposition.text().decode()
    assert f"mail_attempts_total{{{labels}}} 240.0" in told
    assert f'mail_bounces_total{{{labels},type="hard"}} 24.0' in told
    # 204, and one that fell due as hard and as soft at once: a later one makes up for it.
    assert f"mail_delivered_total{{{labels}}} 205.0" in told
    assert f"mail_complaints_total{{{labels}}} 102.0" in told
    assert f"email_bounces_total{{{labels}}} 36.0" in told
    other = labels.replace("gmail", "yahoo").replace("new", "old")
    assert f'mail_bounces_total{{{other},type="block"}} 60.0' in told
    outcomes.change(Outcome(), campaign="sale")
    await sent(field, cluster)
    assert f'mail_bounces_total{{{labels},type="hard"}} 24.0' in field.exposition.text().decode()


def test_what_was_said_last_of_a_message_counts() -> None:
    outcomes, fine, bad, worse = Outcomes(), Outcome(), Outcome(blocks=0.1), Outcome(blocks=0.2)

    def told() -> list[Outcome]:
        lanes = (("sale", "gmail"), ("sale", "yahoo"), ("news", "gmail"))
        return [outcomes.of(name, provider=at, segment="all") for name, at in lanes]

    outcomes.change(fine, campaign="sale")
    outcomes.change(bad)
    assert told() == [bad, bad, bad]
    outcomes.change(worse, provider="gmail")
    assert told() == [worse, bad, worse]
    outcomes.change(fine, campaign="sale")
    assert told() == [fine, fine, worse]


@given(cuts=st.lists(st.floats(0.01, 2.0), min_size=1, max_size=40))
def test_how_time_is_cut_into_steps_makes_no_difference(
    cuts: list[float], tmp_path_factory: pytest.TempPathFactory
) -> None:
    field = field_of(tmp_path_factory.mktemp("field"))
    whole: Counter[str] = Counter()
    for seconds in cuts:
        for what, lane, times in field.sending.step(
            minutes=seconds / 60, replicas={"sender": 3}, holds={}
        ).happened:
            whole[lane.campaign] += times if what == "attempts" else 0
    for campaign, lanes in ((SALE, 4), (NEWS, 1), (ALERTS, 1)):
        exact = campaign.per_minute * 3 * sum(cuts) / 60
        assert exact - lanes - 1e-6 <= whole[campaign.name] <= exact + 1e-6


@pytest.mark.parametrize("name", ["old", "Größe & Alter", "a/b", "x" * 201])
async def test_unsafe_ids_are_found_as_the_responder_writes_them(tmp_path: Path, name: str) -> None:
    campaign = Campaign("c", per_minute=60, segments={name: 1.0})
    field = Field([campaign], outcomes=Outcomes(), folder=tmp_path)
    cluster = Cluster()
    cluster.hold("sending-holds", document_key("segment", name), share=0)
    assert await sent(field, cluster) == {}


def test_a_mount_shows_exactly_the_keys_that_there_are(tmp_path: Path) -> None:
    mount = Mount(tmp_path / "m")
    for data in ({"a": "1", "b": "2"}, {"b": "3"}, None, {"c": "4"}):
        mount.show(data)
        shown = {
            path.name: path.read_text()
            for path in (tmp_path / "m").iterdir()
            if not path.name.startswith("..")
        }
        assert shown == (data or {})
    assert len(list((tmp_path / "m").iterdir())) == 3  # no old version is left behind

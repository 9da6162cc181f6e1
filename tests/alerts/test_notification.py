"""Bodies as senders send them: `payloads/` were received from Alertmanager 0.31.1 and 0.34.1."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from responder.alerts.notification import (
    MOST_ALERTS,
    Alert,
    BadNotification,
    Notification,
    Reading,
    read_alertmanager,
)
from responder.errors import Problem

no_deadline = settings(deadline=None)  # the machine may be busy with other tests
PAYLOADS = Path(__file__).parent / "payloads"
REMOVE_PAYLOAD = "remove the `payload` option of Alertmanager's webhook receiver"
Body = dict[str, Any]


def payload(name: str) -> bytes:
    return (PAYLOADS / f"{name}.json").read_bytes()


def alert(number: int = 1, **changes: object) -> Body:
    sent: Body = {
        "status": "firing",
        "labels": {"alertname": "HighBounceRate", "campaign": f"campaign-{number}"},
        "annotations": {"summary": "hard bounces 12 %"},
        "startsAt": "2026-11-24T18:00:00.123456789Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus.example/graph",
        "fingerprint": f"{number:016x}",
    }
    return sent | changes


def body(*alerts: object, **changes: object) -> Body:
    sent: Body = {
        "receiver": "responder",
        "status": "firing",
        "alerts": list(alerts),
        "groupLabels": {"alertname": "HighBounceRate"},
        "commonLabels": {"alertname": "HighBounceRate"},
        "commonAnnotations": {},
        "externalURL": "http://alertmanager.example",
        "version": "4",
        "groupKey": '{}:{alertname="HighBounceRate"}',
        "truncatedAlerts": 0,
    }
    return sent | changes


def without(sent: Body, *keys: str) -> Body:
    return {key: value for key, value in sent.items() if key not in keys}


def read(sent: object) -> Reading:
    return read_alertmanager(sent if isinstance(sent, bytes) else json.dumps(sent).encode())


def problems_with(sent: object) -> tuple[Problem, ...]:
    with pytest.raises(BadNotification) as caught:
        read(sent)
    return caught.value.problems


class TestRealBodies:
    def test_a_firing_alert_is_read_whole(self) -> None:
        assert read_alertmanager(payload("firing")) == Reading(
            Notification(
                version="4",
                receiver="mail\\.brake",
                status="firing",
                group_key='{}:{alertname="HighBounceRate"}',
                truncated_alerts=0,
                external_url="http://alertmanager.example",
                alerts=(
                    Alert(
                        status="firing",
                        labels={
                            "alertname": "HighBounceRate",
                            "campaign": "spring-sale",
                            "namespace": "mail",
                            "pod": "email-sender-7d9f-abcde",
                            "severity": "critical",
                        },
                        annotations={"summary": "hard bounces 12 %"},
                        starts_at="2026-11-24T20:17:59.123456789Z",
                        ends_at="0001-01-01T00:00:00Z",
                        generator_url="http://prometheus.example/graph?g0.expr=increase%28"
                        "email_bounces_total%5B5m%5D%29+%3E+50&g0.tab=1",
                        fingerprint="4cfcbf79a05e5ea5",
                    ),
                ),
            )
        )

    def test_firing_and_resolved_alerts_come_mixed_under_the_status_firing(self) -> None:
        notification = read_alertmanager(payload("mixed")).notification
        assert notification.status == "firing"
        assert [sent.status for sent in notification.alerts] == ["resolved", "firing"]
        assert notification.alerts[0].ends_at == "2026-11-24T20:19:39.000000001Z"

    def test_a_resolved_group_is_read(self) -> None:
        notification = read_alertmanager(payload("resolved")).notification
        assert notification.status == "resolved"
        assert [sent.status for sent in notification.alerts] == ["resolved"]

    def test_an_occurrence_keeps_its_start_to_the_nanosecond(self) -> None:
        first, second = read_alertmanager(payload("mixed")).notification.alerts
        assert first.starts_at_ns == 1_795_551_479_123_456_789
        assert second.starts_at_ns == 1_795_551_489_500_000_000

    def test_truncation_is_told(self) -> None:
        notification = read_alertmanager(payload("truncated")).notification
        assert notification.truncated_alerts == 3
        assert len(notification.alerts) == 2

    def test_label_names_and_values_may_be_any_text(self) -> None:
        (sent,) = read_alertmanager(payload("utf8")).notification.alerts
        assert sent.labels == {
            "alertname": "Beschwerden über <Grenze> & „Spam“",
            "kampagne.name": "frühling 🌷",
            "活動": "春のセール",
            "path": 'C:\\mail\n"x"\u2028',
        }
        assert sent.starts_at == "2026-11-24T20:19:40+02:00"

    def test_keys_of_later_versions_are_ignored(self) -> None:
        sent = payload("later-keys")
        assert {"notification_reason", "routeLabels"} <= json.loads(sent).keys()
        reading = read_alertmanager(sent)
        assert [one.status for one in reading.notification.alerts] == ["firing", "resolved"]
        assert reading.rejected == ()

    def test_a_custom_payload_says_what_to_change_in_alertmanager(self) -> None:
        problems = problems_with(payload("custom-payload"))
        assert {problem.field for problem in problems} == {
            *("version", "status", "receiver", "groupKey")
        }
        assert {problem.fix for problem in problems} == {REMOVE_PAYLOAD}

    def test_a_body_of_grafana_is_sent_to_its_own_path(self) -> None:
        (problem,) = problems_with(payload("grafana"))
        assert "Grafana" in problem.message
        assert "/webhooks/grafana" in problem.fix


class TestManyBadAlerts:
    def test_more_than_can_be_judged_in_time_are_refused_at_once(self) -> None:
        text = json.dumps(body(alert(1)))
        many = text.replace('"alerts": [', '"alerts": [' + "{}," * MOST_ALERTS)
        (problem,) = problems_with(json.loads(many))
        assert problem.field == "alerts"
        assert f"{MOST_ALERTS + 1} alerts" in problem.message
        assert "max_alerts" in problem.fix

    def test_of_many_that_are_wrong_the_first_are_explained_and_all_are_named(self) -> None:
        reading = read(body(alert(1), *({} for _ in range(150))))
        assert len(reading.rejected) == 150
        assert len(reading.rejected[0].problems) > 1
        (last,) = reading.rejected[-1].problems
        assert (last.field, last.message) == ("alerts[150]", "can't be read either")


class TestOneBadAlert:
    def test_one_among_fifty_keeps_the_other_49(self) -> None:
        alerts = [alert(number) for number in range(50)]
        alerts[17]["labels"]["severity"] = 5
        reading = read(body(*alerts))
        kept = [sent.fingerprint for sent in reading.notification.alerts]
        assert kept == [f"{number:016x}" for number in range(50) if number != 17]
        (rejected,) = reading.rejected
        assert rejected.index == 17
        assert rejected.fingerprint == f"{17:016x}"
        (problem,) = rejected.problems
        assert problem.field == "alerts[17].labels.severity"
        assert "5 is not a valid string" in problem.message

    @pytest.mark.parametrize(
        ("bad", "field", "said"),
        [
            pytest.param(alert(status="pending"), "status", "'pending'", id="status"),
            pytest.param(without(alert(), "status"), "status", "missing", id="no-status"),
            pytest.param(without(alert(), "labels"), "labels", "missing", id="no-labels"),
            pytest.param(alert(labels={}), "labels", "empty", id="labels-empty"),
            pytest.param(alert(labels=["a"]), "labels", "a list", id="labels-a-list"),
            pytest.param(alert(labels={"a": None}), "labels.a", "null", id="label-null"),
            pytest.param(alert(labels={"a": {}}), "labels.a", "an object", id="label-an-object"),
            pytest.param(alert(labels={"a": True}), "labels.a", "true", id="label-a-boolean"),
            pytest.param(alert(annotations={"a": 1}), "annotations.a", "1 is", id="annotation"),
            pytest.param(without(alert(), "startsAt"), "startsAt", "missing", id="no-start"),
            pytest.param(alert(startsAt="yesterday"), "startsAt", "'yesterday'", id="start"),
            pytest.param(alert(startsAt="2026-02-30T00:00:00Z"), "startsAt", "-30T", id="no-day"),
            pytest.param(alert(startsAt=1795543200), "startsAt", "1795543200", id="start-a-number"),
            pytest.param(without(alert(), "fingerprint"), "fingerprint", "missing", id="no-finger"),
            pytest.param(alert(fingerprint="ABC"), "fingerprint", "'ABC'", id="fingerprint"),
            pytest.param(alert(fingerprint="é" * 16), "fingerprint", "é", id="fingerprint-hex"),
            pytest.param(alert(fingerprint="0" * 17), "fingerprint", "000", id="fingerprint-long"),
            pytest.param("junk", "", "'junk'", id="alert-a-string"),
            pytest.param(None, "", "null", id="alert-null"),
            pytest.param([], "", "a list", id="alert-a-list"),
        ],
    )
    def test_it_is_left_out_alone_with_field_and_fix(
        self, bad: object, field: str, said: str
    ) -> None:
        reading = read(body(alert(1), bad, alert(3)))
        assert [sent.fingerprint[-1] for sent in reading.notification.alerts] == ["1", "3"]
        (rejected,) = reading.rejected
        (problem,) = rejected.problems
        assert problem.field == f"alerts[1].{field}".rstrip(".")
        assert said in problem.message
        assert problem.fix

    def test_all_that_is_wrong_with_it_is_told_at_once(self) -> None:
        bad = alert(status="pending", startsAt="", fingerprint="x")
        (rejected,) = read(body(alert(), bad)).rejected
        assert [problem.field for problem in rejected.problems] == [
            "alerts[1].status",
            "alerts[1].startsAt",
            "alerts[1].fingerprint",
        ]

    @pytest.mark.parametrize(
        "spoilt",
        [
            pytest.param(b"\xff", id="no-utf8"),
            pytest.param(b"\\ud800", id="lone-surrogate"),
            pytest.param(b"\xed\xa0\x80", id="surrogate-as-utf8"),
        ],
    )
    def test_text_that_is_none_spoils_its_own_alert_only(self, spoilt: bytes) -> None:
        sent = json.dumps(body(alert(1), alert(2))).encode()
        reading = read_alertmanager(sent.replace(b"campaign-1", b"campaign-" + spoilt))
        assert [one.labels["campaign"] for one in reading.notification.alerts] == ["campaign-2"]
        (rejected,) = reading.rejected
        assert rejected.problems[0].field == "alerts[0]"
        assert "UTF-8" in rejected.problems[0].message

    def test_a_fingerprint_that_is_no_text_can_be_reported(self) -> None:
        sent = json.dumps(body(alert(1), alert(2))).encode()
        reading = read_alertmanager(sent.replace(f"{1:016x}".encode(), b"\\ud800" + b"f" * 500))
        (rejected,) = reading.rejected
        assert rejected.fingerprint.encode()
        assert len(rejected.fingerprint) < 100

    def test_nesting_spoils_its_own_alert_only(self) -> None:
        deep = alert(1, later="@")
        sent = json.dumps(body(deep, alert(2))).replace('"@"', "[" * 300 + "]" * 300)
        reading = read_alertmanager(sent.encode())
        assert [one.fingerprint for one in reading.notification.alerts] == [f"{2:016x}"]
        assert "nested too deeply" in reading.rejected[0].problems[0].message

    def test_what_is_told_of_it_is_bounded(self) -> None:
        labels = {f"{number}" * 1000: number for number in range(1000)}
        reading = read(body(alert(1), alert(2, labels=labels)))
        (rejected,) = reading.rejected
        assert len(rejected.problems) < 10
        assert sum(len(str(problem)) for problem in rejected.problems) < 2000


class TestTolerance:
    def test_only_what_is_acted_on_must_be_there(self) -> None:
        sent = without(alert(), "annotations", "endsAt", "generatorURL")
        more = ("truncatedAlerts", "externalURL", "groupLabels", "commonLabels")
        (one,) = read(without(body(sent), *more)).notification.alerts
        assert (one.annotations, one.ends_at, one.generator_url) == ({}, "0001-01-01T00:00:00Z", "")

    def test_an_end_that_is_no_time_keeps_the_alert(self) -> None:
        assert len(read(body(alert(endsAt="never"))).notification.alerts) == 1

    def test_unknown_keys_are_ignored_wherever_they_stand(self) -> None:
        sent = body(alert(values=None, later={"a": [1]}), later=[{}], commonLabels=5)
        assert read(sent) == read(body(alert()))

    def test_of_a_key_that_stands_twice_the_last_counts_as_in_go(self) -> None:
        sent = json.dumps(body(alert(), alert(2, status="?")))
        for text in (sent, sent.replace('"?"', '"firing"')):  # piece by piece, and in one go
            twice = text.replace(
                '"status": "firing", "labels"', '"status": 1, "status": "resolved", "labels"', 1
            )
            assert read(twice.encode()).notification.alerts[0].status == "resolved"

    def test_a_model_cannot_be_changed(self) -> None:
        (one,) = read(body(alert())).notification.alerts
        with pytest.raises(ValidationError):
            one.status = "resolved"  # type: ignore[misc]


class TestRefusal:
    @pytest.mark.parametrize(
        ("sent", "field", "said", "fix"),
        [
            pytest.param(b"", "", "not JSON", "`payload`", id="empty"),
            pytest.param(b"alert!", "", "not JSON", "`payload`", id="junk"),
            pytest.param(b"\xff\xfe\x00", "", "not JSON", "`payload`", id="binary"),
            pytest.param(b'{"version": "4"', "", "not JSON", "`payload`", id="cut-off"),
            pytest.param(b"{} {}", "", "not JSON", "`payload`", id="two-objects"),
            pytest.param([alert()], "", "a list, not an object", "`payload`", id="list"),
            pytest.param("text", "", "a string, not an object", "`payload`", id="string"),
            pytest.param(5, "", "a number, not an object", "`payload`", id="number"),
            pytest.param(None, "", "null, not an object", "`payload`", id="null"),
            pytest.param(b"[" * 100_000, "", "too deeply", 'version "4"', id="deep-list"),
            pytest.param(b'{"a":' * 100_000, "", "too deeply", 'version "4"', id="deep-object"),
            pytest.param(
                without(body(alert()), "groupKey"), "groupKey", "missing", "`payload`", id="no-key"
            ),
            pytest.param(body(alert(), version="3"), "version", "'3'", 'version "4"', id="older"),
            pytest.param(body(alert(), version=4), "version", "4 is not", '"4"', id="no-string"),
            pytest.param(
                body(alert(), version="1"), "", "Grafana", "/webhooks/grafana", id="grafana"
            ),
            pytest.param(body(alerts=None), "alerts", "null", 'version "4"', id="alerts-null"),
            pytest.param(body(alerts={}), "alerts", "an object", '"4"', id="alerts-an-object"),
            pytest.param(body(), "alerts", "empty", 'version "4"', id="no-alerts"),
            pytest.param(
                body(alert(status="?")), "alerts[0].status", "'?'", "firing", id="no-good-alert"
            ),
            pytest.param(
                body(alert(), status="odd"), "status", "'odd'", "firing", id="status-of-the-group"
            ),
            pytest.param(body(alert(), receiver=1), "receiver", "1 is", '"4"', id="receiver"),
            pytest.param(
                body(alert(), truncatedAlerts=-1), "truncatedAlerts", "-1", "whole", id="negative"
            ),
            pytest.param(
                json.dumps(body(alert(), truncatedAlerts="@")).replace('"@"', "9" * 5000).encode(),
                *("truncatedAlerts", "Infinity", "whole"),
                id="huge-number",
            ),
            pytest.param(
                json.dumps(body(alert())).replace("responder", "\\ud800").encode(),
                *("", "UTF-8", "UTF-8"),
                id="lone-surrogate",
            ),
        ],
    )
    def test_a_body_that_is_never_right_is_refused_with_field_and_fix(
        self, sent: object, field: str, said: str, fix: str
    ) -> None:
        (problem,) = problems_with(sent)
        assert problem.field == field
        assert said in problem.message
        assert fix in problem.fix

    def test_a_huge_number_where_nobody_looks_does_not_matter(self) -> None:
        sent = json.dumps(body(alert(later="@"), alert(2))).replace('"@"', "9" * 5000)
        assert len(read(sent.encode()).notification.alerts) == 2

    def test_every_mistake_of_every_alert_is_told_up_to_a_bound(self) -> None:
        assert len(problems_with(body(*([alert(status="?")] * 3)))) == 3
        many = problems_with(body(*([alert(status="?" * 5000)] * 1000)))
        assert len(many) == 20
        assert sum(len(str(problem)) for problem in many) < 5000


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["version", "alerts", "status", "labels", "startsAt", "a"]), inner
        )
    ),
    max_leaves=12,
)


@no_deadline
@given(st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_body_is_read_or_refused_and_nothing_else(sent: bytes) -> None:
    with pytest.raises(BadNotification) as caught:
        read_alertmanager(sent)
    assert str(caught.value).encode()
    assert all(problem.fix for problem in caught.value.problems)


@no_deadline
@given(st.data())
def test_any_change_to_one_alert_leaves_its_neighbours_alone(data: st.DataObject) -> None:
    changed = alert(1)
    key = data.draw(st.sampled_from(sorted(changed)))
    changed[key] = data.draw(JSON)
    neighbours = [alert(2), alert(3)]
    reading = read(body(neighbours[0], changed, neighbours[1]))
    alone = read(body(*copy.deepcopy(neighbours))).notification.alerts
    kept = reading.notification.alerts
    assert [kept[0], kept[-1]] == list(alone)
    assert len(kept) + len(reading.rejected) == 3
    assert all(problem.fix for one in reading.rejected for problem in one.problems)

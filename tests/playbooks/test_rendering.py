"""A hold becomes one ask, or is refused by itself; nothing that a label holds makes it wider."""

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from responder.playbooks.asks import Ask
from responder.playbooks.loading import read_playbooks
from responder.playbooks.names import subdomain_fault
from responder.playbooks.refusals import RefusalReason
from responder.playbooks.rendering import Rendering, render
from responder.playbooks.schema import Playbook

LABELS = {
    "alertname": "HighBounceRate",
    "campaign": "spring",
    "pool": "bulk",
    "mailbox_provider": "gmail",
    "segment": "seg-17",
    "namespace": "mail",
}


def playbook(*holds: str) -> Playbook:
    text = "spec:\n  matchers: ['alertname=\"HighBounceRate\"']\n  holds:\n"
    loaded = read_playbooks(
        text + "".join(f"    - {hold}\n" for hold in holds), file="bounces.yaml"
    )
    assert not loaded.errors
    return loaded.playbooks[0]


def rendered(*holds: str, labels: dict[str, str] | None = None) -> Rendering:
    return render(
        playbook(*holds),
        LABELS if labels is None else labels,
        home_namespace="responder",
        allowed_namespaces=frozenset({"mail"}),
    )


def only_ask(hold: str) -> Ask:
    rendering = rendered(hold)
    assert not rendering.refusals
    (ask,) = rendering.asks
    return ask


def only_reason(hold: str, labels: dict[str, str] | None = None) -> RefusalReason:
    rendering = rendered(hold, labels=labels)
    assert not rendering.asks
    (refusal,) = rendering.refusals
    return refusal.reason


@pytest.mark.parametrize(
    ("hold", "kind", "target", "limit"),
    [
        ("pause: {campaign: '{{ labels.campaign }}'}", "campaign", "spring", {"share": 0.0}),
        ("pause: {pool: '{{ labels.pool }}'}", "pool", "bulk", {"share": 0.0}),
        ("pause: {segment: seg-17}", "segment", "seg-17", {"share": 0.0}),
        ("pause: {provider: gmail}", "provider", "gmail", {"share": 0.0}),
        (
            "pause: {pool: bulk, provider: '{{ labels.mailbox_provider }}'}",
            "pool",
            "bulk",
            {"providers": {"gmail": 0.0}},
        ),
        (
            "pause: {campaign: spring, inFlight: drop}",
            "campaign",
            "spring",
            {"share": 0.0, "inFlight": "drop"},
        ),
        ("throttle: {pool: bulk, to: 50%}", "pool", "bulk", {"share": 0.5}),
        ("throttle: {provider: gmail, to: 2.5%}", "provider", "gmail", {"share": 0.025}),
        ("throttle: {provider: gmail, perMinute: 9}", "provider", "gmail", {"perMinute": 9}),
        (
            "throttle: {campaign: spring, provider: gmail, to: 10%}",
            "campaign",
            "spring",
            {"providers": {"gmail": 0.1}},
        ),
        (
            "throttle: {campaign: spring, perMinute: 100, inFlight: finish}",
            "campaign",
            "spring",
            {"perMinute": 100, "inFlight": "finish"},
        ),
        (
            "reroute: {campaign: spring, to: quarantine}",
            "campaign",
            "spring",
            {"pool": "quarantine"},
        ),
        ("reroute: {segment: a, to: b}", "segment", "a", {"pool": "b"}),
        (
            "suppress: {campaign: spring, segment: '{{ labels.segment }}'}",
            "campaign",
            "spring",
            {"suppress": ["seg-17"]},
        ),
        ("suppress: {pool: bulk, segment: a}", "pool", "bulk", {"suppress": ["a"]}),
        ("suppress: {segment: a}", "segment", "a", {"share": 0.0}),
    ],
)
def test_what_sending_verbs_ask_for(
    hold: str, kind: str, target: str, limit: dict[str, Any]
) -> None:
    ask = only_ask(hold)
    assert (ask.control, ask.namespace) == ("sending", "responder")
    assert (ask.target_kind, ask.target, ask.limit) == (kind, target, limit)
    assert ask.verb == hold.partition(":")[0]


def test_scaling_asks_for_replicas_of_a_deployment() -> None:
    assert only_ask("scale: {deployment: email-sender, to: 2, namespace: mail}") == Ask(
        control="replicas",
        namespace="mail",
        target_kind="Deployment",
        target="email-sender",
        limit={"replicas": 2},
        verb="scale",
    )


@pytest.mark.parametrize(
    ("selector", "kind"), [("campaign: spring", "campaign"), ("configMap: spring", "ConfigMap")]
)
def test_setting_asks_for_a_value_of_a_plain_key(selector: str, kind: str) -> None:
    hold = f"set: {{{selector}, key: state, order: [active, slow, paused], to: slow}}"
    ask = only_ask(hold)
    assert (ask.control, ask.target_kind, ask.target) == ("keys", kind, "spring")
    assert ask.limit == {"key": "state", "order": ["active", "slow", "paused"], "value": "slow"}


@pytest.mark.parametrize(
    "hold",
    [
        "suspend: {cronJob: nightly-digest}",
        "suspend: {job: import}",
        "shift: {httpRoute: mail, keep: 10%}",
        "scale: {statefulSet: email-sender, to: 2}",
    ],
)
def test_what_is_not_yet_acted_on_is_refused(hold: str) -> None:
    assert only_reason(hold) == "NotYetActedOn"


@pytest.mark.parametrize(
    "hold",
    [
        "pause: {pool: bulk, provider: '{{ labels.gone }}'}",
        "pause: {campaign: '{{ labels.gone }}'}",
        "throttle: {campaign: spring, provider: '{{ labels.gone }}', to: 10%}",
        "suppress: {campaign: '{{ labels.gone }}', segment: seg-17}",
        "suppress: {campaign: spring, segment: '{{ labels.gone }}'}",
        "reroute: {campaign: spring, to: '{{ labels.gone }}'}",
        "pause: {campaign: spring, namespace: '{{ labels.gone }}'}",
        "scale: {deployment: 'sender-{{ labels.gone }}', to: 0}",
        "set: {configMap: '{{ labels.gone }}', key: k, order: [a, b], to: b}",
    ],
)
@pytest.mark.parametrize("labels", [{}, {"gone": ""}], ids=["missing", "empty"])
def test_a_label_that_says_nothing_refuses_the_hold_and_never_widens_it(
    hold: str, labels: dict[str, str]
) -> None:
    assert only_reason(hold, labels) == "MissingLabel"


@pytest.mark.parametrize(
    ("hold", "reason"),
    [
        ("scale: {deployment: '{{ labels.x }}', to: 2}", "InvalidName"),
        ("set: {configMap: '{{ labels.x }}', key: k, order: [a, b], to: b}", "InvalidName"),
        ("pause: {campaign: spring, namespace: '{{ labels.x }}'}", "InvalidName"),
    ],
)
@pytest.mark.parametrize("value", ["../etc", "A", "a b", "a\n", "-a", "\u0430", "x" * 300])
def test_a_name_that_is_none_refuses_the_hold(hold: str, reason: RefusalReason, value: str) -> None:
    assert only_reason(hold, {"x": value}) == reason


def test_our_own_config_map_is_no_target_whatever_a_label_says() -> None:
    hold = "set: {configMap: '{{ labels.x }}', key: k, order: [a, b], to: b}"
    assert only_reason(hold, {"x": "sending-holds"}) == "InvalidName"


def test_a_pool_is_not_rerouted_to_itself_by_a_label() -> None:
    hold = "reroute: {pool: '{{ labels.x }}', to: quarantine}"
    assert only_reason(hold, {"x": "quarantine"}) == "InvalidName"


@pytest.mark.parametrize("namespace", ["kube-system", "mail-2", "responder-2"])
def test_only_allowed_namespaces_are_reached(namespace: str) -> None:
    hold = "pause: {campaign: spring, namespace: '{{ labels.namespace }}'}"
    assert only_reason(hold, {"namespace": namespace}) == "NamespaceNotAllowed"


@pytest.mark.parametrize("namespace", ["mail", "responder"])
def test_the_allowed_and_the_home_namespace_are_reached(namespace: str) -> None:
    hold = "pause: {campaign: spring, namespace: '{{ labels.namespace }}'}"
    (ask,) = rendered(hold, labels={"namespace": namespace}).asks
    assert ask.namespace == namespace


def test_a_refused_hold_leaves_the_others() -> None:
    rendering = rendered(
        "scale: {deployment: 'sender-{{ labels.campaign }}', to: 2}",
        "pause: {campaign: '{{ labels.campaign }}'}",
        "pause: {segment: '{{ labels.nothing }}'}",
        labels={"campaign": "Spring Sale"},
    )
    assert [ask.target for ask in rendering.asks] == ["Spring Sale"]
    assert [str(refusal) for refusal in rendering.refusals] == [
        f"hold 1 (scale): the name 'sender-Spring Sale' {subdomain_fault('sender-Spring Sale')}",
        "hold 3 (pause): the label 'nothing' is missing",
    ]


def test_ten_megabyte_labels_are_refused_in_no_time() -> None:
    holds = ["pause: {campaign: '{{ labels.campaign }}'}"] * 50
    book = playbook(*holds)
    labels = {"campaign": "x" * 10_000_000}
    began = time.perf_counter()
    rendering = render(book, labels, home_namespace="responder", allowed_namespaces=frozenset())
    assert time.perf_counter() - began < 0.5
    assert {refusal.reason for refusal in rendering.refusals} == {"InvalidName"}


EVERY_VERB = playbook(
    "pause: {campaign: '{{ labels.a }}', namespace: '{{ labels.b }}'}",
    "throttle: {pool: '{{ labels.a }}', provider: '{{ labels.b }}', to: 50%}",
    "reroute: {pool: '{{ labels.a }}', to: '{{ labels.b }}'}",
    "suppress: {campaign: '{{ labels.a }}', segment: '{{ labels.b }}'}",
    "scale: {deployment: '{{ labels.a }}-{{ labels.b }}', to: 0}",
    "set: {configMap: '{{ labels.a | lower }}', key: k, order: [a, b], to: b}",
)


@given(
    labels=st.dictionaries(
        st.sampled_from(["a", "b"]),
        st.one_of(
            st.text(max_size=8), st.text(max_size=2_000), st.sampled_from(["mail", "a", "b"])
        ),
    )
)
def test_any_labels_render_to_one_checked_ask_or_one_refusal_a_hold(
    labels: dict[str, str],
) -> None:
    rendering = render(
        EVERY_VERB, labels, home_namespace="responder", allowed_namespaces=frozenset({"mail"})
    )
    assert len(rendering.asks) + len(rendering.refusals) == len(EVERY_VERB.spec.holds)
    for ask in rendering.asks:
        assert ask.namespace in {"responder", "mail"}
        assert ask.target
        assert ask.target.isprintable()
        assert Ask.from_json(ask.to_json()) == ask
    for refusal in rendering.refusals:
        assert str(refusal).isprintable()

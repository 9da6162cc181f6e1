"""What the attempts of senders must come to, for each hold."""

from typing import Any

import pytest

from responder.holds.signs import MOST_SIGNS, Sign, labels_of, signs_of
from responder.playbooks.asks import Ask

CAMPAIGN = {"campaign": "spring-sale"}


def ask(kind: str = "campaign", *, control: str = "sending", **limit: Any) -> Ask:  # noqa: ANN401
    return Ask(
        control=control,  # type: ignore[arg-type]
        namespace="mail",
        target_kind=kind,  # type: ignore[arg-type]
        target="spring-sale",
        limit=limit,
        verb="pause",
    )


@pytest.mark.parametrize(
    ("held", "signs"),
    [
        pytest.param(ask(share=0.0), [Sign(CAMPAIGN, share=0.0)], id="pause"),
        pytest.param(ask(share=0.5), [Sign(CAMPAIGN, share=0.5)], id="throttle"),
        pytest.param(ask(perMinute=60), [Sign(CAMPAIGN, per_minute=60)], id="a rate"),
        pytest.param(
            ask("pool", providers={"gmail": 0.5}),
            [Sign({"pool": "spring-sale", "mailbox_provider": "gmail"}, share=0.5)],
            id="one provider of a pool",
        ),
        pytest.param(
            ask("provider", share=0.0),
            [Sign({"mailbox_provider": "spring-sale"}, share=0.0)],
            id="a provider",
        ),
        pytest.param(
            ask(suppress=["a", "b"]),
            [Sign({**CAMPAIGN, "segment": each}, share=0.0) for each in "ab"],
            id="segments",
        ),
        pytest.param(
            ask(share=0.0, suppress=["a"], pool="quarantine"),
            [Sign(CAMPAIGN, share=0.0)],
            id="paused: the rest follows from it",
        ),
        pytest.param(ask(share=0.5, pool="quarantine"), [], id="rerouted: attempts don't tell"),
        pytest.param(
            ask(control="keys", key="state", order=["a", "b"], value="b"),
            [Sign(CAMPAIGN, share=0.0, denies=False)],
            id="a plain key: attempts that go on deny nothing",
        ),
        pytest.param(
            ask("ConfigMap", control="keys", key="state", order=["a", "b"], value="b"),
            [],
            id="a plain key of nobody knows whom",
        ),
        pytest.param(ask("Deployment", control="replicas", replicas=0), [], id="a workload"),
        pytest.param(
            ask(suppress=[str(number) for number in range(MOST_SIGNS + 1)]), [], id="too many"
        ),
    ],
)
def test_signs(held: Ask, signs: list[Sign]) -> None:
    assert signs_of(held) == tuple(signs)


def test_labels_are_those_of_the_metric_contract() -> None:
    told = {kind: dict(labels_of(ask(kind))) for kind in ("segment", "provider", "ConfigMap")}
    assert told == {
        "segment": {"segment": "spring-sale"},
        "provider": {"mailbox_provider": "spring-sale"},
        "ConfigMap": {},
    }

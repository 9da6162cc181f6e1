"""What an incident is told of what was found."""

import pytest

from responder.cluster.failures import ApiFailure, Denied, Invalid, TooLarge
from responder.holds.fields import FieldFinding
from responder.holds.objects import ObjectKey
from responder.holds.planning import Finding
from responder.incidents.status import TargetState
from responder.reconcile.explaining import told, told_of_return
from responder.reconcile.situation import Situation

KEY = ObjectKey("ConfigMap", "mail", "spring-sale")
REFUSED = Finding(KEY, "hold.json", FieldFinding.REFUSED)


@pytest.mark.parametrize(
    ("refusal", "state", "words"),
    [
        (
            Invalid("[]: Too long: may not be more than 1048576 bytes", status=422),
            TargetState.NO_ROOM,
            "ConfigMap/spring-sale is full",
        ),
        (TooLarge("request is too large", status=413), TargetState.NO_ROOM, "is full"),
        (Invalid("data[a b]: Invalid value", status=422), TargetState.INVALID, "data[a b]"),
        (
            Denied("no right to patch", status=403, reason="Forbidden"),
            TargetState.FORBIDDEN,
            "no right to patch",
        ),
    ],
    ids=["data is full", "etcd is full", "invalid", "forbidden"],
)
def test_what_the_api_server_refuses_is_told_by_its_reason(
    refusal: ApiFailure, state: TargetState, words: str
) -> None:
    situation = Situation(KEY, None, [], [], refusals={"hold.json": refusal})
    for told_now in (told(REFUSED, KEY, situation), told_of_return(REFUSED, KEY, situation)):
        assert told_now[0] is state
        assert words in told_now[1]


WORKLOAD = ObjectKey("Deployment", "mail", "email-sender")


@pytest.mark.parametrize("left", [True, False], ids=["stood down from", "held for now"])
def test_a_contest_tells_by_whom_whether_it_is_held_and_what_would_end_it(
    left: bool,  # noqa: FBT001 -- a parameter
) -> None:
    contested = Finding(WORKLOAD, "replicas", FieldFinding.CONTESTED, by="argocd-controller")
    situation = Situation(WORKLOAD, None, [], [])
    situation.stood_down = frozenset({(WORKLOAD, "replicas")} if left else ())
    state, message = told(contested, WORKLOAD, situation)
    assert state is TargetState.CONTESTED
    assert message.startswith(
        "argocd-controller keeps setting replicas of Deployment/email-sender back: it is "
    )
    assert ("it is not held now" in message) == left
    assert "managedFieldsManagers: [campaign-responder]" in message


def test_of_a_config_map_only_the_contested_key_is_told_as_not_held() -> None:
    """Its other keys are held whatever becomes of one; the bounds of an autoscaler are not."""
    hpa = ObjectKey("HorizontalPodAutoscaler", "mail", "email-sender")
    for key, field, other in ((KEY, "state", "mode"), (hpa, "maxReplicas", "minReplicas")):
        situation = Situation(key, None, [], [])
        situation.stood_down = frozenset({(key, other)})
        _, message = told(Finding(key, field, FieldFinding.CONTESTED), key, situation)
        assert message.startswith("somebody keeps")
        assert ("it is held now" in message) == (key == KEY)

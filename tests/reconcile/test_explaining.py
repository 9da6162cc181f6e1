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

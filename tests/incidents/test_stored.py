"""What is written is what is read; what others wrote by hand never raises."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from responder.holds.ledger import Entry as LedgerEntry
from responder.holds.ledger import Ledger
from responder.holds.objects import ObjectKey
from responder.incidents.identity import Identity, ordinal_of, stem_of
from responder.incidents.incident import Condition, Entry, Phase, Target, TargetState
from responder.incidents.stored import body_of, read_incident, read_status
from tests.incidents.builders import AT, incident


def test_a_body_is_read_back_as_it_was() -> None:
    made = incident(phase=Phase.NEW)
    live = body_of(made)
    live["metadata"] |= {"uid": made.uid, "resourceVersion": made.resource_version}
    live["metadata"]["creationTimestamp"] = made.created_at

    read = read_incident(live)

    assert replace(read, status=made.status) == made


def test_a_status_is_read_back_as_it_was_with_an_absent_baseline_too() -> None:
    entry = LedgerEntry(baseline=None, applied='{"share": 0}', holder="i", uid="u")
    target = Target(
        ObjectKey("ConfigMap", "mail", "spring-sale"),
        TargetState.APPLIED,
        "campaign/spring-sale",
        uid="u-1",
        ledger=Ledger("u", 3, {"hold.json": entry}),
    )
    status = replace(
        incident().status,
        targets=(target,),
        conditions=(Condition("Applied", "True", "Committed", "1 object(s) held", AT),),
        timeline=(Entry(AT, "Holding", "AlertFiring: 1", "alertmanager"),),
    )
    told = {key: value for key, value in status.to_json().items() if value is not None}
    # The API server prunes nulls out of what it stores.
    del told["targets"][0]["ledger"]["fields"]["hold.json"]["baseline"]

    assert read_status(told) == status


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "plan": json,
            "playbook": json,
            "mode": json,
            "identity": st.dictionaries(st.text(max_size=5), st.text(max_size=5)),
        },
    )
)
def test_a_hand_made_incident_never_raises(spec: dict[str, object]) -> None:
    read = read_incident({"metadata": {"name": "x-1", "namespace": "mail"}, "spec": spec})
    assert read.status.phase is Phase.NEW


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param(("a", {"x": "1"}), ("a", {"x": "2"}), id="value"),
        pytest.param(("a", {"x": "1"}), ("b", {"x": "1"}), id="playbook"),
        pytest.param(("a", {"x": "1"}), ("a", {"y": "1"}), id="label"),
        pytest.param(("a", {"x": "1,y=2"}), ("a", {"x": "1", "y": "2"}), id="joined"),
    ],
)
def test_other_identities_have_other_names(
    first: tuple[str, dict[str, str]], second: tuple[str, dict[str, str]]
) -> None:
    one, two = (Identity.of("alertmanager", *given) for given in (first, second))
    assert one.stem != two.stem
    assert one.stem != Identity.of("manual", *first).stem


def test_a_name_tells_its_stem_and_ordinal() -> None:
    identity = Identity.of("alertmanager", "high-bounce-rate", {"campaign": "spring-sale"})
    name = identity.name(12)
    assert (stem_of(name), ordinal_of(name)) == (identity.stem, 12)
    assert len(identity.stem.rpartition("-")[2]) == 16

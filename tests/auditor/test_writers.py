"""Whose doing a change was, by managedFields alone."""

from typing import Any

import pytest

from responder.sandbox.audit.versions import DEPLOYMENT, Version, Writer, changes

SCALE = {"subresource": "scale"}


def version(replicas: int, *owners: dict[str, Any], at: int = 1) -> Version:
    number: dict[str, Any] = {"f:spec": {"f:replicas": {}}}
    entries: list[dict[str, Any]] = [
        {"manager": "kubectl", "fieldsV1": {"f:spec": {"f:template": {}}}}
    ]
    entries += [{"fieldsV1": number, **owner} for owner in owners]
    body = {"metadata": {"managedFields": entries}, "spec": {"replicas": replicas}}
    return Version(DEPLOYMENT, "sender", "d-1", at, float(at), body)


@pytest.mark.parametrize(
    ("owners", "writer"),
    [
        ([{"manager": "kube-controller-manager", **SCALE}], Writer.AUTOSCALER),
        ([{"manager": "kubectl", **SCALE}], Writer.OTHER),
        ([], Writer.SCALER),
    ],
    ids=[
        "an autoscaler",
        "a person",
        "a scale of a number that nobody owned, as after a give-back",
    ],
)
def test_who_scaled(owners: list[dict[str, Any]], writer: Writer) -> None:
    before, after = version(6), version(4, *owners, at=2)
    assert [change.by for change in changes(before, after)] == [writer]


def test_where_managed_fields_are_gone_it_is_anybody() -> None:
    before, after = version(6), version(4, at=2)
    after.metadata["managedFields"].clear()
    assert [change.by for change in changes(before, after)] == [Writer.OTHER]

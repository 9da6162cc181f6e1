"""Our own resource: stored as its definition says, its status apart, what is fixed stays fixed."""

import functools
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.contract.servers import Api, Json
from tests.controlplane.eventually import eventually

CRD = Path(__file__).parents[2] / "k8s" / "base" / "crd.yaml"
MOMENT = "2026-11-26T12:00:00.123456Z"
TABLE = "application/json;as=Table;g=meta.k8s.io;v=v1"
PARTIAL = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"


@functools.cache
def definition() -> Json:
    read: Json = yaml.safe_load(CRD.read_text())
    return read


def incident(**spec: Any) -> Json:  # noqa: ANN401
    return {
        "apiVersion": "campaign-responder.dev/v1alpha1",
        "kind": "Incident",
        "metadata": {"name": "i-1"},
        "spec": {
            "playbook": "bounces",
            "identity": {"campaign": "spring"},
            "mode": "auto",
            "plan": [],
            "receivedAt": MOMENT,
            "resume": {"manual": False, "afterSeconds": 0},
            "token": "t",
            "trigger": {"kind": "manual"},
            **spec,
        },
    }


@pytest.fixture
async def incidents(api: Api) -> Api:
    """With the definition of k8s/base; it stays for the run."""
    made = await api.create("customresourcedefinitions", definition())
    assert made.code in (201, 409), made

    async def is_served() -> bool:
        return (await api.create("incidents", incident(), dryRun="All")).code == 201

    await eventually(is_served, what="incidents are served")
    return api


async def test_what_is_not_in_the_schema_is_not_stored(incidents: Api) -> None:
    made = await incidents.create("incidents", incident(surprise="x"))
    assert made.code == 201
    assert "surprise" not in made.body["spec"]
    assert made.body["spec"]["identity"] == {"campaign": "spring"}
    assert made.body["metadata"]["generation"] == 1


WRONG: dict[str, tuple[Json, str]] = {
    "a-number-for-a-text": ({"token": 1}, "spec.token"),
    "a-text-for-a-list": ({"plan": "x"}, "spec.plan"),
    "no-value-of-the-enum": ({"mode": "sometimes"}, "spec.mode"),
    "empty": ({"playbook": ""}, "spec.playbook"),
}


@pytest.mark.parametrize(("spec", "field"), WRONG.values(), ids=WRONG.keys())
async def test_it_is_held_to_its_schema(incidents: Api, spec: Json, field: str) -> None:
    answer = await incidents.create("incidents", incident(**spec))
    assert (answer.code, answer.body["reason"]) == (422, "Invalid")
    assert field in [cause["field"] for cause in answer.body["details"]["causes"]]


async def test_what_it_needs_is_required(incidents: Api) -> None:
    body = incident()
    del body["spec"]["token"]
    answer = await incidents.create("incidents", body)
    causes = [(c["reason"], c["field"]) for c in answer.body["details"]["causes"]]
    assert ("FieldValueRequired", "spec.token") in causes
    assert answer.body["details"]["kind"] == "Incident"


async def test_its_status_is_a_subresource(incidents: Api) -> None:
    made = await incidents.create("incidents", {**incident(), "status": {"phase": "Closed"}})
    assert "status" not in made.body
    patch = {"status": {"phase": "Holding"}, "spec": {"mode": "observe"}}
    answer = await incidents.patch("incidents", "i-1", patch, "status")
    assert answer.body["status"]["phase"] == "Holding"
    assert answer.body["spec"]["mode"] == "auto"
    assert answer.body["metadata"]["generation"] == 1


async def test_a_status_patch_drops_labels_annotations_and_finalizers(incidents: Api) -> None:
    await incidents.create("incidents", incident())
    metadata = {"labels": {"a": "b"}, "annotations": {"a": "b"}, "finalizers": ["example.org/x"]}
    patch = {"metadata": metadata, "status": {"phase": "Holding"}}
    answer = await incidents.patch("incidents", "i-1", patch, "status")
    assert not {"labels", "annotations", "finalizers"} & answer.body["metadata"].keys()


async def test_a_status_patch_at_an_old_version_is_a_conflict(incidents: Api) -> None:
    made = await incidents.create("incidents", incident())
    version = made.body["metadata"]["resourceVersion"]
    await incidents.patch("incidents", "i-1", {"metadata": {"labels": {"a": "b"}}})
    patch = {"metadata": {"resourceVersion": version}, "status": {"phase": "Holding"}}
    answer = await incidents.patch("incidents", "i-1", patch, "status")
    assert (answer.code, answer.body["reason"]) == (409, "Conflict")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("token", "another"),
        ("mode", "observe"),
        ("playbook", "another"),
        ("identity", {"campaign": "autumn"}),
        ("resume", {"manual": False, "afterSeconds": 1}),
    ],
)
async def test_what_never_changes_never_changes(incidents: Api, field: str, value: object) -> None:
    await incidents.create("incidents", incident())
    answer = await incidents.patch("incidents", "i-1", {"spec": {field: value}})
    assert (answer.code, answer.body["reason"]) == (422, "Invalid")
    assert [cause["field"] for cause in answer.body["details"]["causes"]] == [f"spec.{field}"]
    assert f"{field} never changes" in answer.body["message"]


async def test_its_generation_counts_its_spec(incidents: Api) -> None:
    await incidents.create("incidents", incident())
    release = {"at": MOMENT, "by": "me", "reason": "done"}
    changed = await incidents.patch("incidents", "i-1", {"spec": {"release": release}})
    assert changed.body["metadata"]["generation"] == 2
    labelled = await incidents.patch("incidents", "i-1", {"metadata": {"labels": {"a": "b"}}})
    assert labelled.body["metadata"]["generation"] == 2


async def test_a_replacement_needs_the_version_that_it_was_made_of(incidents: Api) -> None:
    await incidents.create("incidents", incident())
    answer = await incidents.put("incidents", "i-1", incident())
    causes = [cause["field"] for cause in answer.body["details"]["causes"]]
    assert (answer.code, causes) == (422, ["metadata.resourceVersion"])


async def test_its_finalizer_keeps_it_until_everything_is_given_back(incidents: Api) -> None:
    body = incident()
    body["metadata"]["finalizers"] = ["campaign-responder.dev/give-back"]
    made = await incidents.create("incidents", body)
    await incidents.delete("incidents", "i-1")
    leaving = await incidents.get("incidents", "i-1")
    assert leaving.body["metadata"]["deletionTimestamp"]
    assert leaving.body["metadata"]["uid"] == made.body["metadata"]["uid"]
    again = await incidents.create("incidents", incident())
    assert (again.code, again.body["reason"]) == (409, "AlreadyExists")
    await incidents.patch("incidents", "i-1", {"metadata": {"finalizers": None}})
    assert (await incidents.get("incidents", "i-1")).code == 404


async def test_its_table_has_the_columns_of_the_definition(incidents: Api) -> None:
    await incidents.create("incidents", incident())
    status = {"status": {"phase": "Holding", "firing": 2}}
    await incidents.patch("incidents", "i-1", status, "status")
    answer = await incidents.ask("GET", incidents.at("incidents"), accept=TABLE)
    columns = [column["name"] for column in answer.body["columnDefinitions"]]
    assert columns == ["Name", "Playbook", "Campaign", "Phase", "Alerts", "Age", "Reason", "Mode"]
    cells = answer.body["rows"][0]["cells"]
    assert cells[:5] == ["i-1", "bounces", "spring", "Holding", 2]


async def test_a_list_can_be_of_metadata_alone(incidents: Api) -> None:
    await incidents.create("incidents", incident())
    answer = await incidents.ask("GET", incidents.at("incidents"), accept=PARTIAL)
    assert answer.body["kind"] == "PartialObjectMetadataList"
    (item,) = answer.body["items"]
    assert item.keys() == {"kind", "apiVersion", "metadata"}
    assert item["kind"] == "PartialObjectMetadata"
    assert item["metadata"]["name"] == "i-1"


async def test_a_lease_is_not_replaced_without_its_version(api: Api) -> None:
    spec = {"holderIdentity": "one", "leaseDurationSeconds": 15, "renewTime": MOMENT}
    body = {"metadata": {"name": "l"}, "spec": spec}
    assert (await api.create("leases", body)).code == 201
    answer = await api.put("leases", "l", body)
    assert answer.code == 422

"""The rules of single kinds: what is valid, what may change, what is kept."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.contract.server import STRATEGIC, Json, Server
from tests.controlplane.eventually import eventually_blocking

CRD = Path(__file__).parents[2] / "k8s" / "base" / "crd.yaml"
HPA = "autoscaling/v2"
LEASE = "coordination.k8s.io/v1"


def autoscaler(**spec: Any) -> Json:  # noqa: ANN401 -- JSON
    reference = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "sender"}
    return {
        "metadata": {"name": "h"},
        "spec": {"scaleTargetRef": reference, "minReplicas": 2, "maxReplicas": 5, **spec},
    }


def test_an_autoscaler_has_a_minimum_and_a_metric_by_default(server: Server) -> None:
    body = autoscaler()
    del body["spec"]["minReplicas"]
    made = server.create(server.path("horizontalpodautoscalers", api=HPA), body).ok()
    assert made["spec"]["minReplicas"] == 1
    assert made["spec"]["metrics"][0]["resource"]["name"] == "cpu"


BOUNDS: dict[str, tuple[Json, str]] = {
    "a-minimum-of-zero": ({"minReplicas": 0}, "spec.minReplicas"),
    "a-maximum-of-zero": ({"minReplicas": 1, "maxReplicas": 0}, "spec.maxReplicas"),
    "a-maximum-below-the-minimum": ({"maxReplicas": 1}, "spec.maxReplicas"),
}


@pytest.mark.parametrize(("bounds", "field"), BOUNDS.values(), ids=BOUNDS.keys())
def test_bounds_that_are_none_are_invalid(server: Server, bounds: Json, field: str) -> None:
    path = server.path("horizontalpodautoscalers", api=HPA)
    answer = server.create(path, autoscaler(**bounds))
    assert (answer.status, answer.reason) == (422, "Invalid")
    assert field in answer.causes
    server.create(path, autoscaler()).ok()
    refused = server.patch(f"{path}/h", {"spec": bounds})
    assert (refused.status, refused.json["details"]["kind"]) == (422, "HorizontalPodAutoscaler")


def test_both_bounds_can_be_lowered_at_once(server: Server) -> None:
    path = server.path("horizontalpodautoscalers", api=HPA)
    server.create(path, autoscaler()).ok()
    body = server.patch(f"{path}/h", {"spec": {"minReplicas": 1, "maxReplicas": 1}}).ok()
    assert (body["spec"]["minReplicas"], body["spec"]["maxReplicas"]) == (1, 1)


def test_what_is_immutable_in_a_config_map_stays(server: Server) -> None:
    body = {"metadata": {"name": "a"}, "data": {"x": "1"}, "immutable": True}
    server.create(server.path("configmaps"), body).ok()
    path = server.path("configmaps", "a")
    changed = server.patch(path, {"data": {"x": "2"}})
    assert (changed.status, changed.causes) == (422, ["data"])
    loosened = server.patch(path, {"immutable": False})
    assert (loosened.status, loosened.causes) == (422, ["immutable"])
    assert server.patch(path, {"metadata": {"labels": {"a": "b"}}}).status == 200


def test_a_config_maps_values_are_texts(server: Server) -> None:
    body = {"metadata": {"name": "a"}, "data": {"x": 1}}
    assert server.create(server.path("configmaps"), body).status in (400, 422)


def deployment(**spec: Any) -> Json:  # noqa: ANN401 -- JSON
    labels = {"app": "sender"}
    container = {"name": "one", "image": "none.invalid/one"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    return {
        "metadata": {"name": "d"},
        "spec": {"selector": {"matchLabels": labels}, "template": template, **spec},
    }


def test_a_deployment_has_one_replica_by_default(server: Server) -> None:
    made = server.create(server.path("deployments", api="apps/v1"), deployment()).ok()
    assert made["spec"]["replicas"] == 1
    assert made["spec"]["strategy"]["type"] == "RollingUpdate"
    path = server.path("deployments", "d", api="apps/v1")
    server.patch(path, {"spec": {"replicas": 3}}).ok()
    removed = server.patch(path, {"spec": {"replicas": None}})
    assert removed.json["spec"]["replicas"] == 1


DEPLOYMENTS: dict[str, tuple[Json, str]] = {
    "negative": ({"replicas": -1}, "spec.replicas"),
    "no-selector": ({"selector": None}, "spec.selector"),
    "another-selector": (
        {"selector": {"matchLabels": {"app": "other"}}},
        "spec.template.metadata.labels",
    ),
}


@pytest.mark.parametrize(("spec", "field"), DEPLOYMENTS.values(), ids=DEPLOYMENTS.keys())
def test_a_deployment_that_is_none_is_invalid(server: Server, spec: Json, field: str) -> None:
    answer = server.create(server.path("deployments", api="apps/v1"), deployment(**spec))
    assert (answer.status, field in answer.causes) == (422, True)


def test_a_deployments_selector_never_changes(server: Server) -> None:
    server.create(server.path("deployments", api="apps/v1"), deployment()).ok()
    labels = {"app": "other"}
    template = {"metadata": {"labels": labels}}
    patch = {"spec": {"selector": {"matchLabels": labels}, "template": template}}
    answer = server.patch(server.path("deployments", "d", api="apps/v1"), patch)
    assert (answer.status, "spec.selector" in answer.causes) == (422, True)


# -- leases

MOMENT = "2026-11-26T12:00:00.123456Z"


def test_a_lease_is_taken_over_at_its_version_alone(server: Server) -> None:
    spec = {"holderIdentity": "one", "leaseDurationSeconds": 15, "renewTime": MOMENT}
    path = server.path("leases", api=LEASE)
    made = server.create(path, {"metadata": {"name": "l"}, "spec": spec}).ok()
    assert made["spec"] == spec
    version = made["metadata"]["resourceVersion"]
    patch = {"metadata": {"resourceVersion": version}, "spec": {"holderIdentity": "two"}}
    assert server.patch(f"{path}/l", patch).json["spec"]["holderIdentity"] == "two"
    late = {"metadata": {"resourceVersion": version}, "spec": {"holderIdentity": "three"}}
    assert server.patch(f"{path}/l", late).status == 409
    unversioned = server.put(f"{path}/l", {"metadata": {"name": "l"}, "spec": spec})
    assert unversioned.status == 422
    assert unversioned.causes == ["metadata.resourceVersion"]


def test_a_micro_time_has_six_digits(server: Server) -> None:
    spec = {"holderIdentity": "one", "renewTime": "2026-11-26T12:00:00Z"}
    answer = server.create(
        server.path("leases", api=LEASE), {"metadata": {"name": "l"}, "spec": spec}
    )
    assert (answer.status, answer.reason) == (400, "BadRequest")


# -- events


def test_an_event_is_kept_and_shown_by_the_older_api_too(server: Server) -> None:
    regarding = {"kind": "ConfigMap", "name": "a", "namespace": server.namespace, "uid": "u-1"}
    event = {
        "metadata": {"name": "e"},
        "eventTime": MOMENT,
        "reportingController": "example.org/tests",
        "reportingInstance": "one",
        "action": "Held",
        "reason": "Held",
        "type": "Normal",
        "regarding": regarding,
        "note": "held",
    }
    server.create(server.path("events", api="events.k8s.io/v1"), event).ok()
    found = server.get(server.path("events"), fieldSelector="involvedObject.uid=u-1").ok()
    (core,) = found["items"]
    assert (core["message"], core["reason"]) == ("held", "Held")
    assert core["involvedObject"]["name"] == "a"


# -- namespaces


def test_a_namespace_that_is_there_is_active(server: Server) -> None:
    found = server.get(f"/api/v1/namespaces/{server.namespace}").ok()
    assert found["status"]["phase"] == "Active"


# -- custom resources


@pytest.fixture
def incidents(server: Server) -> str:
    """The path of our incidents, which are served."""
    definition = yaml.safe_load(CRD.read_text())
    path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    made = server.create(path, definition)
    assert made.status in (201, 409)
    found = server.path("incidents", api="campaign-responder.dev/v1alpha1")
    eventually_blocking(lambda: server.get(found).status == 200, what="incidents are served")
    return found


def incident(name: str = "i-1", **spec: Any) -> Json:  # noqa: ANN401 -- JSON
    return {
        "apiVersion": "campaign-responder.dev/v1alpha1",
        "kind": "Incident",
        "metadata": {"name": name},
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


def test_a_custom_resource_is_stored_without_what_is_not_in_its_schema(
    server: Server, incidents: str
) -> None:
    made = server.create(incidents, incident(surprise="x")).ok()
    assert "surprise" not in made["spec"]
    assert made["spec"]["identity"] == {"campaign": "spring"}
    assert made["metadata"]["generation"] == 1


def test_a_custom_resource_that_lacks_something_is_invalid(server: Server, incidents: str) -> None:
    body = incident()
    del body["spec"]["token"]
    answer = server.create(incidents, body)
    assert (answer.status, answer.reason) == (422, "Invalid")
    assert "spec.token" in answer.causes
    assert answer.json["details"]["kind"] == "Incident"


WRONG: dict[str, tuple[Json, str]] = {
    "a-number-for-a-text": ({"token": 1}, "spec.token"),
    "a-text-for-a-list": ({"plan": "x"}, "spec.plan"),
    "no-value-of-the-enum": ({"mode": "sometimes"}, "spec.mode"),
    "empty": ({"playbook": ""}, "spec.playbook"),
}


@pytest.mark.parametrize(("spec", "field"), WRONG.values(), ids=WRONG.keys())
def test_a_custom_resource_is_held_to_its_schema(
    server: Server, incidents: str, spec: Json, field: str
) -> None:
    answer = server.create(incidents, incident(**spec))
    assert (answer.status, field in answer.causes) == (422, True), answer.text


def test_a_custom_resources_status_is_its_subresource(server: Server, incidents: str) -> None:
    body = incident()
    body["status"] = {"phase": "Closed"}
    made = server.create(incidents, body).ok()
    assert "status" not in made
    patch = {"status": {"phase": "Holding"}, "spec": {"mode": "observe"}}
    answer = server.patch(f"{incidents}/i-1/status", patch).ok()
    assert answer["status"]["phase"] == "Holding"
    assert answer["spec"]["mode"] == "auto"
    assert answer["metadata"]["generation"] == 1


def test_a_status_patch_drops_labels_annotations_and_finalizers(
    server: Server, incidents: str
) -> None:
    server.create(incidents, incident()).ok()
    metadata = {
        "labels": {"a": "b"},
        "annotations": {"a": "b"},
        "finalizers": ["example.org/hold"],
    }
    patch = {"metadata": metadata, "status": {"phase": "Holding"}}
    found = server.patch(f"{incidents}/i-1/status", patch).ok()["metadata"]
    assert not {"labels", "annotations", "finalizers"} & found.keys()


def test_what_never_changes_by_a_rule_never_changes(server: Server, incidents: str) -> None:
    server.create(incidents, incident()).ok()
    answer = server.patch(f"{incidents}/i-1", {"spec": {"token": "another"}})
    assert (answer.status, answer.causes) == (422, ["spec.token"])
    assert "token never changes" in answer.json["message"]


def test_the_generation_of_a_custom_resource_counts_its_spec(
    server: Server, incidents: str
) -> None:
    server.create(incidents, incident()).ok()
    release = {"at": MOMENT, "by": "me", "reason": "done"}
    changed = server.patch(f"{incidents}/i-1", {"spec": {"release": release}}).ok()
    assert changed["metadata"]["generation"] == 2
    labelled = server.patch(f"{incidents}/i-1", {"metadata": {"labels": {"a": "b"}}}).ok()
    assert labelled["metadata"]["generation"] == 2


def test_a_custom_resource_takes_no_strategic_patch(server: Server, incidents: str) -> None:
    server.create(incidents, incident()).ok()
    answer = server.patch(f"{incidents}/i-1", {"spec": {}}, content_type=STRATEGIC)
    assert (answer.status, answer.reason) == (415, "UnsupportedMediaType")


def test_a_replacement_of_a_custom_resource_needs_its_version(
    server: Server, incidents: str
) -> None:
    server.create(incidents, incident()).ok()
    answer = server.put(f"{incidents}/i-1", incident())
    assert (answer.status, answer.causes) == (422, ["metadata.resourceVersion"])


def test_a_table_of_custom_resources_has_the_columns_of_their_definition(
    server: Server, incidents: str
) -> None:
    server.create(incidents, incident()).ok()
    server.patch(f"{incidents}/i-1/status", {"status": {"phase": "Holding", "firing": 2}}).ok()
    accept = "application/json;as=Table;g=meta.k8s.io;v=v1"
    found = server.send("GET", incidents, accept=accept).ok()
    columns = [column["name"] for column in found["columnDefinitions"]]
    assert columns == ["Name", "Playbook", "Campaign", "Phase", "Alerts", "Age", "Reason", "Mode"]
    cells = found["rows"][0]["cells"]
    assert cells[:5] == ["i-1", "bounces", "spring", "Holding", 2]
    assert cells[6:] == ["", "auto"] or cells[6:] == [None, "auto"]

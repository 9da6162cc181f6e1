"""What a kind is called in a path, and what an answer says of its object."""

import pytest

from responder.cluster import resources
from responder.cluster.resources import Resource, is_gone, key_of, version_of


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        pytest.param(
            resources.CONFIGMAPS.path("ns", "hold.json"),
            "/api/v1/namespaces/ns/configmaps/hold.json",
            id="core",
        ),
        pytest.param(
            resources.DEPLOYMENTS.path("ns"), "/apis/apps/v1/namespaces/ns/deployments", id="list"
        ),
        pytest.param(
            resources.INCIDENTS.path("ns", "a", "status"),
            "/apis/campaign-responder.dev/v1alpha1/namespaces/ns/incidents/a/status",
            id="subresource",
        ),
        pytest.param(resources.LEASES.path(), "/apis/coordination.k8s.io/v1/leases", id="all"),
        pytest.param(
            resources.TOKEN_REVIEWS.path("ignored"),
            "/apis/authentication.k8s.io/v1/tokenreviews",
            id="cluster-scoped",
        ),
        pytest.param(
            resources.CONFIGMAPS.path("ns", "a/../b?c#d é"),
            "/api/v1/namespaces/ns/configmaps/a%2F..%2Fb%3Fc%23d%20%C3%A9",
            id="hostile-name",
        ),
    ],
)
def test_path(path: str, expected: str) -> None:
    assert path == expected


@pytest.mark.parametrize("name", ["", ".", ".."])
def test_a_name_that_would_lead_to_another_object_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="is no name"):
        resources.CONFIGMAPS.path("ns", name)
    with pytest.raises(ValueError, match="is no name"):
        resources.CONFIGMAPS.path(name, "a")


def test_api_version() -> None:
    assert Resource("", "v1", "pods", "Pod").api_version == "v1"
    assert resources.HPAS.api_version == "autoscaling/v2"


def test_key_and_version() -> None:
    assert key_of({"metadata": {"name": "a"}}) == ("", "a")
    assert key_of({"metadata": {"namespace": "ns", "name": "a"}}) == ("ns", "a")
    assert version_of({"metadata": {"resourceVersion": "10"}}) == 10


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        pytest.param({}, False, id="alive"),
        pytest.param(
            {"deletionTimestamp": "t", "deletionGracePeriodSeconds": 0, "finalizers": ["a/b"]},
            False,
            id="terminating",
        ),
        pytest.param({"deletionTimestamp": "t", "deletionGracePeriodSeconds": 0}, True, id="gone"),
        pytest.param({"deletionTimestamp": "t", "finalizers": []}, True, id="gone-bare"),
        pytest.param(
            {"deletionTimestamp": "t", "deletionGracePeriodSeconds": 30},
            False,
            id="a-pod-that-is-stopping",
        ),
    ],
)
def test_the_answer_that_took_the_last_finalizer_off_tells_that_the_object_is_gone(
    metadata: dict[str, object], *, expected: bool
) -> None:
    assert is_gone({"metadata": metadata}) is expected

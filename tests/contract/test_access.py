"""Who is asking, and what they may do: tokens, reviews, roles."""

import pytest

from tests.contract.server import Json, Server

RBAC = "rbac.authorization.k8s.io/v1"
TOKEN_REVIEWS = "/apis/authentication.k8s.io/v1/tokenreviews"
ACCESS_REVIEWS = "/apis/authorization.k8s.io/v1/subjectaccessreviews"


@pytest.fixture
def account(server: Server) -> str:
    """The user name of a ServiceAccount that may read ConfigMaps and nothing else."""
    server.create(server.path("serviceaccounts"), {"metadata": {"name": "reader"}}).ok()
    rules = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list"]}]
    role = {"metadata": {"name": "reads"}, "rules": rules}
    server.create(server.path("roles", api=RBAC), role).ok()
    binding = {
        "metadata": {"name": "reads"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reads"},
        "subjects": [{"kind": "ServiceAccount", "name": "reader", "namespace": server.namespace}],
    }
    server.create(server.path("rolebindings", api=RBAC), binding).ok()
    return f"system:serviceaccount:{server.namespace}:reader"


def issue(server: Server, *audiences: str) -> str:
    spec: Json = {"audiences": list(audiences)} if audiences else {}
    body = {
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenRequest",
        "spec": {"expirationSeconds": 3600, **spec},
    }
    answer = server.create(server.path("serviceaccounts", "reader", "token"), body)
    assert answer.status == 201, answer.text
    assert answer.json["status"]["expirationTimestamp"].endswith("Z")
    return str(answer.json["status"]["token"])


def test_an_unknown_token_is_not_let_in(server: Server) -> None:
    answer = server.send("GET", server.path("configmaps"), token="wrong")
    assert (answer.status, answer.reason) == (401, "Unauthorized")


def test_a_service_account_may_do_what_its_role_says_and_no_more(
    server: Server, account: str
) -> None:
    token = issue(server)
    path = server.path("configmaps")
    assert server.send("GET", path, token=token).status == 200
    answer = server.send("POST", path, {"metadata": {"name": "a"}}, token=token)
    assert (answer.status, answer.reason) == (403, "Forbidden")
    told = answer.json["message"]
    assert f'User "{account}" cannot create resource "configmaps"' in told
    assert f'in the namespace "{server.namespace}"' in told
    other = server.send("GET", "/api/v1/namespaces/default/configmaps", token=token)
    assert other.status == 403
    everywhere = server.send("GET", "/api/v1/configmaps", token=token)
    assert everywhere.status == 403
    assert "at the cluster scope" in everywhere.json["message"]


def review(server: Server, token: str, *audiences: str) -> Json:
    spec: Json = {"token": token, **({"audiences": list(audiences)} if audiences else {})}
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": spec}
    answer = server.create(TOKEN_REVIEWS, body)
    assert answer.status == 201
    return dict(answer.json["status"])


def test_a_review_says_whose_a_token_is(server: Server, account: str) -> None:
    status = review(server, issue(server))
    assert status["authenticated"] is True
    assert status["user"]["username"] == account
    assert f"system:serviceaccounts:{server.namespace}" in status["user"]["groups"]


def test_a_token_that_is_none_is_not_authenticated(server: Server) -> None:
    status = review(server, "junk")
    assert not status.get("authenticated")
    assert status["error"]


def test_a_token_counts_for_its_own_audience_alone(server: Server, account: str) -> None:
    del account
    token = issue(server, "responder")
    status = review(server, token, "responder", "another")
    assert (status["authenticated"], status["audiences"]) == (True, ["responder"])
    assert not review(server, token, "another").get("authenticated")


ATTEMPTS = {
    "get": ("get", "configmaps", True),
    "create": ("create", "configmaps", False),
    "another-resource": ("get", "secrets", False),
}


@pytest.mark.parametrize(("verb", "resource", "allowed"), ATTEMPTS.values(), ids=ATTEMPTS.keys())
def test_an_access_review_says_what_a_user_may_do(
    server: Server, account: str, verb: str, resource: str, *, allowed: bool
) -> None:
    attributes = {"namespace": server.namespace, "verb": verb, "resource": resource}
    spec = {"user": account, "resourceAttributes": attributes}
    body = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec}
    answer = server.create(ACCESS_REVIEWS, body)
    assert answer.status == 201
    assert answer.json["status"]["allowed"] is allowed


def test_discovery_names_what_is_served(server: Server) -> None:
    core = server.get("/api/v1").ok()
    found = {entry["name"]: entry for entry in core["resources"]}
    assert found["configmaps"]["kind"] == "ConfigMap"
    assert "cm" in found["configmaps"]["shortNames"]
    groups = {group["name"] for group in server.get("/apis").ok()["groups"]}
    assert {"apps", "autoscaling", "coordination.k8s.io", "events.k8s.io"} <= groups
    apps = {entry["name"] for entry in server.get("/apis/apps/v1").ok()["resources"]}
    assert {"deployments", "deployments/scale", "deployments/status"} <= apps


def test_it_says_that_it_is_well(server: Server) -> None:
    assert server.get("/readyz").text == "ok"
    assert server.get("/version").json["major"] == "1"

"""Tokens, TokenReview, SubjectAccessReview and RBAC."""

from collections.abc import Sequence
from typing import Any

import pytest

from tests.contract.manifests import configmap
from tests.contract.servers import Api
from tests.controlplane.eventually import eventually

RBAC = "rbac.authorization.k8s.io"


async def account(api: Api, audiences: list[str] | None = None) -> str:
    await api.create("serviceaccounts", {"metadata": {"name": "bot"}})
    spec = {"expirationSeconds": 3600} | ({"audiences": audiences} if audiences else {})
    path = api.at("serviceaccounts", "bot", "token")
    answer = await api.ask("POST", path, {"spec": spec})
    assert answer.code == 201, answer
    token: str = answer.body["status"]["token"]
    return token


async def review(api: Api, token: str, audiences: list[str] | None = None) -> dict[str, Any]:
    spec: dict[str, Any] = {"token": token} | ({"audiences": audiences} if audiences else {})
    answer = await api.create("tokenreviews", {"spec": spec})
    assert answer.code == 201
    status: dict[str, Any] = answer.body["status"]
    return status


async def test_token_of_an_account_is_known(api: Api) -> None:
    status = await review(api, await account(api))
    assert status["authenticated"] is True
    assert status["user"]["username"] == f"system:serviceaccount:{api.namespace}:bot"
    assert "system:serviceaccounts" in status["user"]["groups"]


async def test_token_is_for_its_audiences(api: Api) -> None:
    token = await account(api, ["mail.test"])
    assert (await review(api, token, ["mail.test", "other"]))["audiences"] == ["mail.test"]
    refused = await review(api, token, ["other"])
    assert "authenticated" not in refused
    assert refused["error"]


async def test_unknown_token_is_not_authenticated(api: Api) -> None:
    status = await review(api, "nobody")
    assert "authenticated" not in status
    assert (status["user"], bool(status["error"])) == ({}, True)


async def test_token_for_others_is_no_way_in(api: Api) -> None:
    api.token = await account(api, ["mail.test"])
    assert (await api.get("configmaps")).code == 401


async def allowed(
    api: Api, verb: str, user: str = "", groups: Sequence[str] = (), **about: str
) -> bool:
    user = user or f"system:serviceaccount:{api.namespace}:bot"
    attributes = {"namespace": api.namespace, "verb": verb, "resource": "configmaps", **about}
    spec = {"user": user, "groups": list(groups), "resourceAttributes": attributes}
    answer = await api.create("subjectaccessreviews", {"spec": spec})
    assert answer.code == 201
    verdict: bool = answer.body["status"]["allowed"]
    return verdict


async def bound(api: Api, *further: dict[str, str]) -> None:
    rule: dict[str, Any] = {"apiGroups": [""], "resources": ["configmaps"]}
    rules = [
        {**rule, "verbs": ["list"]},
        {**rule, "verbs": ["patch"], "resourceNames": ["mine"]},
        {"apiGroups": ["apps"], "resources": ["deployments/scale"], "verbs": ["*"]},
    ]
    role = {"apiVersion": f"{RBAC}/v1", "kind": "Role", "metadata": {"name": "r"}, "rules": rules}
    assert (await api.create("roles", role)).code == 201
    binding = {
        "metadata": {"name": "r"},
        "roleRef": {"apiGroup": RBAC, "kind": "Role", "name": "r"},
        "subjects": [
            {"kind": "ServiceAccount", "name": "bot", "namespace": api.namespace},
            *further,
        ],
    }
    assert (await api.create("rolebindings", binding)).code == 201
    # The real one learns of a rule by a watch.
    await eventually(lambda: allowed(api, "list"), within_seconds=10)


async def test_rules_are_looked_up(api: Api) -> None:
    await bound(api)
    assert await allowed(api, "list")
    assert not await allowed(api, "get")
    assert not await allowed(api, "list", namespace="default")
    assert not await allowed(api, "list", resource="secrets")
    assert not await allowed(api, "list", user="somebody")


async def test_rules_are_for_people_and_groups(api: Api) -> None:
    await bound(
        api,
        {"apiGroup": RBAC, "kind": "User", "name": "ann"},
        {"apiGroup": RBAC, "kind": "Group", "name": "mailers"},
    )
    assert await allowed(api, "list", user="ann")
    assert not await allowed(api, "list", user="bob")
    assert await allowed(api, "list", user="bob", groups=["mailers"])
    assert not await allowed(api, "list", user="bob", groups=["others"])


async def test_account_is_told_its_own_rules(api: Api) -> None:
    token = await account(api)
    await bound(api)
    api.token = token

    async def rules(namespace: str) -> list[dict[str, Any]]:
        body = {"spec": {"namespace": namespace}}
        answer = await api.create("selfsubjectrulesreviews", body)
        assert answer.code == 201
        told: list[dict[str, Any]] = answer.body["status"]["resourceRules"]
        return [rule for rule in told if rule["resources"] == ["configmaps"]]

    about = {"apiGroups": [""], "resources": ["configmaps"]}
    assert sorted(await rules(api.namespace), key=lambda rule: str(rule["verbs"])) == [
        {"verbs": ["list"], **about},
        {"verbs": ["patch"], **about, "resourceNames": ["mine"]},
    ]
    assert await rules("default") == []
    api.token = None


@pytest.mark.parametrize(
    ("group", "resource"),
    [("", "configmaps"), ("apps", "deployments"), ("autoscaling", "horizontalpodautoscalers")],
)
async def test_every_cluster_has_a_role_to_look(api: Api, group: str, resource: str) -> None:
    binding = {
        "metadata": {"name": "v"},
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": "view"},
        "subjects": [{"apiGroup": RBAC, "kind": "User", "name": "ann"}],
    }
    await api.create("rolebindings", binding)

    async def may_look() -> bool:
        return await allowed(api, "list", user="ann", group=group, resource=resource)

    await eventually(may_look, what="the binding is known")
    assert not await allowed(api, "patch", user="ann", group=group, resource=resource)
    assert not await allowed(api, "get", user="ann", resource="secrets")


async def test_rules_for_names(api: Api) -> None:
    await bound(api)
    assert await allowed(api, "patch", name="mine")
    assert not await allowed(api, "patch", name="other")


async def test_rules_for_subresources(api: Api) -> None:
    await bound(api)
    about = {"resource": "deployments", "group": "apps"}
    assert await allowed(api, "patch", subresource="scale", **about)
    assert not await allowed(api, "patch", **about)


async def test_members_of_masters_may_do_all(api: Api) -> None:
    spec = {
        "user": "x",
        "groups": ["system:masters"],
        "resourceAttributes": {"verb": "delete", "resource": "secrets"},
    }
    answer = await api.create("subjectaccessreviews", {"spec": spec})
    assert answer.body["status"]["allowed"] is True


async def test_rules_are_enforced(api: Api) -> None:
    token = await account(api)
    await bound(api)
    api.token = token
    assert (await api.get("configmaps")).code == 200
    answer = await api.create("configmaps", configmap())
    who = f"system:serviceaccount:{api.namespace}:bot"
    assert answer.status == {
        "status": "Failure",
        "message": f'configmaps is forbidden: User "{who}" cannot create resource "configmaps"'
        f' in API group "" in the namespace "{api.namespace}"',
        "reason": "Forbidden",
        "details": {"kind": "configmaps"},
        "code": 403,
    }
    api.token = None


async def test_forbidden_object_is_named(api: Api) -> None:
    api.token = await account(api)
    answer = await api.get("configmaps", "c")
    assert answer.code == 403
    assert answer.status["details"] == {"name": "c", "kind": "configmaps"}
    assert answer.status["message"].startswith('configmaps "c" is forbidden: User ')
    api.token = None

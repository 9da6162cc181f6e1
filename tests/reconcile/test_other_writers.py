"""The exceptions that other writers can make for us, to be copied as they are."""

import pytest
import yaml

from responder.holds.objects import ObjectKey
from responder.reconcile.other_writers import exception_for

WORKLOAD = ObjectKey("Deployment", "mail", "email-sender")
CAMPAIGN = ObjectKey("ConfigMap", "mail", "spring-sale")


def yaml_after(told: str, words: str) -> object:
    return yaml.safe_load(told.partition(words)[2])


@pytest.mark.parametrize(
    ("key", "named"),
    [
        (WORKLOAD, {"group": "apps", "kind": "Deployment", "name": "email-sender"}),
        (CAMPAIGN, {"kind": "ConfigMap", "name": "spring-sale"}),
    ],
)
@pytest.mark.parametrize("by", ["argocd-controller", "argocd-application-controller"])
def test_argo_cd(by: str, key: ObjectKey, named: dict[str, str]) -> None:
    told = exception_for(by, key, "replicas")
    first, _, second = told.partition("spec: ")[2].partition(" and ")
    assert yaml.safe_load(first) == {
        "ignoreDifferences": [{**named, "managedFieldsManagers": ["campaign-responder"]}]
    }
    assert yaml.safe_load(second) == {
        "syncPolicy": {"syncOptions": ["RespectIgnoreDifferences=true"]}
    }


def test_flux_for_a_kustomization() -> None:
    told = exception_for("kustomize-controller", WORKLOAD, "replicas")
    for words in ("kustomize.toolkit.fluxcd.io/ssa", "Ignore", "IfNotPresent", "Merge"):
        assert words in told


@pytest.mark.parametrize(
    ("key", "field", "path"),
    [(WORKLOAD, "replicas", "/spec/replicas"), (CAMPAIGN, "state", "/data/state")],
)
def test_flux_for_a_helm_release(key: ObjectKey, field: str, path: str) -> None:
    told = exception_for("helm-controller", key, field)
    target = {"kind": key.kind, "name": key.name}
    assert yaml_after(told, "HelmRelease: ") == {
        "spec": {"driftDetection": {"ignore": [{"paths": [path], "target": target}]}}
    }


def test_of_two_managers_both_are_told_what_to_add() -> None:
    told = exception_for("argocd-controller, kustomize-controller", WORKLOAD, "replicas")
    assert "Argo CD" in told
    assert "Flux" in told


@pytest.mark.parametrize("by", ["", "kubectl-edit", "my-argocd-controller"])
def test_anybody_else_is_told_in_a_plain_sentence(by: str) -> None:
    told = exception_for(by, WORKLOAD, "replicas")
    assert told == "Stop it while the hold stands, or take replicas out of what it writes"

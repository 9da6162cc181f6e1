"""What the owner of another writer adds so that it leaves a hold alone: the exact words. Pure."""

from typing import Final

from responder.holds.objects import API_VERSIONS, MANAGER, ObjectKey
from responder.holds.subjects import CONFIG_MAP

_ARGO: Final = "argocd-"
"""`argocd-controller` since server-side apply, `argocd-application-controller` before."""
_KUSTOMIZE: Final = "kustomize-controller"
_HELM: Final = "helm-controller"


def exception_for(by: str, key: ObjectKey, field: str) -> str:
    """Give what to add for the managers `by`, joined by commas as managedFields name them."""
    managers = [manager.strip() for manager in by.split(",")]
    told = []
    if any(manager.startswith(_ARGO) for manager in managers):
        told.append(_argo(key))
    if _KUSTOMIZE in managers:
        told.append(_kustomize(field))
    if _HELM in managers:
        told.append(_helm(key, field))
    return " ".join(told) or f"Stop it while the hold stands, or take {field} out of what it writes"


def _argo(key: ObjectKey) -> str:
    group, slash, _ = API_VERSIONS[key.kind].partition("/")
    named = f"group: {group}, " if slash else ""
    return (
        "For Argo CD, add to the Application's spec:"
        f" ignoreDifferences: [{{{named}kind: {key.kind}, name: {key.name},"
        f" managedFieldsManagers: [{MANAGER}]}}]"
        " and syncPolicy: {syncOptions: [RespectIgnoreDifferences=true]}"
    )


def _kustomize(field: str) -> str:
    # Taken out of Git while Flux owns it, a field is removed: replicas would fall to 1.
    return (
        "For Flux, annotate the object in Git: kustomize.toolkit.fluxcd.io/ssa: Ignore while the"
        f" hold stands; for good, IfNotPresent, or Merge once {field} is taken out of its manifest"
    )


def _helm(key: ObjectKey, field: str) -> str:
    above = "data" if key.kind == CONFIG_MAP else "spec"
    return (
        "For Flux, add to the HelmRelease: spec: {driftDetection: {ignore:"
        f" [{{paths: [/{above}/{field}], target: {{kind: {key.kind}, name: {key.name}}}}}]}}}}"
    )

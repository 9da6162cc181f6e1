"""The model of the API server and the real one do the same, where the holds rely on it."""

from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

import pytest

from responder.holds.objects import GIVE_BACK_MANAGER, LEDGER_ANNOTATION, MANAGER, ObjectKey
from responder.holds.ownership import begun, tidied
from tests.controlplane.kube import Kube
from tests.holds.api_server import ApiServer, ConflictError, InvalidError
from tests.holds.conductor import AUTOSCALER, CAMPAIGN, DEPLOYMENT, autoscaler
from tests.holds.field_sets import Json, from_fields_v1
from tests.holds.real_server import RealServer


class Server(Protocol):
    def get(self, key: ObjectKey) -> Json | None: ...
    def create(self, key: ObjectKey, body: Mapping[str, Any], *, manager: str) -> Json: ...
    def patch(
        self, key: ObjectKey, patch: Mapping[str, Any], *, manager: str, subresource: str = ""
    ) -> Json: ...
    def replace(self, key: ObjectKey, manifest: Mapping[str, Any], *, manager: str) -> Json: ...
    def apply(
        self, key: ObjectKey, manifest: Mapping[str, Any], *, manager: str, force: bool
    ) -> Json: ...


LEDGER: Final = {"annotations": {LEDGER_ANNOTATION: "{}"}}
NO_LEDGER: Final = {"annotations": {LEDGER_ANNOTATION: None}}


def replicas(number: int) -> Json:
    return {"spec": {"replicas": number}}


def held(server: Server) -> Json:
    labelled = {"metadata": {"labels": {"team": "mail"}}, **replicas(8)}
    server.create(DEPLOYMENT, labelled, manager="kubectl-create")
    return server.patch(DEPLOYMENT, {"metadata": LEDGER, **replicas(2)}, manager=MANAGER)


def hold_takes_the_field(server: Server) -> None:
    held(server)


def same_value_changes_no_hands(server: Server) -> None:
    held(server)
    server.patch(DEPLOYMENT, replicas(2), manager="kubectl-edit")


def edit_takes_the_field(server: Server) -> None:
    held(server)
    server.patch(DEPLOYMENT, replicas(5), manager="kubectl-edit")


def scale_has_an_entry_of_its_own(server: Server) -> None:
    held(server)
    server.patch(DEPLOYMENT, replicas(5), manager="kubectl", subresource="scale")
    server.patch(DEPLOYMENT, replicas(3), manager="kubectl")


def forced_apply_takes_the_field(server: Server) -> None:
    held(server)
    server.apply(DEPLOYMENT, replicas(8), manager="flux", force=True)


def apply_without_force_conflicts(server: Server) -> None:
    held(server)
    with pytest.raises(ConflictError):
        server.apply(DEPLOYMENT, replicas(8), manager="flux", force=False)


def apply_of_the_same_value_shares_the_field(server: Server) -> None:
    held(server)
    server.apply(DEPLOYMENT, replicas(2), manager="flux", force=False)


def shared_field_is_lost_by_both_when_it_changes(server: Server) -> None:
    apply_of_the_same_value_shares_the_field(server)
    server.patch(DEPLOYMENT, replicas(8), manager=GIVE_BACK_MANAGER)


def given_back(server: Server) -> Json:
    held(server)
    patch = {"metadata": NO_LEDGER, **replicas(8)}
    return server.patch(DEPLOYMENT, patch, manager=GIVE_BACK_MANAGER)


def give_back_moves_the_field_on(server: Server) -> None:
    given_back(server)


def tidy_leaves_nothing_of_ours(server: Server) -> None:
    live = given_back(server)
    entries = tidied(live, held=(), marked=False)
    assert entries
    version = live["metadata"]["resourceVersion"]
    patch = {"metadata": {"resourceVersion": version, "managedFields": entries}}
    server.patch(DEPLOYMENT, patch, manager=MANAGER)
    server.apply(DEPLOYMENT, replicas(9), manager="flux", force=False)


def one_empty_entry_empties_managed_fields(server: Server) -> None:
    held(server)
    server.patch(DEPLOYMENT, {"metadata": {"managedFields": [{}]}}, manager=MANAGER)


def replace_keeps_managed_fields_and_drops_the_ledger(server: Server) -> None:
    held(server)
    server.replace(DEPLOYMENT, replicas(8), manager="kubectl-replace")


def replace_of_our_value_leaves_it_ours(server: Server) -> None:
    held(server)
    server.replace(DEPLOYMENT, replicas(2), manager="kubectl-replace")


def stale_version_conflicts(server: Server) -> None:
    old = held(server)["metadata"]["resourceVersion"]
    server.patch(DEPLOYMENT, replicas(3), manager="kubectl-edit")
    with pytest.raises(ConflictError):
        server.patch(
            DEPLOYMENT, {"metadata": {"resourceVersion": old}, **replicas(4)}, manager=MANAGER
        )


def key_comes_and_goes(server: Server) -> None:
    server.create(CAMPAIGN, {}, manager="kubectl-create")
    server.patch(CAMPAIGN, {"metadata": LEDGER, "data": {"hold.json": "{}"}}, manager=MANAGER)
    server.patch(CAMPAIGN, {"data": {"template": "spring"}}, manager="kubectl-edit")
    server.patch(
        CAMPAIGN, {"metadata": NO_LEDGER, "data": {"hold.json": None}}, manager=GIVE_BACK_MANAGER
    )


def after_a_reset_nobody_owns_anything(server: Server) -> None:
    one_empty_entry_empties_managed_fields(server)
    server.patch(DEPLOYMENT, replicas(1), manager=MANAGER)


def an_apply_makes_it_managed_again(server: Server) -> None:
    after_a_reset_nobody_owns_anything(server)
    server.apply(DEPLOYMENT, replicas(5), manager="flux", force=True)
    server.patch(DEPLOYMENT, replicas(1), manager=MANAGER)


def a_patch_that_brings_managed_fields_begins_them(server: Server) -> None:
    server.create(CAMPAIGN, {}, manager="kubectl-create")
    metadata = {**LEDGER, "managedFields": begun("v1")}
    patch = {"metadata": metadata, "data": {"hold.json": "{}"}}
    server.patch(CAMPAIGN, patch, manager=MANAGER)
    server.patch(CAMPAIGN, {"data": {"template": "spring"}}, manager="kubectl-edit")


def so_it_does_after_a_reset(server: Server) -> None:
    after_a_reset_nobody_owns_anything(server)
    patch = {"metadata": {**LEDGER, "managedFields": begun("apps/v1")}, **replicas(2)}
    server.patch(DEPLOYMENT, patch, manager=MANAGER)


def apply_prunes_what_it_alone_had(server: Server) -> None:
    server.create(CAMPAIGN, {"data": {"template": "spring"}}, manager="kubectl-create")
    both = {"data": {"state": "active", "footer": "f"}}
    server.apply(CAMPAIGN, both, manager="flux", force=True)
    server.patch(CAMPAIGN, {"data": {"hold.json": "{}", "footer": "g"}}, manager=MANAGER)
    server.apply(CAMPAIGN, {"data": {"template": "spring"}}, manager="flux", force=True)


def replaced_config_map_loses_our_key(server: Server) -> None:
    server.create(CAMPAIGN, {"metadata": LEDGER, "data": {"hold.json": "{}"}}, manager=MANAGER)
    server.replace(CAMPAIGN, {"data": {"template": "spring"}}, manager="kubectl-replace")


def bounds_are_validated_together(server: Server) -> None:
    server.create(AUTOSCALER, autoscaler(lowest=4, highest=9), manager="kubectl-create")
    with pytest.raises(InvalidError):
        server.patch(AUTOSCALER, {"spec": {"maxReplicas": 2}}, manager=MANAGER)
    server.patch(AUTOSCALER, {"spec": {"minReplicas": 2, "maxReplicas": 2}}, manager=MANAGER)
    server.patch(AUTOSCALER, {"spec": {"minReplicas": 2, "maxReplicas": 5}}, manager="kubectl")


SCENES: Final[list[Callable[[Server], None]]] = [
    hold_takes_the_field,
    same_value_changes_no_hands,
    edit_takes_the_field,
    scale_has_an_entry_of_its_own,
    forced_apply_takes_the_field,
    apply_without_force_conflicts,
    apply_of_the_same_value_shares_the_field,
    shared_field_is_lost_by_both_when_it_changes,
    give_back_moves_the_field_on,
    tidy_leaves_nothing_of_ours,
    one_empty_entry_empties_managed_fields,
    after_a_reset_nobody_owns_anything,
    an_apply_makes_it_managed_again,
    a_patch_that_brings_managed_fields_begins_them,
    so_it_does_after_a_reset,
    replace_keeps_managed_fields_and_drops_the_ledger,
    replace_of_our_value_leaves_it_ours,
    stale_version_conflicts,
    key_comes_and_goes,
    apply_prunes_what_it_alone_had,
    replaced_config_map_loses_our_key,
    bounds_are_validated_together,
]


def seen(server: Server) -> Json:
    """What the holds look at: values, generation and whose every field is."""
    result: Json = {}
    for key in (DEPLOYMENT, AUTOSCALER, CAMPAIGN):
        try:
            live = server.get(key)
        except Exception as error:  # noqa: BLE001 -- 404 of the real one
            assert "404" in str(error)  # noqa: PT017 -- as above
            continue
        if live is None:
            continue
        spec = live.get("spec", {})
        result[key.kind] = {
            "spec": {name: spec.get(name) for name in ("replicas", "minReplicas", "maxReplicas")},
            "data": live.get("data"),
            "annotations": live["metadata"].get("annotations"),
            "generation": live["metadata"].get("generation") if key == DEPLOYMENT else None,
            "owners": {
                (entry["manager"], entry["operation"], entry.get("subresource", "")): sorted(paths)
                for entry in live["metadata"].get("managedFields", [])
                if (paths := {path for path in from_fields_v1(entry["fieldsV1"]) if ours(path)})
            },
        }
    return result


def ours(path: tuple[str, ...]) -> bool:
    """Leaves out what a Deployment has beside what is held."""
    return path[0] == "data" or path[1] in {
        "annotations",
        "replicas",
        "minReplicas",
        "maxReplicas",
    }


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.__name__)
def test_the_model_does_as_the_real_api_server(
    scene: Callable[[Server], None], quiet_kube: Kube
) -> None:
    model, real = ApiServer(), RealServer(quiet_kube)
    scene(model)
    scene(real)
    assert seen(model) == seen(real)

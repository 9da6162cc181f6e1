"""What people, tools, autoscalers and the deployment controller do to a workload during holds."""

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from responder.holds.objects import LEDGER_ANNOTATION
from tests.holds.api_server import ApiServer
from tests.holds.conductor import AUTOSCALER, DEPLOYMENT, Conductor, autoscaler, deployment
from tests.holds.workload_truth import Truth, Who

NUMBERS = st.integers(0, 9)
BOUNDS = st.tuples(st.integers(1, 9), st.integers(0, 9)).map(lambda at: (at[0], at[0] + at[1]))
MANIFEST: dict[str, Any] = {"metadata": {"annotations": {"team": "mail"}}, "spec": {"replicas": 6}}


class Others(RuleBasedStateMachine):
    """Everybody but us."""

    def __init__(self) -> None:
        super().__init__()
        self.server = ApiServer()
        self.conductor = Conductor(self.server, "workload")
        self.truth = Truth(self.server)
        self.revisions: list[dict[str, str]] = [{"team": "mail"}]
        self.in_flight: tuple[int, int] | None = None
        self.ghost_limit: int | None = None
        self.maybe_ghost = False

    def observe(self) -> None:
        self.truth.observed(self.conductor.incidents)
        if self.truth.doubtful:
            # What vanished incidents left is remembered by the ledger alone.
            self.ghost_limit = None

    def someone(self, change: Any, *, by: Who = Who.THEM) -> None:  # noqa: ANN401 -- a callable
        before = self.truth.values()
        change()
        self.truth.saw(before, by=by)

    @rule(replicas=NUMBERS)
    def person_scales(self, replicas: int) -> None:
        patch = {"spec": {"replicas": replicas}}
        self.someone(
            lambda: self.server.patch(DEPLOYMENT, patch, manager="kubectl", subresource="scale")
        )

    @rule()
    def kubectl_applies(self) -> None:
        self.someone(lambda: self.server.patch(DEPLOYMENT, MANIFEST, manager="kubectl-apply"))

    @rule()
    def kubectl_replaces(self) -> None:
        self.someone(lambda: self.server.replace(DEPLOYMENT, MANIFEST, manager="kubectl-replace"))

    @rule()
    def applied_by_force(self) -> None:
        self.someone(lambda: self.server.apply(DEPLOYMENT, MANIFEST, manager="flux", force=True))

    @rule(bounds=BOUNDS)
    @precondition(lambda self: AUTOSCALER in self.truth.last)
    def person_bounds(self, bounds: tuple[int, int]) -> None:
        patch = {"spec": {"minReplicas": bounds[0], "maxReplicas": bounds[1]}}
        self.someone(lambda: self.server.patch(AUTOSCALER, patch, manager="kubectl-edit"))

    @rule(bounds=BOUNDS)
    @precondition(lambda self: AUTOSCALER in self.truth.last)
    def autoscaler_is_replaced(self, bounds: tuple[int, int]) -> None:
        manifest = autoscaler(lowest=bounds[0], highest=bounds[1])
        self.someone(lambda: self.server.replace(AUTOSCALER, manifest, manager="kubectl-replace"))

    @rule(bounds=BOUNDS)
    @precondition(lambda self: AUTOSCALER not in self.truth.last)
    def autoscaler_appears(self, bounds: tuple[int, int]) -> None:
        self.create_autoscaler(bounds)

    def create_autoscaler(self, bounds: tuple[int, int]) -> None:
        body = autoscaler(lowest=bounds[0], highest=bounds[1])
        self.server.create(AUTOSCALER, body, manager="kubectl-create")
        self.truth.track(AUTOSCALER)

    @rule()
    @precondition(lambda self: AUTOSCALER in self.truth.last)
    def autoscaler_is_deleted(self) -> None:
        self.observe()
        ledger = self.truth.last[AUTOSCALER]
        copied = any(
            copy.key == AUTOSCALER and ledger is not None and copy.ledger == ledger
            for incident in self.conductor.incidents.values()
            if not incident.closed
            for copy in incident.copies
        )
        if ledger is not None and not copied:
            # What it remembered of the replicas went with it.
            self.truth.doubtful.add(DEPLOYMENT)
        # Whether a ghost outlives it depends on who else has a copy.
        self.maybe_ghost = self.maybe_ghost or self.ghost_limit is not None
        self.ghost_limit = None
        self.server.delete(AUTOSCALER)
        self.truth.forget(AUTOSCALER)

    @rule(replicas=NUMBERS)
    def deployment_is_recreated(self, replicas: int) -> None:
        self.server.delete(DEPLOYMENT)
        body = deployment(replicas=replicas, annotations={"team": "mail"})
        self.server.create(DEPLOYMENT, body, manager="kubectl-create")
        self.truth.track(DEPLOYMENT)
        self.truth.replicas_remembered = False
        # Whether the ghost stands on an autoscaler as well is no matter here: it may.
        self.maybe_ghost = self.maybe_ghost or self.ghost_limit is not None
        self.ghost_limit = None

    @rule(wanted=st.none() | NUMBERS)
    @precondition(lambda self: AUTOSCALER in self.truth.last)
    def autoscaler_syncs(self, wanted: int | None) -> None:
        lowest, highest = self.truth.live("minReplicas"), self.truth.live("maxReplicas")
        assert lowest is not None
        assert highest is not None
        self.sync(wanted, lowest=lowest, highest=highest)
        self.in_flight = (lowest, highest)

    @rule(wanted=NUMBERS)
    @precondition(lambda self: AUTOSCALER in self.truth.last and self.in_flight is not None)
    def autoscaler_ends_an_old_sync(self, wanted: int) -> None:
        """It read the workload and its bounds before we held them: even a zero is raised."""
        assert self.in_flight is not None
        lowest, highest = self.in_flight
        self.sync(wanted, lowest=lowest, highest=highest, disabled_at_zero=False)
        self.in_flight = None

    def sync(
        self, wanted: int | None, *, lowest: int, highest: int, disabled_at_zero: bool = True
    ) -> None:
        replicas = self.truth.live("replicas")
        assert replicas is not None
        if replicas == 0 and disabled_at_zero:
            return
        number = min(max(replicas if wanted is None else wanted, lowest), highest)
        patch = {"spec": {"replicas": number}}
        self.someone(
            lambda: self.server.patch(
                DEPLOYMENT, patch, manager="kube-controller-manager", subresource="scale"
            ),
            by=Who.AUTOSCALER,
        )

    @rule()
    def new_revision(self) -> None:
        """The deployment controller copies the annotations to the new ReplicaSet."""
        body = self.server.get(DEPLOYMENT) or {}
        self.revisions.append(dict(body["metadata"].get("annotations", {})))

    @rule(data=st.data())
    def rollout_undo(self, data: st.DataObject) -> None:
        annotations = data.draw(st.sampled_from(self.revisions))
        self.server.replace_annotations(DEPLOYMENT, annotations)

    @rule(key=st.sampled_from([DEPLOYMENT, AUTOSCALER]), junk=st.sampled_from([None, "{}", "junk"]))
    def ledger_is_lost(self, key: Any, junk: str | None) -> None:  # noqa: ANN401 -- ObjectKey
        if key in self.truth.last:
            patch = {"metadata": {"annotations": {LEDGER_ANNOTATION: junk}}}
            self.server.patch(key, patch, manager="kubectl-annotate")

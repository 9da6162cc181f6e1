"""Any interleaving of holds, people, autoscalers, crashes and lost annotations on one workload."""

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    initialize,
    invariant,
    rule,
)

from responder.holds.objects import LEDGER_ANNOTATION, annotation
from responder.holds.planning import Write
from tests.holds.conductor import (
    AUTOSCALER,
    DEPLOYMENT,
    deployment,
)
from tests.holds.traces import traces_of_ours
from tests.holds.workload_others import BOUNDS, NUMBERS, Others
from tests.holds.workload_truth import Field, Who

LIMITS = st.sampled_from([0, 1, 2, 3, 5])
UIDS = st.sampled_from(["1", "2", "3", "4"])


class HeldWorkload(Others):
    def __init__(self) -> None:
        super().__init__()
        self.conductor.before_write = self.about_to_write
        self.conductor.after_write = self.has_written
        self.before: dict[str, int | None] = {}
        self.potential_before = 0
        self.serial = 10

    @initialize(replicas=NUMBERS, bounds=st.none() | BOUNDS)
    def begin(self, replicas: int, bounds: tuple[int, int] | None) -> None:
        body = deployment(replicas=replicas, annotations={"team": "mail"})
        self.server.create(DEPLOYMENT, body, manager="kubectl-create")
        self.truth.track(DEPLOYMENT)
        if bounds is not None:
            self.create_autoscaler(bounds)

    # What holds must be kept to

    def open_limits(self, *, cached: bool = False) -> list[int]:
        known = self.conductor.cached if cached else self.conductor.incidents.values()
        return [
            self.in_step(limit, incident.share)
            for incident in known
            for limit in incident.asks.values()
        ]

    def in_step(self, limit: int, share: float | None) -> int:
        """What is left of a limit while a step lets a share of what there would be through."""
        if share is None:
            return limit
        name = "maxReplicas" if AUTOSCALER in self.truth.last else "replicas"
        whole = self.truth.fields[name].expected
        return max(limit, -(-whole * round(share * 100) // 100))

    def strictest(self, *, cached: bool = False) -> int | None:
        limits = self.open_limits(cached=cached)
        if self.ghost_limit is not None:
            limits.append(self.ghost_limit)
        return min(limits, default=None)

    def about_to_write(self, _write: Write, _fenced: bool) -> None:  # noqa: FBT001 -- a callback
        self.before = self.truth.values()
        self.potential_before = self.truth.potential()

    def has_written(self, write: Write, fenced: bool) -> None:  # noqa: FBT001 -- as above
        self.truth.saw(self.before, by=Who.US)
        self.truth.wrote(write)
        self.note_whole()
        potential = self.truth.potential()
        if not fenced:
            assert potential <= self.potential_before, "loosened without the fence"
        limit = self.strictest()
        if limit is not None:
            assert potential <= max(self.potential_before, limit), "looser than the strictest hold"
        text = annotation(self.server.get(write.key) or {}, LEDGER_ANNOTATION) or ""
        assert len(text.encode()) < 2048

    # Passes

    @rule()
    def unfenced_pass(self) -> None:
        self.observe()
        self.conductor.loop(fenced=False)
        self.check_held(self.strictest(cached=True), exact=False)

    @rule(persist=st.booleans())
    def whole_pass(self, persist: bool) -> None:  # noqa: FBT001 -- drawn
        self.observe()
        step = self.conductor.reconcile(persist=persist)
        self.conductor.refresh()
        written = len(self.conductor.writes)
        again = self.conductor.reconcile(persist=False)
        assert not again.pending or step.pending
        assert len(self.conductor.writes) == written, "a second pass has nothing to write"
        self.check_held(self.strictest(), exact=True)
        if self.strictest() is None:
            self.check_given_back()
        if persist:
            self.conductor.close()

    @rule(after=st.integers(1, 4), fenced=st.booleans())
    def killed_on_the_way(self, after: int, fenced: bool) -> None:  # noqa: FBT001 -- drawn
        self.observe()
        if fenced:
            self.conductor.refresh()
        self.conductor.loop(fenced=fenced, stop_after=after)

    def note_whole(self) -> None:
        self.truth.replicas_remembered = any(
            ledger is not None for ledger in self.truth.last.values()
        )

    def check_held(self, limit: int | None, *, exact: bool) -> None:
        if limit is None:
            return
        replicas = self.truth.live("replicas")
        highest = self.truth.live("maxReplicas")
        lowest = self.truth.live("minReplicas")
        assert replicas is not None
        if highest is None or limit == 0:
            assert replicas <= limit
        if highest is not None:
            assert lowest is not None
            assert lowest <= highest <= max(1, limit)
        if self.maybe_ghost or self.ghost_limit is not None:
            return
        if not exact or self.truth.doubtful:
            return
        fields = self.truth.fields
        if highest is None or limit == 0:
            assert replicas == min(limit, fields["replicas"].expected)
        if highest is not None:
            assert highest == min(fields["maxReplicas"].expected, max(1, limit))
            wanted = min(fields["minReplicas"].expected, fields["maxReplicas"].expected, limit)
            assert lowest == max(1, wanted)

    def check_given_back(self) -> None:
        if self.maybe_ghost:
            return
        for name, found in self.truth.fields.items():
            key = DEPLOYMENT if name == "replicas" else AUTOSCALER
            if self.truth.doubtful:
                continue
            live = self.truth.live(name)
            if name != "replicas" or AUTOSCALER not in self.truth.last:
                # A person who lowers the maximum sees our minimum beside it, not their own.
                highest = self.truth.fields.get("maxReplicas", found).expected
                assert live == (
                    min(found.expected, highest) if name == "minReplicas" else found.expected
                ), f"{name} {live} {found}"
            else:
                self.check_left_to_autoscaler(found)
            assert not traces_of_ours(self.server.get(key))
            found.bound = None
            found.writer = Who.THEM

    def check_left_to_autoscaler(self, replicas: Field) -> None:
        """What it or a person moved stays; what stands where we put it is given back."""
        live = self.truth.live("replicas")
        owed = min(replicas.expected, self.truth.fields["maxReplicas"].expected)
        lowered = replicas.writer is Who.AUTOSCALER and live == replicas.bound
        if replicas.writer is Who.US or (lowered and owed > (live or 0)):
            assert live == owed, f"{live} {replicas}"

    # Incidents

    @rule(uid=UIDS, limit=LIMITS)
    def arrives_or_changes(self, uid: str, limit: int) -> None:
        incident = self.conductor.incidents.get(uid)
        if incident is None or incident.closed:
            self.conductor.incidents.pop(uid, None)
            self.serial += 1
            self.conductor.arrive(str(self.serial), replicas=limit)
        else:
            incident.asks = {"replicas": limit}
            self.conductor.refresh()

    @rule(share=st.sampled_from([None, 0.1, 0.5, 0.75]), data=st.data())
    def opens_a_step_or_relapses(self, share: float | None, data: st.DataObject) -> None:
        if self.conductor.incidents:
            uid = data.draw(st.sampled_from(sorted(self.conductor.incidents)))
            self.conductor.step(uid, share)

    @rule(data=st.data())
    def lets_go(self, data: st.DataObject) -> None:
        if self.conductor.incidents:
            uid = data.draw(st.sampled_from(sorted(self.conductor.incidents)))
            self.conductor.let_go(uid)

    @rule(data=st.data())
    def vanishes(self, data: st.DataObject) -> None:
        """Force-deleted, with the second copy in its status."""
        if not self.conductor.incidents:
            return
        uid = data.draw(st.sampled_from(sorted(self.conductor.incidents)))
        del self.conductor.incidents[uid]
        self.conductor.refresh()
        self.observe()
        # What was applied is what vanished, whatever it asked for since.
        left = self.truth.applied_for(uid, self.conductor.incidents)
        if left and not self.truth.doubtful:
            self.ghost_limit = min(
                [*left, *([] if self.ghost_limit is None else [self.ghost_limit])]
            )
        # Where memory was lost, so is what it tells of who held.
        self.maybe_ghost = self.maybe_ghost or bool(self.truth.doubtful)

    @rule()
    def ghosts_are_released(self) -> None:
        self.observe()
        self.conductor.refresh()
        self.ghost_limit, self.maybe_ghost = None, False
        self.conductor.reconcile(release_ghosts=True)
        if self.strictest() is None:
            self.check_given_back()

    @invariant()
    def consistent(self) -> None:
        assert set(self.truth.last) == set(self.server.objects)

    def teardown(self) -> None:
        """Everybody lets go; where memory was lost, a person says what it should be."""
        if DEPLOYMENT not in self.truth.last:
            return
        self.conductor.refresh()
        if self.truth.doubtful:
            self.whole_pass(persist=True)
            self.person_scales(replicas=7 if self.truth.live("replicas") != 7 else 8)
            if AUTOSCALER in self.truth.last:
                high = 9 if self.truth.live("maxReplicas") != 9 else 8
                low = 4 if self.truth.live("minReplicas") != 4 else 5
                self.person_bounds(bounds=(low, high))
            self.observe()
            self.conductor.reconcile(release_ghosts=True)
            for incident in self.conductor.incidents.values():
                incident.asks = {}
            self.ghosts_are_released()
            for key in self.truth.last:
                assert not traces_of_ours(self.server.get(key))
            return
        for incident in self.conductor.incidents.values():
            incident.asks = {}
        self.ghosts_are_released()
        self.whole_pass(persist=True)


TestHeldWorkload = HeldWorkload.TestCase
TestHeldWorkload.settings = settings(
    max_examples=150,
    stateful_step_count=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)

"""In which order, in whose name and how often one target is written."""

import random

from responder.holds.fields import Facts
from responder.holds.limits import Hold, Holder
from responder.holds.objects import GIVE_BACK_MANAGER, LEDGER_ANNOTATION, MANAGER
from responder.holds.workload import Workload, plan_workload
from tests.holds.conductor import AUTOSCALER, DEPLOYMENT, autoscaler
from tests.holds.stage import Stage, workload


def written(stage: Stage, *, since: int = 0) -> list[tuple[str, str, str]]:
    return [(str(write.purpose), write.key.kind, write.manager) for write in stage.writes[since:]]


def test_the_change_and_its_ledger_are_one_guarded_patch() -> None:
    stage = workload(replicas=8)
    version = stage.get(DEPLOYMENT)["metadata"]["resourceVersion"]
    stage.arrive("1", replicas=2)
    step = stage.plan(fenced=False)
    assert step.write is not None
    assert step.write.patch["spec"] == {"replicas": 2}
    assert step.write.patch["metadata"]["resourceVersion"] == version
    assert LEDGER_ANNOTATION in step.write.patch["metadata"]["annotations"]
    assert step.write.manager == MANAGER


def test_a_give_back_is_written_in_its_own_name_and_then_tidied() -> None:
    stage = workload(replicas=8)
    stage.arrive("1", replicas=2)
    stage.reconcile()
    stage.release_all()
    assert written(stage, since=1) == [
        ("GiveBack", "Deployment", GIVE_BACK_MANAGER),
        ("Tidy", "Deployment", MANAGER),
    ]
    tidy = stage.writes[-1].patch
    assert set(tidy) == {"metadata"}
    assert set(tidy["metadata"]) == {"resourceVersion", "managedFields"}


def test_an_autoscaler_is_bounded_before_the_workload_is_let_go() -> None:
    stage = workload(replicas=8)
    stage.arrive("1", replicas=2)
    stage.reconcile()
    body = autoscaler(lowest=3, highest=20)
    stage.server.create(AUTOSCALER, body, manager="kubectl-create")
    stage.reconcile()
    kinds = [(purpose, kind) for purpose, kind, _ in written(stage, since=1)]
    assert kinds[0] == ("Hold", "HorizontalPodAutoscaler")
    assert kinds.index(("Hold", "HorizontalPodAutoscaler")) < kinds.index(("Tidy", "Deployment"))


def test_the_workload_is_held_before_anything_else_when_its_autoscaler_is_gone() -> None:
    stage = workload(replicas=8, bounds=(2, 20))
    stage.arrive("1", replicas=3)
    stage.reconcile()
    stage.server.delete(AUTOSCALER)
    stage.loop(fenced=False)
    assert written(stage, since=1) == [("Hold", "Deployment", MANAGER)]


def test_what_tightens_goes_before_what_loosens_on_another_object() -> None:
    """Behind the fence the strict hold has left; a person raised the workload meanwhile."""
    stage = workload(replicas=8, bounds=(2, 20))
    stage.arrive("1", replicas=0)
    stage.reconcile()
    stage.arrive("2", replicas=0)
    stage.let_go("1")
    stage.sync(8)
    stage.loop(fenced=True)
    assert written(stage, since=2)[0] == ("Hold", "Deployment", MANAGER)


def test_bounds_are_given_back_before_the_workload_is_woken() -> None:
    stage = workload(replicas=8, bounds=(2, 20))
    stage.arrive("1", replicas=0)
    stage.reconcile()
    since = len(stage.writes)
    stage.release_all()
    assert [(purpose, kind) for purpose, kind, _ in written(stage, since=since)] == [
        ("GiveBack", "HorizontalPodAutoscaler"),
        ("GiveBack", "Deployment"),
        # Last, what the replicas were: until then a sync in flight can be answered.
        ("GiveBack", "HorizontalPodAutoscaler"),
        ("Tidy", "HorizontalPodAutoscaler"),
        ("Tidy", "Deployment"),
    ]


def test_the_same_incident_a_hundred_times_is_one_write() -> None:
    stage = workload(replicas=8)
    for _ in range(100):
        stage.arrive("1", replicas=2)
        stage.reconcile()
    assert len(stage.writes) == 1


class Crowd:
    """Thousands of incidents on one workload; only the planner's own work grows with them."""

    def __init__(self, *, replicas: int) -> None:
        self.stage = workload(replicas=replicas)
        self.holds: dict[str, Hold[int]] = {}
        self.present: set[str] = set()

    def arrive(self, number: int, limit: int) -> None:
        uid = str(number)
        self.present.add(uid)
        self.holds[uid] = Hold(Holder(f"incident-{uid}", uid, since=f"{number:05}"), limit)

    def reconcile(self) -> None:
        facts = Facts(present=self.present, open_incidents=self.present, fenced=True)
        while True:
            target = Workload(self.stage.get(DEPLOYMENT), (), [*self.holds.values()])
            write = plan_workload(target, facts=facts).write
            if write is None:
                return
            self.stage.server.patch(write.key, write.patch, manager=write.manager)
            self.stage.writes.append(write)

    @property
    def strictest(self) -> int:
        return min((hold.limit for hold in self.holds.values()), default=5000)


def test_hundreds_of_incidents_write_only_what_becomes_effective() -> None:
    crowd, dice = Crowd(replicas=5000), random.Random(3)
    changes = 0
    for number in range(600):
        limit = dice.randint(1, 4000)
        changes += limit < crowd.strictest
        crowd.arrive(number, limit)
        crowd.reconcile()
        assert crowd.stage.replicas == crowd.strictest
    assert len(crowd.stage.writes) == changes
    assert len(crowd.stage.annotations()[LEDGER_ANNOTATION].encode()) < 2048


def test_hundreds_of_incidents_leave_with_few_writes() -> None:
    """One per change of what is effective; then the give-back and its tidying."""
    crowd, dice = Crowd(replicas=5000), random.Random(4)
    for number in range(600):
        crowd.arrive(number, dice.randint(1, 4000))
    crowd.reconcile()
    since, changes = len(crowd.stage.writes), 0
    for uid in dice.sample(sorted(crowd.holds), 600):
        before = crowd.strictest
        del crowd.holds[uid]
        crowd.reconcile()
        changes += crowd.strictest != before
        assert crowd.stage.replicas == crowd.strictest
    assert changes < 30
    assert len(crowd.stage.writes) - since <= 2 * changes + 1
    assert not crowd.stage.traces()


def test_incidents_of_one_limit_that_end_oldest_first_write_once() -> None:
    stage = workload(replicas=8)
    for number in range(50):
        stage.arrive(f"{number}", replicas=2)
        stage.reconcile()
    since = len(stage.writes)
    for number in range(49):
        stage.let_go(f"{number}")
        stage.reconcile()
    assert len(stage.writes) - since == 1

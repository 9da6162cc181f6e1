"""kill -9 at every point of an incident's life: the hold stands, and is given back exactly."""

import contextlib
import dataclasses
from collections.abc import Callable, Iterator

import pytest

from responder.sandbox.audit.versions import AUTOSCALER, CONFIG_MAP, DEPLOYMENT
from tests.controlplane import run_logs
from tests.controlplane.control_plane import ControlPlane
from tests.controlplane.eventually import eventually_blocking
from tests.e2e.api_proxy import Fault
from tests.e2e.cluster import Cluster
from tests.e2e.conftest import ARTICLE
from tests.e2e.process import Body, alert
from tests.e2e.stage import Stage, Stages, is_over

ZERO = ARTICLE.replace("to: 2", "to: 0")
RESOLVED = alert(status="resolved")

CREATE = ("POST", r"/incidents\?")
STATUS = ("PATCH", r"/incidents/[^/]+/status\?")
INCIDENT = ("PATCH", r"/incidents/[^/]+\?")
ANY_TARGET = ("PATCH", r"/(configmaps|horizontalpodautoscalers|deployments)/")
ANY_WRITE = ("POST|PATCH|DELETE", r"/(incidents|configmaps|horizontalpodautoscalers|deployments)\b")
GIVE_BACK = r"\?fieldManager=campaign-responder-give-back$"
OTHERWISE = r"\?fieldManager=campaign-responder$"
ON_CAMPAIGN = "/configmaps/spring-sale"
ON_AUTOSCALER = "/horizontalpodautoscalers/email-sender-hpa"
ON_DEPLOYMENT = "/deployments/email-sender"
BEFORE, AFTER = Fault.DIES_BEFORE, Fault.DIES_AFTER


@pytest.fixture(scope="module")
def stages(
    control_plane: ControlPlane,
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Stages]:
    with contextlib.ExitStack() as ends:
        yield Stages(
            control_plane,
            playbook=ZERO,
            folder=tmp_path_factory.mktemp("crashes"),
            logs=run_logs.directory(request.config),
            ends=ends,
        )


@pytest.fixture
def stage(stages: Stages) -> Iterator[Stage]:
    with stages.act() as acting:
        yield acting


def is_held(cluster: Cluster) -> bool:
    hold = cluster.hold()
    return (
        hold is not None
        and hold["share"] == 0.0
        and cluster.bounds() == (1, 1)
        and cluster.replicas() == 0
    )


def is_told(cluster: Cluster) -> bool:
    """The incident's status says that everything is held."""
    return any(
        condition["type"] == "Applied" and condition["status"] == "True"
        for incident in cluster.open_incidents()
        for condition in (incident.get("status") or {}).get("conditions") or ()
    )


def wait_held(stage: Stage) -> None:
    eventually_blocking(lambda: is_held(stage.cluster), what="the hold stands")


def wait_told(stage: Stage) -> None:
    eventually_blocking(lambda: is_told(stage.cluster), what="the status tells of the hold")


def wait_over(stage: Stage) -> None:
    eventually_blocking(
        lambda: stage.cluster.incidents() and is_over(stage.cluster),
        what="everything is given back",
    )


def assert_held_once(stage: Stage) -> None:
    """Held in one go, never let go in between, and given back in one go."""
    replicas = stage.values(DEPLOYMENT, "email-sender", "replicas")
    # The autoscaler goes to its bound of 1 by itself: between the two writes, or in a sync that
    # was in flight when zero was written, which is then written again.
    first, *held, last = replicas
    assert (first, set(held) - {1}, last) == (8, {0}, 8)
    assert stage.values(AUTOSCALER, "email-sender-hpa", "maxReplicas") == [20, 1, 20]
    assert stage.values(AUTOSCALER, "email-sender-hpa", "minReplicas") == [2, 1, 2]
    holds = stage.values(CONFIG_MAP, "spring-sale", "hold.json")
    assert [text is not None for text in holds] == [False, True, False]


@dataclasses.dataclass(frozen=True, slots=True)
class Crash:
    """Where the responder is killed, and what stands at its death, as far as that is certain."""

    method: str
    path: str
    fault: Fault
    body: str = ""
    replicas: int | None = None
    maximum: int | None = None
    paused: bool | None = None

    def assert_left(self, cluster: Cluster) -> None:
        if self.replicas is not None:
            # A sync in flight raises a zero to the autoscaler's bound of 1; nobody answers yet.
            assert cluster.replicas() in {self.replicas, self.replicas or 1}
        if self.maximum is not None:
            assert cluster.bounds()[1] == self.maximum
        if self.paused is not None:
            assert (cluster.hold() is not None) is self.paused


HOLDING = {
    "before storing": Crash(*CREATE, BEFORE, replicas=8, maximum=20, paused=False),
    "between storing and patching": Crash(*CREATE, AFTER, replicas=8, maximum=20, paused=False),
    "after the campaign's patch": Crash("PATCH", ON_CAMPAIGN, AFTER, paused=True),
    "before the workload's patches": Crash("PATCH", ON_AUTOSCALER, BEFORE, replicas=8, maximum=20),
    "between the workload's patches, the first untold": Crash(
        "PATCH", ON_AUTOSCALER, AFTER, maximum=1
    ),
    "between the workload's patches": Crash("PATCH", ON_DEPLOYMENT, BEFORE, maximum=1),
    "after the workload's patches": Crash("PATCH", ON_DEPLOYMENT, AFTER, replicas=0, maximum=1),
    "between patch and status": Crash(
        *STATUS, BEFORE, '"Committed"', replicas=0, maximum=1, paused=True
    ),
    "after the status": Crash(*STATUS, AFTER, '"Committed"', replicas=0, maximum=1, paused=True),
}


@pytest.mark.parametrize("crash", HOLDING.values(), ids=HOLDING)
def test_a_hold_stands_after_a_crash_and_is_given_back_exactly(crash: Crash, stage: Stage) -> None:
    before = stage.cluster.snapshot()
    point = stage.proxy.break_at(
        crash.method, crash.path, crash.fault, body=crash.body, victim=stage.responder
    )
    with contextlib.suppress(OSError):
        stage.responder.notify(alert())
    point.wait()
    crash.assert_left(stage.cluster)
    stored = [item["metadata"]["uid"] for item in stage.cluster.incidents()]

    stage.revive()
    if stored:
        # Without a word from anybody.
        wait_held(stage)
    assert stage.responder.notify(alert()).status == 200
    wait_held(stage)
    wait_told(stage)
    found = [item["metadata"]["uid"] for item in stage.cluster.incidents()]
    assert len(found) == 1
    assert stored in ([], found)

    assert stage.responder.notify(RESOLVED).status == 200
    wait_over(stage)
    assert stage.cluster.snapshot() == before
    assert_held_once(stage)


def test_killed_right_after_its_200_it_holds_once_it_is_back(stage: Stage) -> None:
    before = stage.cluster.snapshot()
    stage.proxy.break_at(*ANY_TARGET, Fault.HELD_BACK)
    assert stage.responder.notify(alert()).status == 200
    stage.responder.server.kill()
    stage.proxy.cut()
    assert stage.cluster.snapshot() == before

    stage.revive()
    wait_held(stage)
    assert stage.responder.notify(RESOLVED).status == 200
    wait_over(stage)
    assert stage.cluster.snapshot() == before
    assert_held_once(stage)


GIVING_BACK = {
    "before the decision to let go is stored": Crash(
        *STATUS, BEFORE, '"lettingGo"', replicas=0, maximum=1, paused=True
    ),
    "between the decision and the give-back": Crash(
        "PATCH", ON_AUTOSCALER + GIVE_BACK, BEFORE, replicas=0, maximum=1
    ),
    "between the autoscaler's give-back and the replicas'": Crash(
        "PATCH", ON_AUTOSCALER + GIVE_BACK, AFTER, maximum=20
    ),
    "before the replicas' give-back": Crash(
        "PATCH", ON_DEPLOYMENT + GIVE_BACK, BEFORE, maximum=20, replicas=0
    ),
    "between the replicas' give-back and its tidying": Crash(
        "PATCH", ON_DEPLOYMENT + GIVE_BACK, AFTER, replicas=8, maximum=20
    ),
    "after the campaign's give-back": Crash("PATCH", ON_CAMPAIGN + GIVE_BACK, AFTER, paused=False),
    "after the workload's tidying": Crash("PATCH", ON_DEPLOYMENT + OTHERWISE, AFTER, replicas=8),
    "between the last give-back and the close": Crash(
        *STATUS, BEFORE, '"Closed"', replicas=8, maximum=20, paused=False
    ),
    "between the close and the end of the finalizer": Crash(
        *INCIDENT, BEFORE, '"finalizers"', replicas=8, maximum=20, paused=False
    ),
}


@pytest.mark.parametrize("crash", GIVING_BACK.values(), ids=GIVING_BACK)
def test_a_give_back_goes_on_after_a_crash_and_is_exact(crash: Crash, stage: Stage) -> None:
    before = stage.cluster.snapshot()
    assert stage.responder.notify(alert()).status == 200
    wait_held(stage)
    wait_told(stage)
    point = stage.proxy.break_at(
        crash.method, crash.path, crash.fault, body=crash.body, victim=stage.responder
    )
    with contextlib.suppress(OSError):
        assert stage.responder.notify(RESOLVED).status == 200
    point.wait()
    crash.assert_left(stage.cluster)

    stage.revive()
    wait_over(stage)
    assert stage.cluster.snapshot() == before
    assert_held_once(stage)


def test_killed_after_each_single_write_it_still_comes_to_its_end(stage: Stage) -> None:
    """No life of the responder does more than one write, and none hears what became of it."""
    before = stage.cluster.snapshot()
    lives = 0

    def live_once(done: Callable[[], object], *told: Body) -> None:
        nonlocal lives
        point = stage.proxy.break_at(*ANY_WRITE, AFTER, victim=stage.responder)
        with contextlib.suppress(OSError):
            if told:
                stage.responder.notify(*told)
        eventually_blocking(lambda: point.reached.is_set() or done(), what="the next write")
        stage.responder.server.kill()
        stage.proxy.mend()
        stage.responder.server.start_again()
        lives += 1

    def live_until(done: Callable[[], object], *told: Body) -> None:
        live_once(lambda: False, *told)
        while not done():
            live_once(done)

    live_until(lambda: is_held(stage.cluster) and is_told(stage.cluster), alert())
    stage.responder.wait_ready()
    live_until(lambda: is_over(stage.cluster), RESOLVED)
    stage.responder.wait_ready()

    assert lives > 10
    assert len(stage.cluster.incidents()) == 1
    assert stage.cluster.snapshot() == before
    assert_held_once(stage)

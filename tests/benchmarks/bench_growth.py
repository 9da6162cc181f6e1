"""What open incidents cost to look at, and to keep: 10,000 over 1,000 targets against a tenth."""

import dataclasses
import gc
import time
import tracemalloc
from collections.abc import Mapping
from datetime import timedelta

from responder.holds.fields import Facts
from responder.holds.objects import ObjectKey
from responder.incidents.evidence import questions_of
from responder.incidents.incident import Incident
from responder.incidents.lifecycle import advance
from responder.incidents.policy import Resume, Stage, Step
from responder.incidents.stored import body_of, read_incident
from responder.incidents.transitions import Facts as IncidentFacts
from responder.reconcile.outcomes import Outcome, Outcomes
from responder.reconcile.preview import merged
from responder.reconcile.situation import gather
from responder.reconcile.standings import outcomes_of
from responder.reconcile.view import IncidentKey, View
from tests.incidents.given import NOW, SCALE, incident
from tests.reconcile.objects import Json, deployment

SMALL = (1_000, 100)
LARGE = (10_000, 1_000)
GOAL = 1.5
"""Of linear growth: what a machine's caches cost is in it."""
QUESTION: Json = {"name": "bounce-rate", "measure": "ratio", "bound": "min", "threshold": 0.3}


def one(number: int, targets: int) -> Incident:
    """One that holds, and has all that an incident may have: steps, a check, a stage."""
    ask = dataclasses.replace(SCALE, target=f"sender-{number % targets}")
    made = incident(
        name=f"bench-{number:016x}-1",
        uid=f"uid-{number}",
        resource_version=str(number + 1),
        plan=(ask,),
        resume=Resume(after_seconds=600, steps=(Step(0.1, 900, 1_000),), check=QUESTION),
        stages=(Stage(QUESTION, 600, (ask,)),),
    )
    # As it comes from the API server, with nothing shared among incidents.
    body = body_of(made)
    body["metadata"] |= {"uid": made.uid, "resourceVersion": made.resource_version}
    body["status"] = {key: told for key, told in made.status.to_json().items() if told is not None}
    return read_incident(body)


def settled(incidents: int, targets: int) -> View:
    """A view in which everything that is asked for is held."""
    view = View()
    for number in range(targets):
        view.put_object("Deployment", deployment(f"sender-{number}"))
    for number in range(incidents):
        view.put_incident(one(number, targets))
    facts = Facts(present=view.present, open_incidents=view.open, fenced=True)
    for key in list(view.targets()):
        while (write := gather(view, key, pools=()).plan(facts).write) is not None:
            now = merged(view.objects[key], write.patch)
            version = int(now["metadata"]["resourceVersion"]) + 1
            now["metadata"]["resourceVersion"] = str(version)
            view.replace_object(key, now)
        found = outcomes_of(gather(view, key, pools=()), gather(view, key, pools=()).plan(facts))
        keep(view, key, found)
    return view


def keep(view: View, key: ObjectKey, found: Mapping[IncidentKey, Outcome]) -> None:
    """Write what became of a target into the statuses, as the incident loop does."""
    outcomes = Outcomes()
    for name, outcome in found.items():
        outcomes.put(name, key, outcome)
        before = view.incidents[name]
        status = dataclasses.replace(before.status, targets=outcomes.targets(before, view))
        version = str(int(before.resource_version) + 100_000)
        view.put_incident(dataclasses.replace(before, status=status, resource_version=version))


def look_at_all(view: View) -> float:
    """Seconds to plan every target and to decide about every incident, with nothing to do."""
    facts = Facts(present=view.present, open_incidents=view.open, fenced=True)
    began = time.perf_counter()
    for key in view.targets():
        step = gather(view, key, pools=()).plan(facts)
        assert step.write is None
    for found in view.incidents.values():
        assert advance(found, IncidentFacts(), now=NOW + timedelta(minutes=1)) is None
        questions_of(found)
    return time.perf_counter() - began


def measured(incidents: int, targets: int) -> tuple[float, float]:
    """Give the best of three looks in seconds, and what the view takes in MB."""
    gc.collect()
    tracemalloc.start()
    view = settled(incidents, targets)
    gc.collect()
    megabytes = tracemalloc.get_traced_memory()[0] / 2**20
    tracemalloc.stop()
    assert len(view.incidents) == incidents
    assert view.incidents[IncidentKey("mail", "bench-0000000000000000-1")].status.targets
    return min(look_at_all(view) for _ in range(3)), megabytes


def bench_growth_from_a_tenth() -> None:
    seconds, megabytes = measured(*SMALL)
    more_seconds, more_megabytes = measured(*LARGE)
    times = LARGE[0] / SMALL[0]
    print(
        f"\nlooking at {LARGE[0]} open incidents over {LARGE[1]} targets: {more_seconds:.2f} s,"
        f" {more_megabytes:.0f} MB; at {SMALL[0]} over {SMALL[1]}: {seconds:.3f} s,"
        f" {megabytes:.1f} MB; growth {more_seconds / seconds / times:.2f} and"
        f" {more_megabytes / megabytes / times:.2f} of linear (goal: at most {GOAL})"
    )

"""How often another writer is answered, when he is stood down from, and when that is over."""

from dataclasses import dataclass, field

import pytest

from responder.holds.ledger import Entry, Ledger, Raw
from responder.holds.objects import ObjectKey
from responder.holds.planning import Place, Revert, Step
from responder.reconcile.contest import Contest, Contests, Patience

WORKLOAD = ObjectKey("Deployment", "mail", "email-sender")
CAMPAIGN = ObjectKey("ConfigMap", "mail", "spring-sale")
PATIENCE = Patience()
ANSWERS = len(PATIENCE.pauses_seconds)
ARGO, PERSON = "argocd-controller", "kubectl-edit"


@dataclass
class Arena:
    """A target that is held, and others who set it back."""

    patience: Patience = PATIENCE
    now: float = 1000.0
    answers: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.contests = Contests(self.patience)

    def step(self, *reverts: Revert) -> Step:
        entries = {name: Entry(8, 2, holder="x-1", uid="1") for name in ("replicas", "state")}
        held = {key: Ledger("1", 1, entries) for key in (WORKLOAD, CAMPAIGN)}
        return Step(write=None, pending=False, held=held, reverts=reverts)

    def meet(self, *reverts: Revert) -> frozenset[Place]:
        """Someone sets something back; what may be answered is."""
        left = self.contests.meet(reverts, now=self.now)
        answered = [revert for revert in reverts if revert.place not in left]
        self.contests.answered(answered, now=self.now)
        self.answers += [self.now] * len(answered)
        return left

    def fight(self, revert: Revert, *, seconds: float, every: float = 0.1) -> None:
        """He sets it back as soon as `every` seconds after each answer, for so long."""
        until = self.now + seconds
        while self.now < until:
            if self.meet(revert):
                wait = self.contests.look_again_seconds(self.step(revert), now=self.now)
                assert wait is not None, "nobody would come back to it"
                self.now = min(self.now + wait, until)
            else:
                self.now += every

    def contested(self, *reverts: Revert) -> list[Contest]:
        return list(self.contests.contested(self.step(*reverts), now=self.now))


def revert(by: str = ARGO, *, wanted: Raw = 2, key: ObjectKey = WORKLOAD) -> Revert:
    return Revert(key, "replicas" if key == WORKLOAD else "state", by, wanted)


def test_he_is_answered_at_once_then_more_and_more_slowly_and_then_once_in_a_rest() -> None:
    arena = Arena()
    arena.fight(revert(), seconds=1800, every=0.01)
    gaps = [round(b - a, 1) for a, b in zip(arena.answers, arena.answers[1:], strict=False)]
    assert gaps[: ANSWERS - 1] == [0.0, 0.0, 2.0, 4.0, 8.0]
    assert set(gaps[ANSWERS - 1 :]) == {PATIENCE.rest_seconds}
    assert len(arena.answers) <= ANSWERS + 1800 / PATIENCE.rest_seconds
    assert arena.contested(revert()) == [Contest(WORKLOAD, "replicas", ARGO)]


def test_who_comes_more_rarely_than_a_rest_is_told_and_is_answered_at_once_each_time() -> None:
    """Flux, every ten minutes: the hold is off for a moment, and its owner is to know."""
    arena = Arena()
    for _ in range(ANSWERS):
        assert arena.meet(revert("kustomize-controller")) == frozenset()
        arena.now += 600
    assert not arena.contested()
    for _ in range(10):
        assert arena.meet(revert("kustomize-controller")) == frozenset()
        assert arena.contested()
        arena.now += 600


def test_a_person_who_edits_twice_in_ten_minutes_is_no_contest() -> None:
    arena = Arena()
    for _ in range(2):
        assert arena.meet(revert(PERSON)) == frozenset()
        arena.now += 300
    assert arena.contested() == []
    assert arena.contests.look_again_seconds(arena.step(), now=arena.now) is None


def test_edits_of_many_days_are_no_contest() -> None:
    arena = Arena()
    for _ in range(10 * ANSWERS):
        assert arena.meet(revert(PERSON)) == frozenset()
        arena.now += PATIENCE.window_seconds / (ANSWERS - 1)
    assert arena.contested() == []


def test_each_manager_and_each_field_counts_by_itself() -> None:
    arena = Arena()
    arena.fight(revert(), seconds=60)
    assert arena.meet(revert()) == {(WORKLOAD, "replicas")}
    assert arena.meet(revert(PERSON)) == frozenset()
    assert arena.meet(revert(key=CAMPAIGN)) == frozenset()
    assert arena.contested() == [Contest(WORKLOAD, "replicas", ARGO)]


def test_something_else_that_is_asked_is_tried_at_once() -> None:
    arena = Arena()
    arena.fight(revert(), seconds=60)
    assert arena.meet(revert(wanted=1)) == frozenset()
    assert arena.meet(revert(wanted=1)) == {(WORKLOAD, "replicas")}
    assert arena.contested(revert(wanted=1))


def test_it_is_over_once_our_value_stood_for_long() -> None:
    arena = Arena()
    arena.fight(revert(), seconds=400)
    arena.now = arena.answers[-1] + PATIENCE.calm_seconds - 1
    assert arena.contested()
    assert arena.contests.look_again_seconds(arena.step(), now=arena.now) == pytest.approx(1)
    arena.now += 1
    assert arena.contested(revert()), "not while his value stands there"
    assert not arena.contested()
    assert arena.meet(revert()) == frozenset(), "it begins anew"


def test_a_contest_that_lasts_longer_than_answers_count_stays_one() -> None:
    patience = Patience(window_seconds=60, rest_seconds=300)
    arena = Arena(patience)
    arena.fight(revert(), seconds=2000)
    assert arena.contested(revert())
    assert len(arena.answers) <= ANSWERS + 2000 / 300 + 1


def test_what_is_no_longer_held_is_not_told() -> None:
    arena = Arena()
    arena.fight(revert(), seconds=60)
    given_back = Step(write=None, pending=False, held={})
    assert arena.contests.contested(given_back, now=arena.now) == ()
    assert arena.contests.look_again_seconds(given_back, now=arena.now) is None
    assert arena.contested(), "a new incident soon after is told at once"


def test_a_pause_of_none_at_all_is_a_contest_from_the_second_time_on() -> None:
    arena = Arena(Patience(pauses_seconds=(0.0,)))
    assert arena.meet(revert()) == frozenset()
    assert arena.meet(revert()) == {(WORKLOAD, "replicas")}


def test_what_is_remembered_is_bounded() -> None:
    arena = Arena()
    arena.fight(revert(), seconds=60)
    for number in range(5000):
        arena.meet(revert(key=CAMPAIGN._replace(name=f"campaign-{number}")))
        arena.meet(revert(by=f"script-{number}", key=CAMPAIGN))
    assert len(arena.contests._fights) <= 1024
    assert len(arena.contests._fights[CAMPAIGN]) <= 256
    assert arena.contested() == [], "the oldest is forgotten, and answered anew"

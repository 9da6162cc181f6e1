"""Any interleaving of holds, people, crashes and lost annotations on one ConfigMap's keys."""

from dataclasses import dataclass, replace
from typing import Any, Final

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from responder.holds.keys import PlainKeyControl
from responder.holds.ledger import Ledger, united
from responder.holds.limits import AnyControl
from responder.holds.objects import LEDGER_ANNOTATION, annotation, value_at
from responder.holds.planning import Write
from responder.holds.sending import SendingControl, SendingLimit
from tests.holds.api_server import ApiServer
from tests.holds.conductor import CAMPAIGN, Conductor
from tests.holds.field_sets import Json
from tests.holds.traces import traces_of_ours

CONTROLS: Final[dict[str, AnyControl]] = {
    "hold.json": SendingControl("hold.json", pools=("warm", "quarantine")),
    "state": PlainKeyControl("state", ("active", "slow", "paused")),
}
MANIFEST: Final[Json] = {
    "metadata": {"annotations": {"team": "mail"}},
    "data": {"state": "active", "template": "spring.mjml"},
}
SENDING = st.sampled_from(
    [
        SendingLimit(share=0.0),
        SendingLimit(share=0.5),
        SendingLimit(per_minute=100),
        SendingLimit(providers=(("gmail", 0.0),)),
        SendingLimit(pool="quarantine"),
        SendingLimit(suppress=("seg-17",)),
    ]
)
ASKS = st.fixed_dictionaries(
    {}, optional={"hold.json": SENDING, "state": st.sampled_from([1, 2])}
).filter(bool)
DOCUMENTS = st.sampled_from([None, "junk", "[]", '{"share": 0.9}', '{"share": 0}'])
STATES = st.sampled_from(["active", "slow", "paused", "drained", None])


SHARES = st.sampled_from([None, 0.1, 0.6])


def in_step(limit: Any, share: float | None) -> Any:  # noqa: ANN401 -- as its control has it
    """What is left of a limit while a step lets a share through; of three values the middle one."""
    if share is None:
        return limit
    if isinstance(limit, int):
        return min(limit, 1)
    return replace(
        limit,
        share=None if limit.share is None else max(limit.share, share),
        providers=tuple((name, max(known, share)) for name, known in limit.providers),
    )


@dataclass(slots=True)
class Key:
    expected: str | None
    ours: bool = False
    applied: str | None = None


class HeldDocument(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.server = ApiServer()
        self.conductor = Conductor(self.server, "document", controls=dict(CONTROLS))
        self.conductor.before_write = self.about_to_write
        self.conductor.after_write = self.has_written
        self.keys = {name: Key(None) for name in CONTROLS}
        self.before: dict[str, Any] = {}
        self.last: Ledger | None = None
        self.doubtful = False
        self.ghosts: dict[str, list[Any]] = {}
        self.older: list[str] = []
        self.serial = 0

    @initialize(body=st.sampled_from([None, {}, MANIFEST]))
    def begin(self, body: Json | None) -> None:
        """It is not there, created empty and so without managedFields, or in use."""
        if body is not None:
            self.server.create(CAMPAIGN, body, manager="kubectl-create")

    # What must be

    def live(self, name: str) -> str | None:
        found = value_at(self.server.get(CAMPAIGN) or {}, ("data", name))
        assert found is None or isinstance(found, str)
        return found

    def text(self) -> str | None:
        return annotation(self.server.get(CAMPAIGN) or {}, LEDGER_ANNOTATION)

    def limits(self, name: str) -> list[Any]:
        asked = [
            in_step(found.asks[name], found.share)
            for found in self.conductor.incidents.values()
            if name in found.asks
        ]
        return asked + self.ghosts.get(name, [])

    def told(self) -> Ledger | None:
        if self.last is not None and self.text() == self.last.to_text():
            return self.last
        uid = value_at(self.server.get(CAMPAIGN) or {}, ("metadata", "uid"))
        copies = [
            copy
            for incident in self.conductor.incidents.values()
            if not incident.closed
            for copy in incident.copies
            if copy.object_uid == uid
        ]
        found = [copy.ledger for copy in united(copies)]
        return max(found, key=lambda ledger: ledger.sequence, default=None)

    def observe(self) -> None:
        told = self.told()
        if self.last is not None and (told is None or told.sequence < self.last.sequence):
            self.doubtful = True
            self.ghosts = {}
        for name, key in self.keys.items():
            live = self.live(name)
            held = self.last is not None and name in self.last.fields
            stripped = self.text() is None and not key.ours
            if not held or stripped or (not key.ours and live != key.applied):
                key.expected = live

    def about_to_write(self, _write: Write, _fenced: bool) -> None:  # noqa: FBT001 -- a callback
        self.before = {name: self.live(name) for name in self.keys}

    def has_written(self, write: Write, fenced: bool) -> None:  # noqa: FBT001 -- as above
        self.last = write.ledger
        if write.ledger is not None:
            self.older.append(write.ledger.to_text())
        for name, key in self.keys.items():
            before, live, control = self.before[name], self.live(name), CONTROLS[name]
            if live != before:
                key.ours = True
                loosened = control.loosens(live, live=before, effective=None)
                assert fenced or not loosened, "loosened without the fence"
                if loosened and self.limits(name):
                    self.check_holds(name)
            entry = write.ledger.fields.get(name) if write.ledger else None
            key.applied = entry.applied if entry else None
        if self.text() is not None:
            assert len((self.text() or "").encode()) < 2048

    def check_holds(self, name: str) -> None:
        control, live = CONTROLS[name], self.live(name)
        found = control.limit_of(live)
        assert found is not None, "held, yet nothing stands there"
        assert control.strictest([*self.limits(name), found]) == found

    def check(self) -> None:
        for name, key in self.keys.items():
            limits, control = self.limits(name), CONTROLS[name]
            if limits:
                self.check_holds(name)
            if self.doubtful:
                continue
            if name in self.ghosts:
                # A stricter value of their owner's is left as it is.
                live, own = control.limit_of(self.live(name)), control.limit_of(key.expected)
                assert own is None or control.strictest([live, own]) == live
                continue
            if limits:
                own = control.limit_of(key.expected)
                wanted = control.strictest([*limits, *([] if own is None else [own])])
                assert control.limit_of(self.live(name)) == wanted
            else:
                assert self.live(name) == key.expected, name
                key.ours = False
        if not any(self.limits(name) for name in self.keys) and not self.doubtful:
            assert not traces_of_ours(self.server.get(CAMPAIGN))

    # Passes

    @rule(persist=st.booleans())
    def whole_pass(self, persist: bool) -> None:  # noqa: FBT001 -- drawn
        self.observe()
        self.conductor.refresh()
        step = self.conductor.reconcile(persist=persist)
        self.conductor.refresh()
        written = len(self.conductor.writes)
        self.conductor.reconcile(persist=False)
        assert len(self.conductor.writes) == written, "a second pass has nothing to write"
        self.check()
        if persist and not step.pending:
            self.conductor.close()

    @rule()
    def unfenced_pass(self) -> None:
        self.observe()
        self.conductor.loop(fenced=False)

    @rule(after=st.integers(1, 3), fenced=st.booleans())
    def killed_on_the_way(self, after: int, fenced: bool) -> None:  # noqa: FBT001 -- drawn
        self.observe()
        if fenced:
            self.conductor.refresh()
        self.conductor.loop(fenced=fenced, stop_after=after)

    @rule()
    def ghosts_are_released(self) -> None:
        self.observe()
        self.conductor.refresh()
        self.ghosts = {}
        self.conductor.reconcile(release_ghosts=True)
        self.check()

    # Incidents

    @rule(asks=ASKS)
    def arrives(self, asks: dict[str, Any]) -> None:
        self.serial += 1
        self.conductor.arrive(str(self.serial), **asks)

    @rule(asks=ASKS, data=st.data())
    def asks_for_something_else(self, asks: dict[str, Any], data: st.DataObject) -> None:
        holding = [uid for uid, found in self.conductor.incidents.items() if found.asks]
        if holding:
            self.conductor.incidents[data.draw(st.sampled_from(holding))].asks = asks

    @rule(share=SHARES, data=st.data())
    def opens_a_step_or_relapses(self, share: float | None, data: st.DataObject) -> None:
        if self.conductor.incidents:
            uid = data.draw(st.sampled_from(sorted(self.conductor.incidents)))
            self.conductor.incidents[uid].share = share

    @rule(data=st.data())
    def lets_go(self, data: st.DataObject) -> None:
        if self.conductor.incidents:
            self.conductor.let_go(data.draw(st.sampled_from(sorted(self.conductor.incidents))))

    @rule(data=st.data())
    def vanishes(self, data: st.DataObject) -> None:
        if not self.conductor.incidents:
            return
        uid = data.draw(st.sampled_from(sorted(self.conductor.incidents)))
        del self.conductor.incidents[uid]
        self.conductor.refresh()
        self.observe()
        told = self.told()
        for name, entry in (told.fields if told else {}).items():
            if entry.uid == uid:
                # What was applied is what vanished, whatever it asked for since.
                left = CONTROLS[name].limit_of(entry.applied)
                self.ghosts.setdefault(name, []).append(left)

    # Others

    def change(self, data: Json) -> None:
        """A person's patch; whose is what then stands there?"""
        self.as_them(lambda: self.server.patch(CAMPAIGN, {"data": data}, manager="kubectl-edit"))

    def as_them(self, write: Any) -> None:  # noqa: ANN401 -- a callable
        if CAMPAIGN not in self.server.objects:
            return
        before = {name: self.live(name) for name in self.keys}
        write()
        for name, key in self.keys.items():
            if self.live(name) != before[name]:
                key.ours = False

    @rule(state=STATES)
    def person_sets_the_state(self, state: str | None) -> None:
        self.change({"state": state})

    @rule(document=DOCUMENTS)
    def person_writes_the_document(self, document: str | None) -> None:
        self.change({"hold.json": document})

    @rule()
    def kubectl_applies(self) -> None:
        self.as_them(lambda: self.server.patch(CAMPAIGN, MANIFEST, manager="kubectl-apply"))

    @rule()
    def kubectl_replaces(self) -> None:
        self.as_them(lambda: self.server.replace(CAMPAIGN, MANIFEST, manager="kubectl-replace"))

    @rule()
    def applied_by_force(self) -> None:
        self.as_them(lambda: self.server.apply(CAMPAIGN, MANIFEST, manager="flux", force=True))

    @rule(junk=st.sampled_from([None, "{}", '{"epoch":"1","sequence":9,"fields":{"x":1}}']))
    def ledger_is_lost(self, junk: str | None) -> None:
        patch = {"metadata": {"annotations": {LEDGER_ANNOTATION: junk}}}
        self.as_them(lambda: self.server.patch(CAMPAIGN, patch, manager="kubectl-annotate"))

    @rule(data=st.data())
    def an_older_ledger_comes_back(self, data: st.DataObject) -> None:
        if self.older and self.last is not None:
            text = data.draw(st.sampled_from(self.older))
            patch = {"metadata": {"annotations": {LEDGER_ANNOTATION: text}}}
            self.as_them(lambda: self.server.patch(CAMPAIGN, patch, manager="a-restore"))

    @rule(exists=st.booleans())
    def is_deleted(self, exists: bool) -> None:  # noqa: FBT001 -- drawn
        if CAMPAIGN in self.server.objects:
            self.server.delete(CAMPAIGN)
            self.last, self.doubtful, self.ghosts, self.older = None, False, {}, []
            if exists:
                self.server.create(CAMPAIGN, MANIFEST, manager="kubectl-create")
            self.keys = {name: Key(self.live(name)) for name in CONTROLS}

    def teardown(self) -> None:
        self.conductor.refresh()
        self.observe()
        if self.doubtful:
            self.whole_pass(persist=True)
            # Where memory was lost a person says what it should be.
            self.change({"hold.json": None, "state": "active"})
            self.change({"state": "drained"})
            self.ghosts = {}
            self.conductor.reconcile(release_ghosts=True)
        for incident in self.conductor.incidents.values():
            incident.asks = {}
        self.ghosts_are_released()
        assert self.live("template") in (None, "spring.mjml")
        assert not traces_of_ours(self.server.get(CAMPAIGN))


TestHeldDocument = HeldDocument.TestCase
TestHeldDocument.settings = settings(
    max_examples=100,
    stateful_step_count=30,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)

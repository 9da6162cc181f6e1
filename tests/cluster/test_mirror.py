"""The copy follows the server through any order of watch, lists and own writes, never backwards."""

from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from responder.cluster.mirror import ChangeKind, Key, Mirror
from responder.cluster.resources import JsonObject

Value = tuple[int, int]
"""resourceVersion and content."""
Change = tuple[ChangeKind, Value | None, Value | None]
NAMES = ("a", "b", "c")


def thing(
    version: int, *, name: str = "a", content: int = 0, gone: bool = False, finalizer: bool = False
) -> JsonObject:
    metadata: dict[str, Any] = {"name": name, "resourceVersion": str(version)}
    if gone or finalizer:
        metadata["deletionTimestamp"] = "t"
    if finalizer:
        metadata["finalizers"] = ["x/y"]
    return {"metadata": metadata, "content": content}


class Followed:
    """A mirror with all its changes."""

    def __init__(self) -> None:
        self.changes: list[Change] = []
        self.mirror: Mirror[Value] = Mirror(
            transform=lambda obj: (int(obj["metadata"]["resourceVersion"]), obj["content"]),
            on_change=lambda *change: self.changes.append(change),
        )

    def relist(self, version: int, *objects: JsonObject) -> bool:
        self.mirror.begin_list()
        for obj in objects:
            self.mirror.stage("ADDED", obj)
        return self.mirror.finish_list(version)

    @property
    def kinds(self) -> list[ChangeKind]:
        return [kind for kind, _, _ in self.changes]

    @property
    def values(self) -> dict[str, Value]:
        return {name: value for (_, name), value in self.mirror.values.items()}


@pytest.fixture
def it() -> Followed:
    """With one object "a" at version 10, listed at 20."""
    followed = Followed()
    assert followed.relist(20, thing(10))
    followed.changes.clear()
    return followed


def test_a_watch_adds_modifies_and_deletes(it: Followed) -> None:
    it.mirror.apply("ADDED", thing(21, name="b"))
    it.mirror.apply("MODIFIED", thing(22, content=5))
    it.mirror.apply("DELETED", thing(23, content=5))
    assert it.changes == [
        ("added", None, (21, 0)),
        ("modified", (10, 0), (22, 5)),
        ("deleted", (22, 5), None),
    ]
    assert it.values == {"b": (21, 0)}
    assert it.mirror.progress == 23


def test_an_equal_version_is_told_once(it: Followed) -> None:
    it.mirror.observe(thing(21))
    it.mirror.apply("MODIFIED", thing(21))
    it.mirror.observe(thing(21))
    it.relist(22, thing(21))
    it.mirror.apply("MODIFIED", thing(21))
    it.mirror.apply("MODIFIED", thing(20))
    assert it.kinds == ["modified"]


def test_an_own_write_is_ahead_of_what_the_stream_still_brings(it: Followed) -> None:
    it.mirror.observe(thing(25, content=2))
    it.mirror.apply("MODIFIED", thing(23, content=1))
    it.mirror.apply("DELETED", thing(24, content=1))  # of its life before; ours is a new one
    assert it.values == {"a": (25, 2)}
    assert it.mirror.ahead == 1
    it.mirror.pass_by(25)
    assert it.mirror.ahead == 0
    it.mirror.apply("DELETED", thing(26, content=2))
    assert it.kinds == ["modified", "deleted"]


def test_an_own_write_that_was_deleted_meanwhile_stays_deleted(it: Followed) -> None:
    it.mirror.apply("MODIFIED", thing(21))
    it.mirror.apply("DELETED", thing(22))
    it.mirror.observe(thing(21))
    assert it.values == {}
    assert it.kinds == ["modified", "deleted"]


def test_an_own_create_that_was_deleted_before_its_answer_came_stays_deleted(it: Followed) -> None:
    it.mirror.pass_by(30)  # the stream told its creation and deletion, or a selector left it out
    it.mirror.observe(thing(28, name="b"))
    assert it.changes == []


@pytest.mark.parametrize("told", [21, 22, 23], ids=["behind", "equal", "told-already"])
def test_the_answer_that_took_the_last_finalizer_off_deletes(it: Followed, told: int) -> None:
    # Seen live: it carries the version from before the deletion, which has one of its own.
    it.mirror.apply("MODIFIED", thing(21, finalizer=True))
    if told >= 22:
        it.mirror.apply("MODIFIED", thing(22, finalizer=True))
    if told == 23:
        it.mirror.apply("DELETED", thing(23))
    it.mirror.observe(thing(22, gone=True))
    it.mirror.apply("MODIFIED", thing(22, finalizer=True))
    it.mirror.apply("DELETED", thing(23))
    assert it.values == {}
    assert it.kinds.count("deleted") == 1
    assert it.kinds[-1] == "deleted"


def test_a_new_life_of_the_name_begins_after_that(it: Followed) -> None:
    it.mirror.observe(thing(22, gone=True))
    it.mirror.observe(thing(22, finalizer=True))  # an answer that was overtaken
    it.mirror.observe(thing(24, content=7))
    it.mirror.apply("DELETED", thing(23))
    it.mirror.observe(thing(22, gone=True))
    assert it.values == {"a": (24, 7)}
    assert it.kinds == ["deleted", "added"]


def test_a_list_shows_nothing_until_it_is_whole_and_then_only_what_changed(it: Followed) -> None:
    it.mirror.apply("ADDED", thing(21, name="b"))
    it.changes.clear()
    it.mirror.begin_list()
    it.mirror.stage("ADDED", thing(10))
    it.mirror.stage("ADDED", thing(30, name="c"))
    assert it.changes == []
    assert it.mirror.finish_list(31)
    assert it.changes == [("added", None, (30, 0)), ("deleted", (21, 0), None)]
    assert it.mirror.progress == 31


def test_changes_within_a_streamed_list_count(it: Followed) -> None:
    it.mirror.begin_list()
    for kind, obj in [
        ("ADDED", thing(10)),
        ("ADDED", thing(25, name="b")),
        ("MODIFIED", thing(26, name="b", content=1)),
        ("DELETED", thing(27)),
    ]:
        it.mirror.stage(kind, obj)
    assert it.mirror.finish_list(27)
    assert it.values == {"b": (26, 1)}


def test_an_own_write_while_a_list_is_made_survives_it(it: Followed) -> None:
    it.mirror.begin_list()
    it.mirror.stage("ADDED", thing(10))
    it.mirror.observe(thing(35, content=1))
    it.mirror.observe(thing(36, name="b"))
    assert it.mirror.finish_list(33)
    assert it.values == {"a": (35, 1), "b": (36, 0)}


def test_an_own_delete_while_a_list_is_made_survives_it(it: Followed) -> None:
    it.mirror.begin_list()
    it.mirror.stage("ADDED", thing(10, finalizer=True))
    it.mirror.observe(thing(10, gone=True))
    assert it.mirror.finish_list(33)
    assert it.values == {}
    assert it.kinds == ["deleted"]


def test_a_list_newer_than_an_own_write_wins(it: Followed) -> None:
    it.mirror.begin_list()
    it.mirror.observe(thing(30, content=1))
    it.mirror.observe(thing(31, name="b"))
    it.mirror.stage("ADDED", thing(33, content=2))
    assert it.mirror.finish_list(34)
    assert it.values == {"a": (33, 2)}


@pytest.mark.parametrize("seen_by", ["stream", "own-write"])
def test_versions_that_go_backwards_are_noticed_and_then_the_objects_count(
    it: Followed, seen_by: str
) -> None:
    if seen_by == "stream":
        it.mirror.pass_by(30)
    else:
        it.mirror.observe(thing(30, name="b"))
    it.changes.clear()
    old = dict(it.values)
    # Another history: "a" has the version that we know, and is another object.
    assert not it.relist(25, thing(10, content=9))
    assert it.values == old
    assert it.changes == []
    assert it.relist(25, thing(10, content=9))
    assert it.values == {"a": (10, 9)}
    assert ("modified", (10, 0), (10, 9)) in it.changes
    assert it.mirror.progress == 25
    it.mirror.apply("MODIFIED", thing(26, content=1))
    assert it.values == {"a": (26, 1)}
    kept = it.values["a"]
    assert it.relist(27, thing(26, content=1))
    assert it.values["a"] is kept  # an equal version is trusted again


def test_each_object_of_another_history_is_told_after_the_news_of_it() -> None:
    """Who compares versions of their own must forget them first."""
    followed = Followed()
    told: list[object] = followed.changes  # type: ignore[assignment]
    followed.mirror = Mirror(
        transform=lambda obj: (0, obj["content"]),
        on_change=lambda *change: told.append(change),
        on_restored=lambda: told.append("restored"),
    )
    followed.relist(20, thing(10))
    followed.changes.clear()
    assert not followed.relist(5, thing(3))
    assert told == []
    assert followed.relist(5, thing(3))
    assert told == ["restored", ("modified", (0, 0), (0, 0))]
    followed.changes.clear()
    followed.mirror.apply("MODIFIED", thing(6, content=1))
    assert followed.kinds == ["modified"]


def test_what_is_left_out_is_not_there() -> None:
    changes: list[tuple[ChangeKind, int | None, int | None]] = []
    mirror: Mirror[int] = Mirror(
        transform=lambda obj: obj["content"] or None,
        on_change=lambda *change: changes.append(change),
    )
    mirror.begin_list()
    mirror.stage("ADDED", thing(1))
    assert mirror.finish_list(1)
    mirror.apply("MODIFIED", thing(2, content=5))
    mirror.apply("MODIFIED", thing(3))
    mirror.apply("DELETED", thing(4))
    assert changes == [("added", None, 5), ("deleted", 5, None)]


class Cluster(RuleBasedStateMachine):
    """A server with a history, its watch, and answers to our writes that come when they like."""

    def __init__(self) -> None:
        super().__init__()
        self.version = 100
        self.objects: dict[str, JsonObject] = {}
        self.events: list[tuple[str, JsonObject]] = []
        self.answers: list[JsonObject] = []
        self.copies: list[tuple[int, dict[str, JsonObject]]] = []
        self.listing: tuple[int, dict[str, JsonObject]] | None = None
        self.is_listed = False
        self.is_restored = False
        self.newest: dict[str, int] = {}
        self.mirror: Mirror[Value] = Mirror(
            transform=lambda obj: (int(obj["metadata"]["resourceVersion"]), obj["content"]),
            on_change=self.on_change,
        )

    def on_change(self, kind: ChangeKind, old: Value | None, new: Value | None) -> None:
        changed = {"added": (old is None, new is not None), "deleted": (old is not None, True)}
        assert all(changed.get(kind, (old is not None, new is not None)))
        if new is not None and not self.is_restored:
            name = NAMES[new[1] % len(NAMES)]
            assert new[0] > self.newest.get(name, 0), "went backwards, or was told twice"
            self.newest[name] = new[0]

    def told(self, name: str, version: int) -> None:
        self.newest[name] = max(self.newest.get(name, 0), version)

    def write(self, kind: str, name: str) -> JsonObject:
        """The answer; the content tells the name, so that a change does."""
        self.version += 1
        obj = thing(self.version, name=name, content=3 * self.version + NAMES.index(name))
        if kind == "DELETED":
            del self.objects[name]
        else:
            self.objects[name] = obj
        self.events.append((kind, obj))
        return obj

    @rule(name=st.sampled_from(NAMES), is_ours=st.booleans())
    def create_or_update(self, name: str, *, is_ours: bool) -> None:
        answer = self.write("MODIFIED" if name in self.objects else "ADDED", name)
        if is_ours:
            self.answers.append(answer)

    @rule(name=st.sampled_from(NAMES), is_ours=st.booleans(), is_finalized=st.booleans())
    def delete(self, name: str, *, is_ours: bool, is_finalized: bool) -> None:
        if name not in self.objects:
            return
        before = self.objects[name]
        if is_finalized:
            self.version += 1
            content = before["content"] + 3
            before = thing(self.version, name=name, content=content, finalizer=True)
            self.events.append(("MODIFIED", before))
            self.objects[name] = before
        self.write("DELETED", name)
        if is_ours:
            version = int(before["metadata"]["resourceVersion"])
            gone = thing(version, name=name, content=before["content"], gone=True)
            self.answers.append(gone)

    @precondition(lambda self: self.answers)
    @rule(data=st.data())
    def an_answer_comes(self, data: st.DataObject) -> None:
        index = data.draw(st.integers(0, len(self.answers) - 1))
        self.mirror.observe(self.answers.pop(index))

    @precondition(lambda self: self.is_listed and self.listing is None and self.events)
    @rule(is_bookmark=st.booleans())
    def the_stream_tells_one(self, *, is_bookmark: bool) -> None:
        kind, obj = self.events.pop(0)
        self.mirror.apply(kind, obj)
        self.told(obj["metadata"]["name"], int(obj["metadata"]["resourceVersion"]))
        if is_bookmark and not self.events:
            self.mirror.pass_by(self.version)

    @rule()
    def a_list_begins(self) -> None:
        self.mirror.begin_list()
        self.listing = None
        self.is_listed = False

    @precondition(lambda self: not self.is_listed and self.listing is None)
    @rule()
    def the_server_reads(self) -> None:
        self.listing = (self.version, dict(self.objects))
        self.events.clear()

    @precondition(lambda self: self.listing is not None)
    @rule()
    def the_list_ends(self) -> None:
        assert self.listing is not None
        version, objects = self.listing
        self.listing = None
        for obj in objects.values():
            self.mirror.stage("ADDED", obj)
        self.is_listed = self.mirror.finish_list(version)
        for name in set(NAMES) - set(objects):
            self.told(name, version)

    @rule()
    def a_copy_of_etcd_is_made(self) -> None:
        self.copies.append((self.version, dict(self.objects)))

    @precondition(lambda self: self.copies)
    @rule(data=st.data())
    def etcd_is_restored_from_a_copy(self, data: st.DataObject) -> None:
        self.version, objects = data.draw(st.sampled_from(self.copies))
        self.objects = dict(objects)
        self.events.clear()
        # The connections broke, so a list begins anew, and late answers don't come any more.
        self.answers.clear()
        self.is_restored = True
        self.a_list_begins()

    @invariant()
    def it_catches_up(self) -> None:
        """Whatever happened: with all answers and the whole stream it equals the server."""
        if self.is_listed and self.listing is None and not self.events and not self.answers:
            expected: dict[Key, Value] = {
                ("", name): (int(obj["metadata"]["resourceVersion"]), obj["content"])
                for name, obj in self.objects.items()
            }
            assert dict(self.mirror.values) == expected


TestCluster = Cluster.TestCase
TestCluster.settings = settings(max_examples=300, stateful_step_count=40, deadline=None)


def test_what_is_known_elsewhere_is_taken_from_there_by_the_stream_alone() -> None:
    """A list may come from another etcd, where an equal version is no equal object."""
    kept: dict[int, Value] = {}
    mirror: Mirror[Value] = Mirror(
        transform=lambda obj: (int(obj["metadata"]["resourceVersion"]), obj["content"]),
        on_change=lambda *_change: None,
        known=lambda obj: kept.get(int(obj["metadata"]["resourceVersion"])),
    )
    kept[10] = kept[21] = (0, 99)
    mirror.begin_list()
    mirror.stage("ADDED", thing(10))
    assert mirror.finish_list(20)
    assert list(mirror.values.values()) == [(10, 0)]
    mirror.apply("MODIFIED", thing(21))
    assert list(mirror.values.values()) == [(0, 99)]
    mirror.apply("MODIFIED", thing(22, content=5))
    assert list(mirror.values.values()) == [(22, 5)]

"""Merging as mathematics: replicas that exchange bundles in any order become alike."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from app.knowledge.exchange.sync.merging import Decider, Item, Link, is_known, merge
from app.knowledge.exchange.sync.state import concept_of, state_of
from tests.knowledge.exchange.concepts import concepts

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
FIELDS = ("status", "terms/en", "terms/de")


@dataclass
class Memory:
    """What `PeerEntry` keeps."""

    link: Link = field(default_factory=Link)
    sent: tuple | None = None
    sent_sequence: int | None = None
    acked: tuple | None = None


@dataclass
class Replica:
    """An instance: entries by name, each with its state and the time of its last change."""

    strategy: str
    entries: dict = field(default_factory=dict)
    memory: dict = field(default_factory=dict)
    sent: int = 0
    applied: list = field(default_factory=list)
    clock: int = 0

    def edit(self, name, where, value):
        state, _ = self.entries.get(name, (None, None))
        if where == "*":
            state = None if state is not None or name not in self.entries else {"status": value}
        else:
            state = {**(state or {}), where: value}
        self._write(name, state)

    def _write(self, name, state):
        self.clock += 1
        self.entries[name] = (state, self.clock)

    def bundle(self):
        self.sent += 1
        items = {}
        for name, (state, at) in self.entries.items():
            kept = self.memory.get(name)
            if kept is None and state is None:
                continue
            kept = self.memory.setdefault(name, Memory())
            if kept.acked == (state, at):
                continue
            kept.sent, kept.sent_sequence = (state, at), self.sent
            changed = BEGIN + timedelta(seconds=at)
            items[name] = Item(self.sent, kept.link.their_sequence, kept.link.known, state, changed)
        return self.sent, items, list(self.applied)

    def apply(self, bundle):
        sequence, items, acks = bundle
        for kept in self.memory.values():
            if kept.sent_sequence in acks:
                kept.acked = kept.sent
        for name, item in items.items():
            kept = self.memory.get(name) or Memory()
            if is_known(kept.link, item):
                continue
            if name not in self.entries and item.state is None:
                continue
            self.memory[name] = kept
            ours, at = self.entries.get(name, (None, 0))
            decider = Decider(self.strategy, BEGIN + timedelta(seconds=at), item.changed_at, {})
            merged = merge(kept.link, item, ours, decider)
            assert not merged.is_open
            if merged.state != ours or name not in self.entries:
                self._write(name, merged.state)
            kept.link = Link(item.state, item.sequence, item.base_sequence, self.sent)
            kept.sent = kept.sent_sequence = None
            kept.acked = self.entries[name] if merged.state == item.state else None
        self.applied.append(sequence)

    def living(self):
        return {name: state for name, (state, _) in self.entries.items() if state is not None}


edits = st.tuples(
    st.just("edit"),
    st.sampled_from([0, 1]),
    st.sampled_from(["a", "b"]),
    st.sampled_from([*FIELDS, "*"]),
    st.sampled_from(["1", "2", "3"]),
)
moves = st.one_of(
    edits,
    edits,
    st.tuples(st.just("make"), st.sampled_from([0, 1])),
    # Any of the bundles that were made for it, again and out of order too.
    st.tuples(st.just("apply"), st.sampled_from([0, 1]), st.integers(0, 9)),
)


@settings(max_examples=120, deadline=None)
@given(st.lists(moves, max_size=25), st.sampled_from(["newest", "ours", "theirs"]))
def test_two_replicas_with_one_strategy_converge(steps, strategy):
    sides = Replica(strategy), Replica(strategy)
    made = [], []
    for kind, side, *rest in steps:
        if kind == "edit":
            sides[side].edit(*rest)
        elif kind == "make":
            made[1 - side].append(sides[side].bundle())
        elif made[side]:
            sides[side].apply(made[side][rest[0] % len(made[side])])
    for _ in range(2):
        sides[1].apply(sides[0].bundle())
        sides[0].apply(sides[1].bundle())
    assert sides[0].living() == sides[1].living()
    # And they have nothing more to say to each other.
    sides[1].apply(sides[0].bundle())
    sides[0].apply(sides[1].bundle())
    assert [len(side.bundle()[1]) for side in sides] == [0, 0]


@settings(max_examples=60, deadline=None)
@given(st.lists(edits, max_size=8), st.lists(edits, max_size=8))
def test_a_replayed_bundle_changes_nothing(before, after):
    one, two = Replica("newest"), Replica("newest")
    for _, _, *rest in before:
        one.edit(*rest)
    bundle = one.bundle()
    two.apply(bundle)
    for _, _, *rest in after:
        two.edit(*rest)
    kept = dict(two.entries)
    two.apply(bundle)
    assert two.entries == kept


def test_changes_to_different_fields_are_no_conflict():
    one, two = Replica("manual"), Replica("manual")
    one.edit("a", "terms/en", "cell")
    two.apply(one.bundle())
    one.edit("a", "terms/de", "Zelle")
    two.edit("a", "status", "approved")
    two.apply(one.bundle())
    one.apply(two.bundle())
    wanted = {"a": {"terms/en": "cell", "terms/de": "Zelle", "status": "approved"}}
    assert one.living() == two.living() == wanted


@settings(max_examples=30, deadline=None)
@given(concepts(st.just("one"), st.just("other")))
def test_a_state_is_the_same_whatever_the_order_of_its_languages(concept):
    state = state_of(concept)
    assert state_of(concept_of("one", state)) == state
    again = concept_of("one", state)
    assert sorted(map(repr, again.terms)) == sorted(map(repr, concept.terms))
    assert again.metadata == concept.metadata

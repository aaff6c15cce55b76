"""What holds of an entry after whatever was done to it, by whoever may."""

from itertools import pairwise
from uuid import UUID, uuid4

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from app.core.auth import Access, Permission
from app.core.errors import AppError
from app.knowledge.dictionary import store
from app.knowledge.dictionary.draft import EntryDraft, TermDraft
from app.knowledge.dictionary.entries import history, review, service
from app.knowledge.dictionary.entries.diffing import differences
from app.knowledge.dictionary.entries.writes import EntryCreate, EntryRevert, EntryUpdate
from app.knowledge.dictionary.models import Entry, Revision
from app.knowledge.passages import crud as passages

TERMS = st.lists(
    st.fixed_dictionaries(
        {
            "language": st.sampled_from(["en", "de"]),
            "text": st.sampled_from(["a", "b", "c"]),
            "status": st.sampled_from(["preferred", "admitted", "forbidden"]),
        }
    ),
    min_size=1,
    max_size=4,
)
STEP = st.tuples(
    st.booleans(),
    st.one_of(
        st.tuples(st.just("terms"), TERMS),
        st.tuples(st.just("import"), TERMS),
        st.tuples(st.just("reorder"), st.randoms(use_true_random=False)),
        st.tuples(st.just("fields"), st.lists(st.sampled_from(["Law", "Art"]), max_size=1)),
        st.tuples(st.sampled_from(["propose", "approve", "reject", "deprecate"]), st.none()),
        st.tuples(st.sampled_from(["delete", "restore"]), st.none()),
        st.tuples(st.just("revert"), st.integers(1, 8)),
    ),
)


def applied(before, changes):
    """A snapshot, with the changes of a diff put in their place."""
    after = {**before, "terms": list(before["terms"])}
    order = None
    for change in changes:
        if change.field == "term_order":
            order = change.after
        elif change.field == "terms":
            after["terms"] = put(after["terms"], str(change.term_id), change.after)
        else:
            after[change.field] = change.after
    if order is not None:
        after["terms"].sort(key=lambda term: order.index(term["id"]))
    return after


def put(terms, term_id, told):
    """Terms, with one of them put in its place, behind the last, or taken away."""
    if told is None:
        return [term for term in terms if term["id"] != term_id]
    if any(term["id"] == term_id for term in terms):
        return [told if term["id"] == term_id else term for term in terms]
    return [*terms, told]


class Player:
    """Does steps to one entry, as one who may approve or as one who may not."""

    def __init__(self, kernel, keeper):
        self.kernel, self.dictionary_id = kernel, UUID(keeper.dictionary_id)
        rights = {Permission.DICTIONARY_READ, Permission.DICTIONARY_WRITE}
        person = keeper.person
        self.writer, self.approver = (
            Access(
                UUID(person.workspace_id), UUID(person.user_id), frozenset(permissions),
                "session", uuid4(),
            )
            for permissions in (rights, rights | {Permission.DICTIONARY_APPROVE})
        )  # fmt: skip
        self.by_approver = {}

    def unit(self):
        return self.kernel.database.unit(self.writer.scope)

    async def begin(self):
        self.external_id = uuid4().hex
        new = EntryCreate(
            dictionary_id=self.dictionary_id,
            external_id=self.external_id,
            terms=[{"language": "en", "text": "a"}],
        )
        async with self.unit() as session:
            self.entry_id = (await service.create(session, self.writer, new)).id
        self.by_approver[1] = False

    async def play(self, may_approve, step):
        access = self.approver if may_approve else self.writer
        before = await self.version()
        try:
            async with self.unit() as session:
                await self.act(session, access, *step)
        except AppError:
            assert await self.version() == before
        else:
            after = await self.version()
            assert after in (before, before + 1)
            self.by_approver.setdefault(after, may_approve)

    async def act(self, session, access, name, value):
        if name == "terms":
            await service.update(session, access, self.entry_id, EntryUpdate(terms=value))
        elif name == "fields":
            await service.update(session, access, self.entry_id, EntryUpdate(subject_fields=value))
        elif name == "reorder":
            terms = (await service.get(session, access, self.entry_id)).terms
            given = [term.model_dump(mode="json") for term in terms]
            value.shuffle(given)
            await service.update(session, access, self.entry_id, EntryUpdate(terms=given))
        elif name == "import":
            draft = EntryDraft(
                terms=tuple(TermDraft(**term) for term in value), external_id=self.external_id,
                status="approved",
            )  # fmt: skip
            await store.upsert_entry(
                session, access, self.dictionary_id, draft, entry_id=self.entry_id
            )
        elif name == "revert":
            await review.revert(session, access, self.entry_id, EntryRevert(version=value))
        elif name in ("delete", "restore"):
            await getattr(service, name)(session, access, self.entry_id)
        else:
            await review.transition(session, access, self.entry_id, name, comment="so")

    async def version(self):
        own = select(Entry.version).where(Entry.id == self.entry_id)
        async with self.unit() as session:
            return await session.scalar(own)

    async def revisions(self):
        own = select(Revision).where(Revision.entry_id == self.entry_id)
        async with self.unit() as session:
            return (await session.scalars(own.order_by(Revision.version))).all()


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=st.lists(STEP, min_size=3, max_size=14))
async def test_whatever_is_done_versions_have_no_gaps_and_diffs_lead_from_one_to_the_next(
    kernel, keeper, steps
):
    player = Player(kernel, keeper)
    await player.begin()
    for may_approve, step in steps:
        await player.play(may_approve, step)
    revisions = await player.revisions()
    assert [each.version for each in revisions] == list(range(1, await player.version() + 1))
    for each in revisions:
        preferred = [t["language"] for t in each.snapshot["terms"] if t["status"] == "preferred"]
        assert len(preferred) == len(set(preferred))
    for before, after in ((a, b) for a in revisions for b in revisions):
        changes = differences(before.snapshot, after.snapshot)
        assert applied(before.snapshot, changes) == after.snapshot
        assert bool(changes) == (before.snapshot != after.snapshot)
    for before, after in pairwise(revisions):
        if after.status == "approved" and not player.by_approver[after.version]:
            said = {**before.snapshot, "deleted": after.snapshot["deleted"]}
            assert said == after.snapshot  # deleted or restored, as it was approved
    await as_it_is_now(player, revisions[-1])


async def as_it_is_now(player, last):
    """The entry says what its last revision says, and is found unless it is a draft or deleted."""
    async with player.unit() as session:
        found = await passages.of_subject(
            session, player.writer.workspace_id, "entry", player.entry_id
        )
        hidden = last.status == "draft" or last.snapshot["deleted"]
        assert bool(found) == (not hidden)
        if not last.snapshot["deleted"]:
            shown = await service.get(session, player.writer, player.entry_id)
            kept = await history.get(session, player.writer, player.entry_id, shown.version)
            told = shown.model_dump(mode="json")
            assert kept.version == last.version
            assert {name: told[name] for name in told if name in last.snapshot} == {
                name: last.snapshot[name] for name in told if name in last.snapshot
            }

"""Questions that travel together are answered, and leave behind, what they would one by one."""

import asyncio
import tempfile
from functools import partial
from pathlib import Path
from time import sleep

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from redis.exceptions import ResponseError

from app.core.kernel import connect_valkey
from app.core.scripts import Question, Shared, alike, framed, hand_out
from app.inference.gate.script import gate_script
from tests.inference.gate.conftest import OwnValkey

SECOND = 1_000_000
START = 10**15
BUDGETS = ("budget:hard", "budget:soft", "budget:cold")
BUCKETS = (["limit:tokens", 3_600_000, 1000], ["limit:more", 36_000_000, 500])
READ = """
local found = {}
for _, key in ipairs(redis.call('KEYS', '*')) do
  local kind, value = redis.call('TYPE', key).ok, nil
  if kind == 'string' then value = redis.call('GET', key) end
  if kind == 'hash' then
    value = {}
    for i, part in ipairs(redis.call('HGETALL', key)) do value[i] = part end
  end
  if string.find(key, '^breaker') then value = cmsgpack.unpack(value) end
  if string.find(key, '^holds') or string.find(key, '^swept') then
    for i = 2, #value, 2 do value[i] = cmsgpack.unpack(value[i]) end
  end
  found[key] = {value or 'stream', redis.call('PTTL', key) > 0}
end
return cjson.encode(found)
"""


@pytest.fixture(scope="module")
def server():
    with tempfile.TemporaryDirectory(prefix="valkey-") as folder:
        server = OwnValkey(Path(folder), durable=False)
        server.start()
        while not server.socket.exists():
            sleep(0.01)
        yield server
        server.kill()


def shared(executor, follows):
    requests = {"one": 15, "two": 2}[executor]
    policies = [] if follows else [[f"limit:{executor}", 10 * SECOND, requests, 1], *BUCKETS]
    limits = [["slots:key", 3], ["slots:customer", 4]]
    budgets = [[BUDGETS[0], 5_000], [BUDGETS[1], -1]]
    candidates = [["breaker:a", 1, [1, 2]], ["breaker:b", 0, [2]], ["breaker:c", 1, []]]
    said = [executor, int(follows), policies, 0 if follows else 1, limits, budgets, candidates]
    return Shared(orjson.dumps(said), b'"a":', b'"b":', b'"c":')


SHARED = {
    (executor, follows): shared(executor, follows)
    for executor in ("one", "two")
    for follows in (0, 1)
}


class Story:
    """The questions of two executors, out of what a test draws."""

    def __init__(self):
        self.calls = [("never", "r")]
        self.sequences = {"one": 0, "two": 0}

    def question(self, kind, executor, at, number, pick):
        call, request = self.calls[pick % len(self.calls)]
        if kind in {"admit", "next"}:
            follows = int(kind == "next")
            call, request = f"call-{number}", request if follows else f"request-{number:028}"
            self.calls.append((call, request))
            amounts = [pick * 100, None if pick % 3 else 0, pick]
            wire = ["admit", at, pick * 4, amounts, int(pick % 5 > 0)]
            own = f'"{call}","{request}"'.encode()
            begins = b'{"n":%d,' % number
            question = Question(orjson.dumps(wire), (begins,), shared=SHARED[executor, follows])
            question.own = own
            return question
        if kind == "standing":
            return Question(orjson.dumps(["standing", at, ["breaker:a", "breaker:b"]]), ())
        if kind == "count":
            return Question(orjson.dumps(["count", at, [["limit:one", 10 * SECOND, 15, 1]]]), ())
        if kind == "load":
            return Question(orjson.dumps(["load", at, BUDGETS[pick % 3], "token"]), ())
        if kind == "loaded":
            opens = [[call, executor, 70]]
            said = ["loaded", at, BUDGETS[pick % 3], "token", 900, opens, ["call-1"], 1000]
            return Question(orjson.dumps(said), ())
        return self._notes(kind, executor, at, number, pick)

    def _notes(self, kind, executor, at, number, pick):
        self.sequences[executor] += kind != "again"
        settled = [self.calls[(pick + n) % len(self.calls)][0] for n in range(pick % 3 + 1)]
        lost = "two" if kind == "lost" else ""
        said = ("good", "bad", "none", "pause")[pick % 4]
        report = [("breaker:a", "breaker:b")[pick % 2], said, 7 * SECOND if said == "pause" else 0]
        terms = [[BUDGETS, BUCKETS], [BUDGETS[:1], []]]
        notes = [
            [call, pick * 10, 2 if lost else 1, [] if lost else [pick - 9, 0], report, lost]
            for call in settled
        ]
        if kind == "broken":
            notes.insert(0, [settled[0], 5, 1, ["much", 0], [], ""])
        late = [[f"late-{number}", 33, BUDGETS]] if pick % 2 else []
        good = [["breaker:c", 2], ["breaker:a", 1]]
        wire = [executor, self.sequences[executor], notes, good, late, terms]
        return Question(orjson.dumps(["notes", at, wire]), (b"{}", b'{"x":%d}' % number))


KINDS = (
    "admit", "admit", "admit", "next", "settle", "settle", "lost", "again", "broken", "standing",
    "count", "load", "loaded",
)  # fmt: skip
STEP = st.tuples(
    st.sampled_from(KINDS),
    st.sampled_from(["one", "two"]),
    st.sampled_from([0, 0, 0, SECOND, 6 * SECOND]),
    st.just(3) | st.integers(0, 20),  # many alike
)


async def told(script, batches, at):
    """All answers by their questions, all records and all that is kept."""
    answers = {}
    for batch in batches:
        for group in batch:
            for question in group:
                question.answered = partial(note, answers, question)
        hand_out(batch, orjson.loads(await script._evaluate(*framed(batch))))
    valkey = script._valkey
    kept = orjson.loads(await valkey.eval(READ, 0))
    for key, (value, _) in list(kept.items()):
        if key.startswith("limit:") and int(value) <= at:
            del kept[key]  # it is full, and goes any moment
        elif isinstance(value, list) and not key.startswith("breaker"):
            kept[key][0] = dict(sorted(zip(value[::2], value[1::2], strict=True)))
    records = [row for _, row in await valkey.xrange("usage:calls")]
    return answers, [each for row in records for each in orjson.loads(row[b"records"])], kept


async def play(server, steps, sizes):
    clients = [connect_valkey(f"{server.url}?db={number}") for number in (1, 2)]
    scripts = [gate_script(client) for client in clients]
    story, at, questions = Story(), START, []
    for number, (kind, executor, passed, pick) in enumerate(steps):
        at += passed
        questions.append(story.question(kind, executor, at, number, pick))
    batches, left = [], list(questions)
    while left:
        size = sizes[len(batches) % len(sizes)]
        batches.append(alike(left[:size]))
        left = left[size:]
    for client in clients:
        await client.flushdb()
        for budget in BUDGETS[:2]:
            await client.hset(budget, mapping={"s": 100, "r": 0})
    try:
        together = await told(scripts[0], batches, at)
        alone = [[[question]] for batch in batches for group in batch for question in group]
        apart = await told(scripts[1], alone, at)
    finally:
        for client in clients:
            await client.aclose()
    for group in (group for batch in batches for group in batch):
        expect_same(group, together[0], apart[0])
    assert together[1] == apart[1]
    for key in together[2].keys() | apart[2].keys():
        assert (key, together[2].get(key)) == (key, apart[2].get(key))


def expect_same(group, together, apart):
    """The same answers; those who are admitted at once are told how it stands after all of them."""
    last = apart[id(group[-1])]
    for question in group:
        one, other = together[id(question)], apart[id(question)]
        at_once = len(group) > 1 and other[0] == "yes" and [other[0], last[1], *other[2:]]
        assert one in (other, at_once), (question, other)


@settings(max_examples=200, deadline=None)
@given(
    steps=st.lists(STEP, min_size=10, max_size=40),
    sizes=st.lists(st.integers(1, 12), min_size=1, max_size=4),
)
def test_together_is_as_one_by_one(server, steps, sizes):
    asyncio.run(play(server, steps, sizes))


def note(answers, question, answer):
    answers[id(question)] = repr(answer) if isinstance(answer, Exception) else answer


async def evaluate(server, *batches, anew=False):
    client = connect_valkey(f"{server.url}?db=3")
    try:
        script, said = gate_script(client), []
        for batch in batches:
            groups, answers = alike(batch), {}
            for question in batch:
                question.answered = partial(note, answers, question)
            hand_out(groups, orjson.loads(await script._evaluate(*framed(groups, anew=anew))))
            said.append([answers[id(question)] for question in batch])
        return said
    finally:
        await client.aclose()


@pytest.fixture
async def store(server):
    async with connect_valkey(f"{server.url}?db=3") as client:
        await client.flushdb()
        for budget in BUDGETS[:2]:
            await client.hset(budget, mapping={"s": 100, "r": 0})
        yield client


async def test_a_note_that_breaks_off_has_changed_nothing_and_the_others_all(server, store):
    story = Story()
    admitted = story.question("admit", "one", START, 0, 4)
    broken = story.question("broken", "one", START, 1, 1)
    settled = story.question("settle", "one", START, 2, 1)
    ((_, (done, failed)),) = await evaluate(server, [admitted, broken])
    assert (done, len(failed)) == ("done", 1)
    # What broke off at its tokens was 5 of this call, which then costs 10, as another does; and 33
    # are held late.
    assert await store.hgetall(BUDGETS[0]) == {b"s": b"120", b"r": b"33"}
    assert await evaluate(server, [settled]) == [[["done", {}]]]


async def test_those_who_are_alike_pass_as_far_as_there_is_room(server, store):
    """Three calls may be under way at once, and executor two has two requests."""

    async def answers(executor, *numbers):
        story = Story()
        batch = [story.question("admit", executor, START, n, 3) for n in numbers]
        assert len(alike(batch)) == 1
        return (await evaluate(server, batch))[0]

    both = await answers("two", 0, 1)
    assert [said for said, *_ in both] == ["yes", "yes"]
    assert both[0][1] == both[1][1] == [20 * SECOND, 2 * 12 * 3_600_000, 2 * 12 * 36_000_000]
    assert [said for said, *_ in await answers("two", 2, 3)] == ["rate", "rate"]
    told = await answers("one", 4, 5, 6)
    assert [said for said, *_ in told] == ["yes", "busy", "busy"]
    assert [standing[0] // SECOND for _, standing, *_ in told] == [10, 20, 30]
    assert await store.hlen("slots:key") == 3


async def test_what_was_admitted_and_is_asked_about_anew_is_held_once(server, store):
    asked = Story().question("admit", "one", START, 0, 1)
    for anew in (False, True, True):
        (((said, *_),),) = await evaluate(server, [asked], anew=anew)
        assert said == "yes"
    assert await store.hgetall(BUDGETS[0]) == {b"s": b"100", b"r": b"100"}
    assert await store.hgetall("slots:key") == {b"request-" + b"0" * 28: b"1"}


async def test_a_crowd_of_requests_is_read_about_as_often_as_one(server, store):
    async def reads(batch):
        await store.config_resetstat()
        await evaluate(server, batch)
        told = await store.info("commandstats")
        names = ("get", "mget", "hget", "hmget", "hlen")
        return [told.get(f"cmdstat_{name}", {"calls": 0})["calls"] for name in names]

    story, counts = Story(), []
    for first, many in ((0, 1), (1, 3)):
        admitted = [
            story.question("admit", "one", START + 600 * SECOND * first, first + n, 0)
            for n in range(many)
        ]
        begun = await reads(admitted)
        notes = [[call, 0, 2, [], [], ""] for call, _ in story.calls[-many:]]
        said = ["one", many, notes, [], [], [[], [[], []]]]
        counts.append((begun, await reads([Question(orjson.dumps(["notes", 0, said]), ())])))
    assert counts[0] == counts[1]
    assert await store.hlen("slots:key") == 0


async def test_a_batch_that_cannot_be_recorded_has_changed_nothing(server, store):
    story = Story()
    batch = [
        story.question("admit", "one", START, 0, 4),
        story.question("settle", "one", START, 1, 1),
    ]
    await store.set("usage:calls", "no stream")
    with pytest.raises(ResponseError, match="WRONGTYPE"):
        await evaluate(server, batch)
    assert sorted(await store.keys()) == [
        *sorted(key.encode() for key in BUDGETS[:2]),
        b"usage:calls",
    ]
    assert await store.hgetall(BUDGETS[0]) == {b"s": b"100", b"r": b"0"}
    await store.delete("usage:calls")
    assert [said[0] for said in (await evaluate(server, batch))[0]] == ["yes", "done"]

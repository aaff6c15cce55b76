"""The event log: gapless, ordered, the same bytes for every reader."""

import asyncio
from decimal import Decimal
from uuid import uuid4

import orjson
import pytest

from app.core.http.event_stream import EventStream
from app.runs.events import crud
from app.runs.events import log as log_module
from app.runs.events import reader as reader_module
from app.runs.events.errors import EventIdInvalid
from app.runs.events.event import Event, encode, frames, parse_event_id
from tests.support.cutting import cut_off, locking
from tests.support.runs import (
    MESSAGE,
    Scripted,
    assert_whole,
    find,
    launch,
    processes,
    read,
    read_bytes,
    says,
    until,
)


@pytest.mark.parametrize("count", [50, 500])
async def test_a_log_is_gapless_ordered_and_kept(kernel, access, count):
    async with processes(kernel, Scripted(says(count))) as [process]:
        run = await launch(kernel, process.runs, access)
        events = await read(process.runs, run)
        assert_whole(events)
        assert [event.type for event in events[:2]] == ["run.created", "run.started"]
        assert [event.body["number"] for event in events[2:-1]] == list(range(count))
        assert events[-1].body["usage"] == {
            "input_tokens": 3,
            "output_tokens": 4,
            "cost_usd": "0.000012",
        }
        row = await find(kernel, run)
        assert (row.status, row.last_seq, row.cost_usd) == (
            "completed",
            count + 3,
            Decimal("0.000012"),
        )
        kept = await read(process.runs, row)
        assert [event.raw for event in kept] == [event.raw for event in events]


async def test_a_kept_log_is_read_on_though_postgres_cuts_it_off(kernel, access):
    async with processes(kernel, Scripted(says(5))) as [process]:
        run = await launch(kernel, process.runs, access)
        events = await read(process.runs, run)
        row = await find(kernel, run)
        again = read(process.runs, row)
        kept = await cut_off(kernel, locking("run_events", "access exclusive"), again)
        assert [event.raw for event in kept] == [event.raw for event in events]


WORDS = ("\n", "\r\n", "\\n", '"', "\0", "\u2028", "\ud800", "{", "é💡", "NULL", "", "$1 ' --")


async def test_whatever_is_said_is_kept_as_it_was_said(kernel, access, monkeypatch):
    monkeypatch.setattr(crud, "_INSERT_ROWS", 5)

    async def script(ctx):
        for words in WORDS:
            ctx.emit("said", words=words)

    async with processes(kernel, Scripted(script)) as [process]:
        run = await launch(kernel, process.runs, access)
        events = await read(process.runs, run)
        kept = await read(process.runs, await find(kernel, run))
    assert_whole(kept)
    assert [event.raw for event in kept] == [event.raw for event in events]
    said = [event.body["words"] for event in kept[2:-1]]
    assert said == [words.replace("\ud800", "?") for words in WORDS]


async def test_deltas_are_coalesced_and_stay_in_order(kernel, access):
    async def script(ctx):
        for part in ("a", "b", "c"):
            ctx.text(part, message_id=MESSAGE)
        ctx.reasoning("hm", message_id=MESSAGE)
        ctx.text("d", message_id=MESSAGE)
        ctx.emit("log", text="after d")
        await asyncio.sleep(0.06)
        ctx.text("e", message_id=MESSAGE)
        ctx.text("f", message_id=MESSAGE)
        await asyncio.sleep(0.06)
        assert ctx.text_so_far == "abcdef"

    async with processes(kernel, Scripted(script)) as [process]:
        run = await launch(kernel, process.runs, access)
        events = (await read(process.runs, run))[2:]
        assert_whole([Event(e.seq - 2, e.type, e.raw) for e in events])
        assert [(e.type, e.body.get("text")) for e in events[:-1]] == [
            ("text.delta", "a"),
            ("text.delta", "bc"),
            ("reasoning.delta", "hm"),
            ("text.delta", "d"),
            ("log", "after d"),
            ("text.delta", "e"),
            ("text.delta", "f"),
        ]
        assert events[-1].body["result"] == {"text": "abcdef"}


async def test_a_reader_cut_at_any_event_resumes_to_the_same_bytes(kernel, access):
    work = Scripted(says(20, 0.005))
    async with processes(kernel, work, count=2) as [owner, other]:
        run = await launch(kernel, owner.runs, access)
        whole = await read_bytes(owner.runs, run)
        row = await find(kernel, run)
        offsets = [0]
        for frame in whole.split(b"\n\n")[:-1]:
            offsets.append(offsets[-1] + len(frame) + 2)
        for seq, offset in enumerate(offsets):
            # The first row says that the run is unfinished, so its end must be found out.
            assert await read_bytes(other.runs, row, seq) == whole[offset:]
        assert await read_bytes(other.runs, run, 7) == whole[offsets[7] :]


async def test_readers_of_every_process_see_the_same_bytes_while_it_runs(kernel, access):
    work = Scripted(says(60, 0.005))
    async with processes(kernel, work, count=2) as [owner, other]:
        run = await launch(kernel, owner.runs, access)
        seen = await asyncio.gather(
            read_bytes(owner.runs, run),
            read_bytes(owner.runs, run),
            read_bytes(other.runs, run),
            read_bytes(other.runs, run),
        )
        assert len(set(seen)) == 1
        assert seen[0].count(b"\n\n") == 63


async def test_another_process_is_told_of_an_event_and_need_not_look(kernel, access, monkeypatch):
    monkeypatch.setattr(reader_module, "LOOK_SECONDS", 60)
    ready, heard = asyncio.Event(), asyncio.Event()

    async def script(ctx):
        await ready.wait()
        await asyncio.sleep(0.2)
        ctx.emit("log", text="now")
        await heard.wait()

    async with processes(kernel, Scripted(script), count=2) as [owner, other]:
        run = await launch(kernel, owner.runs, access)
        async with asyncio.timeout(20):
            async for batch in other.runs.reader.events(run, 0):
                ready.set()
                if batch[-1].type == "log":
                    heard.set()
        assert batch[-1].terminal


async def test_a_quiet_stream_pings_and_ends_promptly_when_the_process_stops(kernel, access):
    work = Scripted(lambda ctx: asyncio.sleep(60))
    async with processes(kernel, work) as [process]:
        reader = process.runs.reader
        reader._ping = 0.1
        run = await launch(kernel, process.runs, access)
        blocks = []

        async def watch():
            async for block in reader.frames(run, 0):
                blocks.append(block)  # noqa: PERF401 - it is looked at meanwhile

        watching = asyncio.create_task(watch())
        await until(lambda: blocks.count(b": ping\n\n") >= 2)
        assert blocks[0] == b"retry: 1000\n\n"
        kernel.stopping.set()
        try:
            await asyncio.wait_for(watching, 20)
        finally:
            kernel.stopping.clear()


async def test_a_slow_reader_is_dropped_and_the_run_is_not_harmed(kernel, access):
    sent = []

    async def send(message):
        sent.append(message)
        if len(sent) > 3:
            await asyncio.sleep(60)

    async with processes(kernel, Scripted(says(200, 0.005))) as [process]:
        run = await launch(kernel, process.runs, access)
        stream = EventStream(process.runs.reader.frames(run, 0), slow_reader_seconds=0.2)
        with pytest.raises(ConnectionError):
            await asyncio.wait_for(stream({}, asyncio.Event().wait, send), 20)
        assert_whole(await read(process.runs, run))
        await until(lambda: not process.runs.executor.active)


async def test_a_run_that_writes_too_much_fails(kernel, access, monkeypatch):
    monkeypatch.setattr(log_module, "MAX_BYTES", 20_000)

    async def script(ctx):
        while True:
            ctx.text("x" * 500, message_id=MESSAGE)
            await asyncio.sleep(0.001)

    async with processes(kernel, Scripted(script)) as [process]:
        run = await launch(kernel, process.runs, access)
        events = await read(process.runs, run)
        assert_whole(events)
        assert events[-1].body["error"]["code"] == "run_output_too_large"


async def test_three_hundred_runs_at_once_lose_nothing(kernel, access):
    async with processes(kernel, Scripted(says(100, 0.01))) as [process]:
        launched = [await launch(kernel, process.runs, access) for _ in range(300)]
        logs = await asyncio.gather(*(read(process.runs, run) for run in launched))
        for events in logs:
            assert_whole(events)
            assert len(events) == 103


def test_an_event_survives_whatever_a_provider_sends():
    event = encode("run", 1, "log", {"text": "a\ud800\x00b", "n": 2**70, "cost": Decimal("1E-7")})
    assert event.body["text"] == "a?\x00b"
    assert event.body["n"] == str(2**70)
    assert event.body["cost"] == "0.0000001"
    assert b"\x00" not in event.raw
    assert frames(uuid4(), [event]).count(b"\n") == 4


def test_a_frame_is_as_the_contract_says():
    run_id = uuid4()
    event = encode(str(run_id), 7, "text.delta", {"text": "hé\n"})
    head, kind, data, *rest = frames(run_id, [event]).decode().split("\n")
    assert (head, kind, rest) == (f"id: {run_id}:7", "event: text.delta", ["", ""])
    body = orjson.loads(data.removeprefix("data: "))
    assert list(body) == ["type", "seq", "run_id", "at", "text"]
    assert parse_event_id(head.removeprefix("id: ")) == (run_id, 7)


ID = "00000000-0000-7000-8000-000000000000"


@pytest.mark.parametrize(
    "text", ["", "7", "x:7", f"{ID}:", f"{ID}:-1", f"{ID}:9999999999", "-" * 36 + ":1"]
)
def test_a_malformed_event_id_is_refused(text):
    with pytest.raises(EventIdInvalid):
        parse_event_id(text)

"""Streams that are cut, resumed, watched twice, cancelled."""

import asyncio

from app.inference.providers.demo import DemoServer
from tests.support.identity import until

QUICK = "demo/chat?tokens=8&delay_ms=5"


def events_of(streamed):
    return f"/v1/runs/{streamed.headers['x-run-id']}/events"


async def test_a_client_cut_at_every_event_and_resumed_sees_the_same_bytes(talker):
    whole = await talker.stream_chat("Hello", model=QUICK)
    for cut in range(len(whole.frames) + 1):
        after = {"Last-Event-ID": whole.ids[cut - 1]} if cut else {}
        rest = await talker.stream("GET", events_of(whole), headers=after)
        assert whole.frames[:cut] + rest.frames == whole.frames
        rest = await talker.stream("GET", events_of(whole), params={"after": cut})
        assert rest.frames == whole.frames[cut:]


async def test_a_live_stream_cut_and_resumed_again_and_again_loses_nothing(talker):
    begun = await talker.stream_chat("Hello", model="demo/chat?tokens=40&delay_ms=10", most=1)
    frames = list(begun.frames)
    while not frames[-1].split("\n")[1].startswith("event: run.completed"):
        last = frames[-1].split("\n", 1)[0].removeprefix("id: ")
        more = await talker.stream("GET", events_of(begun), headers={"Last-Event-ID": last}, most=7)
        frames += more.frames
    whole = await talker.stream("GET", events_of(begun))
    assert frames == whole.frames


async def test_two_readers_at_once_see_the_same_bytes(talker):
    begun = await talker.stream_chat("Hello", model="demo/chat?tokens=30&delay_ms=10", most=2)
    one, two = await asyncio.gather(
        talker.stream("GET", events_of(begun)), talker.stream("GET", events_of(begun))
    )
    assert one.frames == two.frames
    assert one.types[-1] == "run.completed"


async def test_a_post_with_last_event_id_resumes_and_starts_nothing(talker):
    begun = await talker.stream_chat("Hello", model="demo/chat?tokens=30&delay_ms=10", most=5)
    again = await talker.stream_chat("Hello", model=QUICK, headers={"Last-Event-ID": begun.ids[-1]})
    assert again.headers["x-run-id"] == begun.headers["x-run-id"]
    assert again.events[0]["seq"] == 6
    assert again.types[-1] == "run.completed"
    runs = (await talker.call("GET", "/v1/runs", params={"kind": "chat_turn"})).json()["data"]
    assert [run["id"] for run in runs] == [begun.headers["x-run-id"]]
    conversation_id = begun.events[2]["conversation_id"]
    path = f"/v1/conversations/{conversation_id}/turns"
    turn = await talker.stream(
        "POST",
        path,
        json={"content": "x", "stream": True},
        headers={"Last-Event-ID": begun.ids[1]},
    )
    assert turn.events[0]["seq"] == 3
    assert len(await talker.messages(conversation_id)) == 2


async def test_a_disconnect_is_no_cancel(talker):
    begun = await talker.stream_chat("Hello", model="demo/chat?tokens=20&delay_ms=10", most=3)
    whole = await talker.stream("GET", events_of(begun))
    assert whole.types[-1] == "run.completed"
    assert len(whole.text.split()) == 20


async def test_cancel_closes_the_upstream_and_keeps_the_text(talker):
    async with DemoServer() as upstream:
        await talker.integrate("openai_compatible", upstream.base_url, "own")
        begun = await talker.stream_chat("Hello", model="own/chat?tokens=9000&delay_ms=10", most=8)
        assert upstream.in_flight == 1
        path = f"/v1/runs/{begun.headers['x-run-id']}/cancel"
        assert (await talker.call("POST", path)).status_code == 202

        async def closed():
            return not upstream.in_flight and not upstream.open_connections

        await until(closed)
    whole = await talker.stream("GET", events_of(begun))
    assert whole.types[-1] == "run.cancelled"
    assert (await talker.call("POST", path)).status_code == 202
    message = (await talker.messages(begun.events[2]["conversation_id"]))[-1]
    assert (message["status"], message["text"]) == ("cancelled", whole.text)
    assert message["output_tokens"] > 0


async def test_who_waits_for_a_cancelled_turn_gets_what_there_is(talker):
    model = "demo/chat?tokens=2000&delay_ms=20"
    waiting = asyncio.create_task(
        talker.call(
            "POST",
            "/v1/chat",
            json={"messages": [{"role": "user", "content": "Hello"}], "model": model},
        )
    )

    async def begun():
        return (await talker.call("GET", "/v1/runs")).json()["data"]

    await until(begun)
    [run] = await begun()
    await talker.call("POST", f"/v1/runs/{run['id']}/cancel")
    answer = await waiting
    assert (answer.status_code, answer.json()["message"]["status"]) == (200, "cancelled")

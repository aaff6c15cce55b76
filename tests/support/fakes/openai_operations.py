"""What a fake of OpenAI answers to what is not a conversation."""

from base64 import b64encode
from struct import pack
from typing import Any

import orjson

from app.inference.providers.demo.http import HttpExchange
from tests.support.fakes.base import Action, Fake, Recorded, Said, body_of, event, raw_stream
from tests.support.fakes.openai_responses import response_frames, whole_response

SOUND = (b"ID3" + b"\x00\xff\xfb" * 4000, b"\x01" * 3000)
PICTURE = b64encode(b"picture" * 1000).decode()
SPENT = {"input_tokens": 12, "output_tokens": 34, "total_tokens": 46}


def other_answer(recorded: Recorded) -> Action | None:
    """The answer by the address; None for models and conversations."""
    path = recorded.path.removeprefix("/v1")
    if path == "/responses/input_tokens":
        return body_of(orjson.dumps({"object": "response.input_tokens", "input_tokens": 7}))
    if path.startswith("/responses/"):
        return stored(recorded, path)
    makers = {
        "/embeddings": embeddings,
        "/audio/speech": speech,
        "/audio/transcriptions": transcription,
        "/audio/translations": transcription,
        "/images/generations": pictures,
        "/images/edits": pictures,
        "/images/variations": pictures,
        "/moderations": moderation,
    }
    return makers[path](recorded.body) if path in makers else None


def embeddings(body: Any) -> Action:
    texts = body["input"] if isinstance(body["input"], list) else [body["input"]]
    vector: Any = [0.5, -1.0]
    if body.get("encoding_format") == "base64":
        vector = b64encode(pack("<2f", *vector)).decode()
    rows = [{"object": "embedding", "index": n, "embedding": vector} for n in range(len(texts))]
    usage = {"prompt_tokens": 8, "total_tokens": 8}
    told = {"object": "list", "data": rows, "model": body["model"], "usage": usage}
    return body_of(orjson.dumps(told))


def speech(body: Any) -> Action:
    async def action(fake: Fake, exchange: HttpExchange, body: Any) -> None:
        await exchange.start("audio/mpeg")
        for piece in SOUND:
            await exchange.write(piece)
        await exchange.end()

    return action


def transcription(body: bytes) -> Action:
    if b'name="stream"' in body:
        done = {"type": "transcript.text.done", "text": "Hello.", "usage": SPENT}
        return raw_stream(event({"type": "transcript.text.delta", "delta": "Hel"}), event(done))
    return body_of(orjson.dumps({"text": "Hello.", "usage": {"type": "tokens"} | SPENT}))


def pictures(body: Any) -> Action:
    told = {"created": 1760000000, "data": [{"b64_json": PICTURE}], "usage": SPENT}
    return body_of(orjson.dumps(told))


def moderation(body: Any) -> Action:
    result = {"flagged": True, "categories": {"violence": True}, "category_scores": {}}
    return body_of(orjson.dumps({"id": "modr-1", "model": body["model"], "results": [result]}))


def stored(recorded: Recorded, path: str) -> Action:
    name = path.split("/")[2]
    if path.endswith("/input_items"):
        return body_of(orjson.dumps({"object": "list", "data": [], "has_more": False}))
    if recorded.method == "DELETE":
        told: Any = {"id": name, "object": "response", "deleted": True}
    else:
        told = whole_response(Said(), {"model": "gpt-fake"}) | {"id": name}
    if "stream" in recorded.query:
        return raw_stream(*response_frames(Said(), {"model": "gpt-fake", "background": True}))
    return body_of(orjson.dumps(told))

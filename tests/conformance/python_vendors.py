"""How each vendor's Python client is asked: one class a vendor, one method an operation."""

import asyncio
from typing import Any

import anthropic
import openai
import orjson
from google import genai
from google.genai import types as t

from tests.conformance.case import Json

SECONDS = 20


def plain(answer: Any) -> Any:
    return answer.model_dump(mode="json")


class Chat:
    @staticmethod
    def client(address: str, key: str) -> Any:
        url = f"{address}/openai/v1"
        return openai.AsyncOpenAI(base_url=url, api_key=key, max_retries=0, timeout=SECONDS)

    @staticmethod
    async def create(client: Any, args: Json, extra: Json | None, progress: Json) -> Json:
        return {"answer": plain(await client.chat.completions.create(**args, extra_body=extra))}

    @staticmethod
    async def stream(client: Any, args: Json, extra: Json | None, progress: Json) -> Json:
        pieces = 0
        async with client.chat.completions.stream(**args, extra_body=extra) as stream:
            async for event in stream:
                if event.type == "content.delta":
                    pieces += 1
                    progress["text"] += event.delta
            return {"answer": plain(await stream.get_final_completion()), "pieces": pieces}

    @staticmethod
    async def abort(client: Any, args: Json, extra: Json | None, progress: Json) -> Json:
        async with client.chat.completions.stream(**args) as stream:
            async for event in stream:
                if event.type == "content.delta":
                    return {"pieces": 1}
        return {"pieces": 0}

    @staticmethod
    async def models(client: Any, args: Json, extra: Json | None, progress: Json) -> Json:
        return {"answer": [model.id async for model in client.models.list()]}

    @staticmethod
    async def model(client: Any, args: Json, extra: Json | None, progress: Json) -> Json:
        return {"answer": (await client.models.retrieve(args["model"])).id}

    @staticmethod
    async def embed(client: Any, args: Json, extra: Json | None, progress: Json) -> Json:
        answer = await client.embeddings.create(**args)
        return {"answer": answer.data[0].embedding}


class Responses:
    client = Chat.client

    @staticmethod
    async def create(client: Any, args: Json, extra: Json | None, progress: Json) -> Json:
        return {"answer": plain(await client.responses.create(**args, extra_body=extra))}

    @staticmethod
    async def stream(client: Any, args: Json, extra: Json | None, progress: Json) -> Json:
        pieces = 0
        async with client.responses.stream(**args, extra_body=extra) as stream:
            async for event in stream:
                if event.type == "response.output_text.delta":
                    pieces += 1
                    progress["text"] += event.delta
            return {"answer": plain(await stream.get_final_response()), "pieces": pieces}

    @staticmethod
    async def abort(client: Any, args: Json, extra: Json | None, progress: Json) -> Json:
        async with client.responses.stream(**args) as stream:
            async for event in stream:
                if event.type == "response.output_text.delta":
                    return {"pieces": 1}
        return {"pieces": 0}

    @staticmethod
    async def count(client: Any, args: Json, extra: Json | None, progress: Json) -> Json:
        return {"answer": (await client.responses.input_tokens.count(**args)).input_tokens}


class Messages:
    @staticmethod
    def client(address: str, key: str) -> Any:
        url = f"{address}/anthropic"
        return anthropic.AsyncAnthropic(base_url=url, api_key=key, max_retries=0, timeout=SECONDS)

    @staticmethod
    async def create(client: Any, args: Json, extra: Json | None, progress: Json) -> Json:
        return {"answer": plain(await client.messages.create(**args, extra_body=extra))}

    @staticmethod
    async def stream(client: Any, args: Json, extra: Json | None, progress: Json) -> Json:
        pieces = 0
        async with client.messages.stream(**args, extra_body=extra) as stream:
            async for event in stream:
                if event.type == "text":
                    pieces += 1
                    progress["text"] += event.text
            return {"answer": plain(await stream.get_final_message()), "pieces": pieces}

    @staticmethod
    async def abort(client: Any, args: Json, extra: Json | None, progress: Json) -> Json:
        async with client.messages.stream(**args) as stream:
            async for event in stream:
                if event.type == "text":
                    return {"pieces": 1}
        return {"pieces": 0}

    @staticmethod
    async def count(client: Any, args: Json, extra: Json | None, progress: Json) -> Json:
        return {"answer": (await client.messages.count_tokens(**args)).input_tokens}

    @staticmethod
    async def models(client: Any, args: Json, extra: Json | None, progress: Json) -> Json:
        return {"answer": [model.id async for model in client.models.list()]}

    @staticmethod
    async def model(client: Any, args: Json, extra: Json | None, progress: Json) -> Json:
        return {"answer": (await client.models.retrieve(args["model"])).id}


def google_args(args: Json, extra: Json | None) -> Json:
    """The arguments as the SDK's own types, which alone read base64 as bytes."""
    contents = [t.Content.model_validate_json(orjson.dumps(each)) for each in args["contents"]]
    config = dict(args.get("config") or {})
    if extra:
        config["httpOptions"] = {"extraBody": extra}
    read = t.GenerateContentConfig.model_validate_json(orjson.dumps(config)) if config else None
    return {"model": args["model"], "contents": contents, "config": read}


def camelled(answer: Any) -> Any:
    found = answer.model_dump(mode="json", by_alias=True, exclude_none=True)
    found.pop("sdkHttpResponse", None)
    return found


class Google:
    @staticmethod
    def client(address: str, key: str) -> Any:
        options = t.HttpOptions(base_url=f"{address}/gemini", timeout=SECONDS * 1000)
        return genai.Client(api_key=key, http_options=options)

    @staticmethod
    async def create(client: Any, args: Json, extra: Json | None, progress: Json) -> Json:
        answer = await client.models.generate_content(**google_args(args, extra))
        return {"answer": camelled(answer)}

    @staticmethod
    async def stream(client: Any, args: Json, extra: Json | None, progress: Json) -> Json:
        chunks = []
        asked = google_args(args, extra)
        async for chunk in await client.models.generate_content_stream(**asked):
            progress["text"] += chunk.text or ""
            chunks.append(camelled(chunk))
        return {"chunks": chunks}

    @staticmethod
    async def abort(client: Any, args: Json, extra: Json | None, progress: Json) -> Json:
        pieces, came = 0, asyncio.Event()

        async def read() -> None:
            nonlocal pieces
            asked = google_args(args, extra)
            async for _ in await client.models.generate_content_stream(**asked):
                pieces += 1
                came.set()

        # Closing the generator leaves the SDK's connection open; a cancelled task does not.
        reading = asyncio.create_task(read())
        await came.wait()
        reading.cancel()
        await asyncio.wait([reading])
        return {"pieces": pieces}

    @staticmethod
    async def count(client: Any, args: Json, extra: Json | None, progress: Json) -> Json:
        asked = google_args(args, extra)
        counted = await client.models.count_tokens(model=args["model"], contents=asked["contents"])
        return {"answer": counted.total_tokens}

    @staticmethod
    async def models(client: Any, args: Json, extra: Json | None, progress: Json) -> Json:
        listed = [model.name async for model in await client.models.list()]
        return {"answer": [name.removeprefix("models/") for name in listed]}

    @staticmethod
    async def model(client: Any, args: Json, extra: Json | None, progress: Json) -> Json:
        found = await client.models.get(model=args["model"])
        return {"answer": found.name.removeprefix("models/")}

    @staticmethod
    async def embed(client: Any, args: Json, extra: Json | None, progress: Json) -> Json:
        answer = await client.models.embed_content(model=args["model"], contents=args["contents"])
        return {"answer": answer.embeddings[0].values}


VENDORS: dict[str, Any] = {
    "chat": Chat,
    "responses": Responses,
    "messages": Messages,
    "gemini": Google,
}

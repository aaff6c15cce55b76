"""The demo provider's server: routes, pacing and misbehaviour."""

import asyncio
from hashlib import sha256
from typing import Any

import orjson

from app.inference.providers.demo.answers import (
    REASONING,
    Line,
    answer,
    count_words,
    read_lines,
    tokenise,
)
from app.inference.providers.demo.examples import example
from app.inference.providers.demo.http import HttpExchange, HttpServer
from app.inference.providers.demo.options import (
    Behaviour,
    InvalidOption,
    UnknownModel,
    read_model,
)
from app.inference.providers.demo.wire import ERRORS, Call, Reply, error_body, models_body

# How many different failing requests are remembered.
FAILURES_KEPT = 10_000
SETTLE_SECONDS = 0.02
GARBAGE = b'data: {"choices": [{"delta": {"content": \n\n'
PAGE = b"<html><body>This is the demo provider, answering garbage.</body></html>"


class DemoServer(HttpServer):
    """`async with DemoServer() as server:` then call `server.base_url` like OpenAI."""

    def __init__(self, port: int = 0) -> None:
        super().__init__(self._answer, port)
        self._failures: dict[bytes, int] = {}

    @property
    def base_url(self) -> str:
        return f"{self.url}/v1"

    async def _answer(self, exchange: HttpExchange) -> None:
        request = exchange.request
        match request.method, request.path:
            case "GET", "/v1/models":
                await exchange.send(200, models_body())
            case "POST", "/v1/chat/completions":
                await self._chat(exchange)
            case _:
                await refuse(exchange, 404, "not_found", "The demo provider has no such route.")

    async def _chat(self, exchange: HttpExchange) -> None:
        try:
            body = orjson.loads(exchange.request.body)
            if not isinstance(body, dict):
                raise ValueError("The body must be a JSON object.")  # noqa: TRY004 - one kind
            lines = read_lines(body.get("messages"))
            behaviour = read_model(str(body.get("model")))
            reply = make_reply(body, lines, behaviour)
        except UnknownModel:
            name = str(body.get("model"))[:80]
            await refuse(exchange, 404, "model_not_found", f"The model {name!r} does not exist.")
        except (ValueError, InvalidOption) as error:
            await refuse(exchange, 400, "invalid_request", str(error))
        except (AttributeError, IndexError, KeyError, TypeError):
            said = "The body is not a chat completion request."
            await refuse(exchange, 400, "invalid_request", said)
        else:
            if not await self._fail(exchange, behaviour):
                await respond(exchange, body, reply, behaviour)

    async def _fail(self, exchange: HttpExchange, behaviour: Behaviour) -> bool:
        """Answer with the model's failure, if it is the turn of one."""
        failing = behaviour.model if behaviour.model in ERRORS else None
        if behaviour.fail_times is not None:
            if not self._is_turn(exchange.request.body, behaviour.fail_times):
                return False
            failing = failing or "overloaded"
        if failing is None:
            return False
        status, kind, code, said = ERRORS[failing]
        wait = behaviour.retry_after
        headers = {} if wait is None else {"retry-after": str(wait)}
        message = f"A demo failure: the provider {said}, because {failing!r} was asked for."
        await exchange.send(status, error_body(kind, code, message), headers=headers)
        return True

    def _is_turn(self, body: bytes, times: int) -> bool:
        key = sha256(body).digest()
        made = self._failures.get(key, 0)
        if made >= times:
            return False
        if made == 0 and len(self._failures) >= FAILURES_KEPT:
            self._failures.pop(next(iter(self._failures)))
        self._failures[key] = made + 1
        return True


async def serve(port: int) -> None:
    """Serve on a fixed port until cancelled."""
    async with DemoServer(port) as server:
        print(f"The demo provider listens on {server.base_url}", flush=True)  # noqa: T201
        await asyncio.Event().wait()


async def refuse(exchange: HttpExchange, status: int, code: str, message: str) -> None:
    await exchange.send(status, error_body("invalid_request_error", code, message))


def make_reply(body: dict[str, Any], lines: list[Line], behaviour: Behaviour) -> Reply:
    calls = make_calls(body, lines, behaviour)
    text = "" if calls else answer(lines, behaviour.tokens, body.get("response_format"))
    finish = "tool_calls" if calls else "stop"
    stops = body.get("stop") or ()
    for stop in [stops] if isinstance(stops, str) else stops:
        text = text.partition(stop)[0] if isinstance(stop, str) and stop else text
    tokens = tokenise(text)
    limit = body.get("max_completion_tokens") or body.get("max_tokens")
    if isinstance(limit, int) and 0 < limit < len(tokens):
        tokens, finish = tokens[:limit], "length"
    digest = sha256(orjson.dumps([line.text for line in lines])).hexdigest()
    return Reply(
        id=f"chatcmpl-demo-{digest[:16]}",
        model=str(body["model"]),
        tokens=tuple(tokens),
        reasoning=tuple(tokenise(REASONING)) if behaviour.model == "reasoning" else (),
        calls=calls,
        finish=finish,
        prompt_tokens=count_words(lines),
    )


def make_calls(body: dict[str, Any], lines: list[Line], behaviour: Behaviour) -> tuple[Call, ...]:
    """Call the offered tools where the model or the request asks for it."""
    choice = body.get("tool_choice")
    functions = [f for tool in body.get("tools") or () if (f := tool.get("function"))]
    forced = choice == "required" or isinstance(choice, dict)
    wanted = behaviour.model == "tools" and choice != "none" and lines[-1].role != "tool"
    if not functions or not (forced or wanted):
        return ()
    if isinstance(choice, dict):
        named = (choice.get("function") or {}).get("name")
        functions = [f for f in functions if f.get("name") == named] or functions
    turn = len(lines)
    return tuple(
        Call(
            f"call_demo_{turn}_{number}",
            str(function.get("name")),
            orjson.dumps(example(function.get("parameters") or {"type": "object"})).decode(),
        )
        for number in range(behaviour.calls)
        for function in [functions[number % len(functions)]]
    )


async def respond(
    exchange: HttpExchange, body: dict[str, Any], reply: Reply, behaviour: Behaviour
) -> None:
    if behaviour.model == "garbage-body":
        await exchange.send(200, PAGE, "text/html")
    elif body.get("stream"):
        options = body.get("stream_options") or {}
        await stream(exchange, reply, behaviour, with_usage=bool(options.get("include_usage")))
    else:
        await whole(exchange, reply, behaviour)


async def whole(exchange: HttpExchange, reply: Reply, behaviour: Behaviour) -> None:
    """Answer in one piece; a pace is kept only where one was asked for."""
    if behaviour.delay_ms is not None:
        await asyncio.sleep(behaviour.delay * len(reply.tokens))
    payload = reply.whole()
    if behaviour.model == "silent":
        await exchange.until_gone()
    elif behaviour.drop_after is not None:
        length = {"content-length": str(len(payload))}
        kept = payload[: len(payload) // 2] if behaviour.drop_after else b""
        await exchange.send(200, kept, headers=length)
        exchange.abort()
    elif behaviour.model in ("garbage", "no-end"):
        await exchange.send(200, payload[: len(payload) // 2])
    else:
        await exchange.send(200, payload)


async def stream(
    exchange: HttpExchange, reply: Reply, behaviour: Behaviour, *, with_usage: bool
) -> None:
    await exchange.start()
    if behaviour.model == "silent":
        await exchange.until_gone()
        return
    frames = reply.paced()
    if behaviour.model == "garbage":
        frames.insert(3, GARBAGE)
    await exchange.write(reply.chunk({"role": "assistant", "content": ""}))
    drop_after = behaviour.drop_after
    loop = asyncio.get_running_loop()
    due = loop.time()
    for sent, frame in enumerate(frames):
        if sent == drop_after:
            # Let the tokens before the drop arrive: a broken socket takes its buffer with it.
            await asyncio.sleep(SETTLE_SECONDS)
        if exchange.gone or sent == drop_after:
            exchange.abort()
            return
        await exchange.write(frame)
        # A moment that is due, not a pause, so that a late token does not delay the next.
        due += behaviour.delay
        if behaviour.delay:
            await asyncio.sleep(max(0.0, due - loop.time()))
    if behaviour.model != "no-end":
        await exchange.write(reply.closing(with_usage=with_usage))
    await exchange.end()

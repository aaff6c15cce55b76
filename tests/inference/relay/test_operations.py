"""Embeddings, sound, pictures and moderation through the unmodified OpenAI SDK."""

import io

import openai
import orjson
import pytest

from tests.inference.relay.asking import ask, calls_of
from tests.support.fakes.base import Said, body_of
from tests.support.fakes.openai_operations import PICTURE, SOUND

gemini = pytest.mark.parametrize("gateway", ["gemini"], indirect=True)
# The SDK warns of what OpenAI means to take back one day.
deprecated = pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning")
anthropic = pytest.mark.parametrize("gateway", ["anthropic"], indirect=True)


def recording(size: int = 100) -> io.BytesIO:
    file = io.BytesIO(b"\xff\xfb" * (size // 2))
    file.name = "talk.mp3"
    return file


async def test_vectors_come_as_the_sdk_asks_for_them(sdk, gateway):
    answer = await sdk.embeddings.create(model=gateway.model, input=["Hello", "World"])
    assert [row.embedding for row in answer.data] == [[0.5, -1.0]] * 2
    assert answer.usage.prompt_tokens == 8
    assert gateway.fake.last.path == "/v1/embeddings"
    assert gateway.fake.last.body["model"] == "gpt-fake"


async def test_an_embedding_is_metered(sdk, gateway, kernel, ledger):
    await sdk.embeddings.create(model=gateway.model, input="Hello", encoding_format="float")
    (call,) = await calls_of(kernel, ledger, gateway)
    assert (call.status, call.input_tokens, call.output_tokens) == ("succeeded", 8, 0)
    assert call.estimated is False


@gemini
@pytest.mark.parametrize("encoding", ["float", "base64"])
async def test_gemini_embeds_in_openais_words(sdk, gateway, encoding):
    vectors = [{"values": [0.5, -1.0]}, {"values": [2.0, 0.25]}]
    gateway.fake.will(body_of(orjson.dumps({"embeddings": vectors})))
    answer = await sdk.embeddings.create(
        model=gateway.model, input=["Hello", "World"], encoding_format=encoding
    )
    assert answer.object == "list"
    assert len(answer.data) == 2
    if encoding == "float":
        assert answer.data[1].embedding == [2.0, 0.25]
    assert gateway.fake.last.path.endswith("models/gemini-fake:batchEmbedContents")


@anthropic
async def test_who_cannot_embed_says_so(sdk, gateway):
    with pytest.raises(openai.BadRequestError, match="embeddings"):
        await sdk.embeddings.create(model=gateway.model, input="Hello")
    assert gateway.fake.requests == []


async def test_speech_is_passed_on_as_it_comes(sdk, gateway):
    async with sdk.audio.speech.with_streaming_response.create(
        model=gateway.model, voice="alloy", input="Hello."
    ) as answer:
        assert answer.headers["content-type"] == "audio/mpeg"
        sound = b"".join([piece async for piece in answer.iter_bytes()])
    assert sound == b"".join(SOUND)


@pytest.mark.parametrize("size", [100, 3 * 1024 * 1024])
async def test_a_recording_is_written_down(sdk, gateway, kernel, ledger, size):
    answer = await sdk.audio.transcriptions.create(
        model=gateway.model, file=recording(size), language="en"
    )
    assert answer.text == "Hello."
    sent = gateway.fake.last.body
    assert b'name="model"\r\n\r\ngpt-fake\r\n' in sent
    assert sent.count(b"\xff\xfb") == size // 2
    (call,) = await calls_of(kernel, ledger, gateway)
    assert (call.input_tokens, call.output_tokens) == (12, 34)


@deprecated
async def test_a_recording_is_translated(sdk, gateway):
    answer = await sdk.audio.translations.create(model=gateway.model, file=recording())
    assert answer.text == "Hello."
    assert gateway.fake.last.path == "/v1/audio/translations"


async def test_a_transcript_can_be_streamed(sdk, gateway, kernel, ledger):
    stream = await sdk.audio.transcriptions.create(
        model=gateway.model, file=recording(), stream=True
    )
    events = [event async for event in stream]
    assert [event.type for event in events] == ["transcript.text.delta", "transcript.text.done"]
    (call,) = await calls_of(kernel, ledger, gateway)
    assert (call.input_tokens, call.output_tokens) == (12, 34)


@deprecated
async def test_pictures_are_painted_edited_and_varied(sdk, gateway):
    painted = await sdk.images.generate(model=gateway.model, prompt="A cat")
    assert painted.data[0].b64_json == PICTURE
    assert painted.usage.output_tokens == 34
    edited = await sdk.images.edit(model=gateway.model, image=b"png", prompt="A hat")
    assert edited.data[0].b64_json == PICTURE
    varied = await sdk.images.create_variation(model=gateway.model, image=b"png")
    assert varied.data[0].b64_json == PICTURE
    paths = [request.path for request in gateway.fake.requests if request.method == "POST"]
    assert paths == ["/v1/images/generations", "/v1/images/edits", "/v1/images/variations"]


async def test_moderation_answers(sdk, gateway):
    answer = await sdk.moderations.create(model=gateway.model, input="I'll get you.")
    assert answer.results[0].flagged


async def test_parameters_we_have_never_heard_of_pass(client, gateway):
    asked = {"model": gateway.model, "input": "Hi", "voice": "x", "future": 1.5}
    answer = await client.post("/openai/v1/audio/speech", json=asked, headers=gateway.headers)
    assert answer.status_code == 200
    assert gateway.fake.last.body == asked | {"model": "gpt-fake"}


async def test_a_refusal_keeps_the_vendors_words(sdk, gateway):
    said = {"message": "No such voice.", "param": "voice", "code": "bad_voice"}
    gateway.fake.will(body_of(orjson.dumps({"error": said}), code=400))
    with pytest.raises(openai.BadRequestError) as refused:
        await sdk.audio.speech.create(model=gateway.model, voice="x", input="Hi")
    assert (refused.value.param, refused.value.code) == ("voice", "bad_voice")


@pytest.mark.parametrize(
    ("path", "content", "kind"),
    [
        ("/audio/transcriptions", b"no form", "multipart/form-data; boundary=x"),
        ("/audio/transcriptions", b"{}", "application/json"),
        ("/embeddings", b"no json", "application/json"),
        ("/embeddings", b'{"input": "x"}', "application/json"),
        ("/embeddings", b"{}", "application/json"),
        ("/images/generations", b'{"model": 7}', "application/json"),
    ],
)
async def test_a_mistake_is_told_in_the_vendors_envelope(client, gateway, path, content, kind):
    headers = gateway.headers | {"content-type": kind}
    answer = await client.post(f"/openai/v1{path}", content=content, headers=headers)
    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "invalid_request_error"
    assert gateway.fake.requests == []


@pytest.mark.parametrize(
    ("told", "passed"),
    [
        ("text/html; charset=utf-8", "application/octet-stream"),
        ("image/svg+xml", "application/octet-stream"),
        ("text/javascript", "application/octet-stream"),
        ("audio/opus", "audio/opus"),
    ],
)
async def test_what_a_browser_would_run_is_not_passed_on_as_such(client, gateway, told, passed):
    gateway.fake.will(body_of(b"<script>alert(1)</script>", told))
    asked = {"model": gateway.model, "input": "Hi", "voice": "x"}
    answer = await client.post("/openai/v1/audio/speech", json=asked, headers=gateway.headers)
    assert (answer.status_code, answer.headers["content-type"]) == (200, passed)
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_of_a_providers_head_only_the_kind_of_its_answer_is_passed_on(client, gateway):
    def telling(payload, kind):
        async def action(fake, exchange, body):
            head = {"set-cookie": "a=b", "openai-organization": "org-1", "x-secret": "s"}
            await exchange.send(200, payload, kind, headers=head)

        return action

    whole = orjson.dumps(gateway.fake.whole(Said(), {"model": "m"}))
    gateway.fake.will(telling(b"sound", "audio/mpeg"), telling(whole, "application/json"))
    asked = {"model": gateway.model, "input": "Hi", "voice": "x"}
    spoken = await client.post("/openai/v1/audio/speech", json=asked, headers=gateway.headers)
    said = await ask(client, gateway)
    for answer in (spoken, said):
        assert answer.status_code == 200, answer.text
        told = {name.lower() for name in answer.headers}
        assert not told & {"set-cookie", "openai-organization", "x-secret"}


async def test_of_a_clients_head_nothing_reaches_the_provider(client, gateway):
    head = {"Cookie": "a=b", "X-Forwarded-For": "9.9.9.9", "X-Secret": "s", "Openai-Beta": "x"}
    asked = {"model": gateway.model, "input": "Hi", "voice": "x"}
    await client.post("/openai/v1/audio/speech", json=asked, headers=gateway.headers | head)
    sent = {name.lower(): value for name, value in gateway.fake.last.headers.items()}
    assert not set(sent) & {name.lower() for name in head}
    assert gateway.key not in str(sent)


async def test_a_count_of_pictures_that_nobody_could_bill_is_refused(client, gateway):
    asked = {"model": gateway.model, "prompt": "A cat", "n": "1e1"}
    answer = await client.post("/openai/v1/images/generations", json=asked, headers=gateway.headers)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "n")
    assert gateway.fake.requests == []


async def test_an_upload_has_a_bound(client, gateway, settings):
    async def pieces():
        for _ in range(settings.max_upload_bytes // 2**20 + 2):
            yield b"x" * 2**20

    headers = gateway.headers | {"content-type": "multipart/form-data; boundary=x"}
    answer = await client.post("/openai/v1/audio/transcriptions", content=pieces(), headers=headers)
    assert answer.status_code == 413

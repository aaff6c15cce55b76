"""Bodies as candidates are to have them, with one copy of a large form in memory."""

import tracemalloc
from contextlib import suppress

import httpx2
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.inference.dialects.errors import RequestInvalid
from app.inference.operations.content import read_form, read_json

BOUNDARY = "----x1y2"
KIND = f"multipart/form-data; boundary={BOUNDARY}"


def form(fields: dict[str, str], file: bytes) -> tuple[bytearray, str]:
    """A form as an HTTP client of a vendor writes it."""
    files = {"file": ("talk.mp3", file, "audio/mpeg")}
    request = httpx2.Request("POST", "http://x/", data=fields, files=files)
    return bytearray(request.read()), request.headers["content-type"]


async def sent(content, model: str) -> bytes:
    body = content.renamed(model)
    return body if isinstance(body, bytes) else b"".join([piece async for piece in body])


@given(st.binary(max_size=300), st.text(st.characters(codec="ascii", categories=["L", "N"])))
async def test_only_the_models_name_is_changed_in_a_form(file, prompt):
    body, kind = form({"prompt": prompt, "model": "slug/whisper", "language": "de"}, file)
    content = read_form(bytearray(body), kind)
    assert content.model == "slug/whisper"
    assert content.get("prompt") == prompt
    assert content.get("file") is None
    expected = bytes(body).replace(b'"model"\r\n\r\nslug/whisper\r\n', b'"model"\r\n\r\nw-1\r\n')
    assert await sent(content, "w-1") == expected
    assert await sent(content, "slug/whisper") == bytes(body)


async def test_a_large_form_is_in_memory_once():
    size = 8 * 1024 * 1024
    body, kind = form({"model": "slug/whisper"}, b"\0" * size)
    tracemalloc.start()
    content = read_form(body, kind)
    total = 0
    async for piece in content.renamed("whisper-1"):
        total += len(piece)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert total == len(body) - len("slug/whisper") + len("whisper-1")
    assert peak < 1024 * 1024


BROKEN = [
    (b"", KIND),
    (b"no form at all", KIND),
    (f"--{BOUNDARY}\r\n\r\n".encode(), KIND),
    (f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="model"\r\n\r\nx'.encode(), KIND),
    (f"--{BOUNDARY}\r\nno head\r\n--{BOUNDARY}--".encode(), KIND),
    (b"x", "application/json"),
    (b"x", "multipart/form-data"),
    (b"x", ""),
    (f'--{BOUNDARY}\r\na: name="a"\r\n\r\nx\r\n'.encode() * 100 + f"--{BOUNDARY}--".encode(), KIND),
]


@pytest.mark.parametrize(("body", "kind"), BROKEN)
def test_what_is_no_form_is_refused(body, kind):
    with pytest.raises(RequestInvalid):
        read_form(bytearray(body), kind)


@given(st.binary(max_size=400))
def test_no_bytes_break_the_reader(noise):
    body = f"--{BOUNDARY}\r\n".encode() + noise + f"\r\n--{BOUNDARY}--\r\n".encode()
    with suppress(RequestInvalid):
        read_form(bytearray(body), KIND)


def test_a_models_name_in_a_form_has_a_bound():
    body, kind = form({"model": "x" * 257}, b"")
    with pytest.raises(RequestInvalid) as refused:
        read_form(body, kind)
    assert refused.value.param == "model"


def test_a_file_that_calls_itself_model_is_no_model():
    request = httpx2.Request("POST", "http://x/", files={"model": ("m.bin", b"x", "audio/mpeg")})
    content = read_form(bytearray(request.read()), request.headers["content-type"])
    assert content.model is None


def test_json_keeps_everything_but_the_models_name():
    body = b'{ "model": "slug/tts", "input":"Hi \\u00e9", "future": 1.50 }'
    assert read_json(body).renamed("tts-1") == body.replace(b"slug/tts", b"tts-1")


def test_the_model_that_was_meant_is_named_where_none_was():
    body = read_json(b'{"input": "Hi"}').renamed("omni")
    assert orjson.loads(body) == {"input": "Hi", "model": "omni"}

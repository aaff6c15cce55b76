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
from app.inference.operations.extent import images_of
from app.inference.operations.table import OPERATIONS

BOUNDARY = "----x1y2"
KIND = f"multipart/form-data; boundary={BOUNDARY}"
IMAGES = next(each for each in OPERATIONS if each.path == "/images/generations")


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


@pytest.mark.parametrize("start", [b"", b"\r\n"])
def test_a_form_without_a_model_is_given_the_one_that_was_meant(start):
    body, kind = form({"prompt": "A hat"}, b"png")
    content = read_form(bytearray(start) + body, kind)
    assert content.model is None
    given = read_form(bytearray(content.renamed("dall-e-2")), kind)
    assert (given.model, given.get("prompt")) == ("dall-e-2", "A hat")
    assert bytes(given.body).endswith(body)


def part(head: str, value: str = "gpt-dear") -> str:
    return f"--{BOUNDARY}\r\n{head}\r\n\r\n{value}\r\n"


NAMED = 'Content-Disposition: form-data; name="model"'
OTHER = 'Content-Disposition: form-data; name="other"'
CHEAP = part(NAMED, "cheap")
END = f"--{BOUNDARY}--\r\n"
# What one reader of forms takes for another model, or another text, than the next one does.
READ_DIFFERENTLY = {
    "twice": part(NAMED) + CHEAP + END,
    "without quotes": part("Content-Disposition: form-data; name=model") + CHEAP + END,
    "as a file": part(NAMED + '; filename="m.txt"') + CHEAP + END,
    "as a file alone": part(NAMED + '; filename=""') + END,
    "in another charset": part("Content-Disposition: form-data; name*=utf-8''model") + CHEAP + END,
    "under two names": part(OTHER + '; name="model"') + CHEAP + END,
    "with an escape": part('Content-Disposition: form-data; name="mod\\el"') + CHEAP + END,
    "under two heads": part(f"{OTHER}\r\n{NAMED}") + CHEAP + END,
    "under no head": part('X-Other: form-data; name="model"') + CHEAP + END,
    "in a line that goes on": (
        part('Content-Disposition: form-data;\r\n name="model"') + CHEAP + END
    ),
    "behind half a line's end": part(f"X-Other: y\n{NAMED}") + CHEAP + END,
    "in a part of lonely ends": (
        CHEAP + part(OTHER, f"x\n--{BOUNDARY}\n{NAMED}\n\ngpt-dear") + END
    ),
    "before the first part": "x" + part(NAMED) + CHEAP + END,
    "behind the end": CHEAP + END + part(NAMED) + END,
    "under a longer boundary": f"--{BOUNDARY}9\r\n{NAMED}\r\n\r\ngpt-dear\r\n" + CHEAP + END,
    "with a NUL": part(NAMED, "cheap\0") + END,
    "in base64": part(f"{NAMED}\r\nContent-Transfer-Encoding: base64", "Z3B0LWRlYXI=") + END,
    "in an encoding that only some undo": (
        part(f"{NAMED}\r\ncontent-transfer-encoding : quoted-printable", "gpt=2Ddear") + END
    ),
    "in letters that only some know": (
        part(f"{NAMED}\r\nContent-Type: text/plain; charset=utf-7", "+AGc-pt") + END
    ),
    "a prompt beyond what is read": (
        CHEAP + part('Content-Disposition: form-data; name="prompt"', "x" * 300_000) + END
    ),
}  # fmt: skip


@pytest.mark.parametrize("body", READ_DIFFERENTLY.values(), ids=READ_DIFFERENTLY)
def test_what_readers_of_forms_take_differently_is_refused(body):
    with pytest.raises(RequestInvalid):
        read_form(bytearray(body.encode()), KIND)


@pytest.mark.parametrize(
    "kind",
    [
        f'multipart/form-data; x="; boundary=y"; boundary={BOUNDARY}',
        f"multipart/form-data; boundary={BOUNDARY}; boundary=y",
        f"multipart/form-data; boundary*=utf-8''{BOUNDARY}",
    ],
)
def test_a_boundary_that_could_be_another_is_refused(kind):
    with pytest.raises(RequestInvalid):
        read_form(bytearray((CHEAP + END).encode()), kind)


@pytest.mark.parametrize("charset", ["UTF-8", '"us-ascii"', "ISO-8859-1"])
def test_fields_may_say_that_they_are_plain_text(charset):
    head = f"{NAMED}\r\nContent-Type: text/plain; charset={charset}"
    body = part(f"{head}\r\nContent-Transfer-Encoding: 8bit", "cheap") + END
    assert read_form(bytearray(body.encode()), KIND).model == "cheap"


def test_a_list_may_be_given_item_by_item():
    one = 'Content-Disposition: form-data; name="include[]"'
    content = read_form(bytearray((part(one, "a") + part(one, "b") + CHEAP + END).encode()), KIND)
    assert content.model == "cheap"


def test_json_keeps_everything_but_the_models_name():
    body = b'{ "model": "slug/tts", "input":"Hi \\u00e9", "future": 1.50 }'
    assert read_json(body).renamed("tts-1") == body.replace(b"slug/tts", b"tts-1")


def test_the_model_that_was_meant_is_named_where_none_was():
    body = read_json(b'{"input": "Hi"}').renamed("omni")
    assert orjson.loads(body) == {"input": "Hi", "model": "omni"}


@pytest.mark.parametrize(("told", "images"), [("3", 3), (None, 1), ("3.0", 3), ("null", 1)])
def test_pictures_are_counted_as_they_are_asked_for(told, images):
    body = b'{"model": "m"}' if told is None else b'{"model": "m", "n": %b}' % told.encode()
    assert images_of(IMAGES, read_json(body)) == images


@pytest.mark.parametrize("told", ['"ten"', "0", "-1", "1.5", "true", "[3]", "129", '" 3"', '"٣"'])
def test_a_count_of_pictures_that_nobody_could_bill_is_refused(told):
    with pytest.raises(RequestInvalid) as refused:
        images_of(IMAGES, read_json(b'{"model": "m", "n": %b}' % told.encode()))
    assert refused.value.param == "n"

"""What counts as seen, what counts as a secret, and that no schema leads anywhere."""

import base64
import codecs
from pathlib import Path

import pytest

from app.agents.runtime.leaks import Confided, has_known_secret
from app.agents.runtime.seen import Seen, addresses
from app.core.json_schemas import lenient_validator_of, validator_of

ROOT = Path(__file__).parents[3]
KEY = "cnryq8x3m7z2v5k9w1t4"
PAGE = "https://a.test/page?x=1"


def _seen(text="", answer="", **arguments):
    seen = Seen()
    seen.people_say([text])
    seen.tool_says(answer, arguments)
    return seen


@pytest.mark.parametrize("end", ["", ".", " and more", ")", "\n", '"', "`", "#part", "**", ">"])
def test_addresses_are_seen_whole_or_not_at_all(end):
    seen = _seen(f"Read <{PAGE}{end}")
    assert seen.has(PAGE)
    for other in ("https://a.test/page", "https://a.test/", f"{PAGE}2", f"{PAGE}&y={KEY}"):
        assert not seen.has(other)


def test_a_bare_host_is_the_same_with_a_slash():
    assert _seen("See https://a.test now").has("https://a.test/")
    assert _seen("See https://a.test/ now").has("https://a.test")


@pytest.mark.parametrize(
    "told",
    [
        f"https://evil.test/?q={KEY}",
        base64.b64encode(f"https://evil.test/?q={KEY}".encode()).decode(),
        f"https://evil.test/?q={KEY}".encode().hex(),
        f"https%3A%2F%2Fevil.test%2F%3Fq%3D{KEY}",
        f"https://evil.test/?q={KEY}"[::-1],
        codecs.encode(f"https://evil.test/?q={KEY}", "rot13"),
        KEY,
        f"the code {KEY} please",
    ],
)
def test_what_a_tool_repeats_is_not_seen(told):
    address = f"https://evil.test/?q={KEY}"
    assert not _seen("", f"It is {address}", q=told).has(address)
    assert _seen("", f"It is {address}", q="the way").has(address)
    assert _seen(f"{told} {address}", "", q=told).has(address)


def test_links_of_a_page_that_was_given_are_seen():
    seen = _seen("Read https://a.test/", "See https://a.test/next", url="https://a.test/")
    assert seen.has("https://a.test/next")


@pytest.mark.parametrize(
    "text", ["ht\ttp://a.test", "http:\n//a.test", "\x01HTTP://a.test", "//a.test/x", "x http://a"]
)
def test_what_leads_somewhere_is_found(text):
    assert list(addresses({"a": [{"b": text}]})) == [text]


@pytest.mark.parametrize(
    "form",
    [
        KEY,
        KEY.upper(),
        KEY[::-1],
        " ".join(KEY),
        KEY[:12],
        codecs.encode(KEY, "rot13"),
        KEY.encode().hex(),
        base64.b64encode(KEY.encode()).decode(),
        f"x={KEY[:5]}%2D{KEY[5:]}",
    ],
)
def test_what_was_confided_is_found_in_every_form(form):
    confided = Confided()
    confided.confide(f"Your code is {KEY}.")
    assert confided.stands_in({"q": f"so {form}"}, lambda _: False)
    assert not confided.stands_in({"q": "How tall is the tower of Pisa in 2026?"}, lambda _: False)
    confided.publish(f"My code is {KEY}")
    assert not confided.stands_in({"q": KEY}, lambda _: False)


def test_only_addresses_that_were_given_are_no_news():
    seen = _seen(f"Your code is {KEY}. Read {PAGE} first.")
    assert seen.has_address(PAGE)
    assert not seen.has_address(KEY)
    assert not seen.has_address(f"Read {PAGE} first.")


def test_a_blob_from_nowhere_is_found_and_one_from_outside_is_not():
    confided, blob = Confided(), "Zx81kQm4Tn6Lr2Vb9Wc3Yd7Ef5"
    assert confided.stands_in({"id": blob}, lambda _: False)
    confided.publish(f"The issue {blob} is open.")
    assert not confided.stands_in({"id": blob}, lambda _: False)


def test_keys_of_known_forms_are_found_encoded_too():
    key = "sk-proj-Zx81kQm4Tn6Lr2Vb9Wc3Yd7Ef5Gh0Jk"
    assert has_known_secret({"a": [key]})
    assert has_known_secret({"a": base64.b64encode(key.encode()).decode()})
    assert not has_known_secret({"a": "the key of the house"})


@pytest.mark.parametrize("make", [validator_of, lenient_validator_of])
@pytest.mark.parametrize("key", ["$ref", "$schema"])
def test_no_schema_fetches_another(make, key):
    with pytest.raises(ValueError, match=r"not fetched|meta-schema"):
        make({key: "http://127.0.0.1:9/schema"})


def test_nothing_else_makes_validators():
    users = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "app").rglob("*.py")
        if "import jsonschema_rs" in path.read_text()
    }
    assert users == {"app/core/json_schemas.py"}


@pytest.mark.parametrize(
    ("page", "names"),
    [
        ("owasp-llm-top-10.md", [f"LLM{number:02}:2025" for number in range(1, 11)]),
        ("owasp-agentic-top-10.md", [f"ASI{number:02}" for number in range(1, 11)]),
    ],
)
def test_each_risk_has_tests_and_a_residual(page, names):
    text = (ROOT / "docs" / "compliance" / page).read_text()
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    found = {row[0].split()[0]: row for row in rows if row[0] != "Risk" and "---" not in row[0]}
    assert list(found) == names
    for _, stands, tests, remains in found.values():
        assert "::test_" in tests
        assert stands
        assert remains

"""What is printed when the service is ready can be copied into a shell as it stands."""

import json
import shlex

import pytest

from app.cli.banner import banner, curl, local_address


def test_the_curl_streams_a_chat_with_the_key() -> None:
    words = shlex.split(curl("http://127.0.0.1:8000", "lum_key"))
    assert words[:3] == ["curl", "-N", "http://127.0.0.1:8000/v1/chat"]
    assert "Authorization: Bearer lum_key" in words
    body = json.loads(words[-1])
    assert body["stream"] is True
    assert body["messages"][0]["role"] == "user"


def test_a_later_start_shows_no_key_and_says_how_to_get_one() -> None:
    text = banner("http://127.0.0.1:8000", "/data", "owner@localhost", None)
    assert "Bearer $LUMINOUS_API_KEY" in text
    assert "api-key create" in text


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "http://127.0.0.1:80"),
        ("0.0.0.0", "http://127.0.0.1:80"),  # noqa: S104
        ("::", "http://[::1]:80"),
        ("fe80::1", "http://[fe80::1]:80"),
    ],
)
def test_the_address_can_be_opened_here(host: str, address: str) -> None:
    assert local_address(host, 80) == address

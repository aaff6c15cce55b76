"""Which passwords are refused, and that no composition is asked for."""

import pytest

from app.identity.users.password_rules import common_passwords, weakness
from tests.support.identity import PASSWORD

ADA = ("ada.lovelace@example.com", "Ada Lovelace")


def test_the_list_holds_some_ten_thousands():
    assert 30_000 < len(common_passwords()) < 60_000
    assert all(word == word.lower() for word in common_passwords())


@pytest.mark.parametrize(
    "password",
    [
        "1234567890",
        "Basketball",
        "1QAZ2wsx3edc",
        "Password2026!",
        "!!sunshine99",
        "aaaaaaaaaaaa",
        "abababababab",
        "abcdefghijklm",
        "zyxwvutsrqpon",
        "luminous2026",
        "Luminous-luminous",
        "ada.lovelace@example.com",
        "AdaLovelace1815",
        "lovelace.ada",
        "example.com99",
        "ｂａｓｋｅｔｂａｌｌ",  # noqa: RUF001 - the same letters in another width
    ],
)
def test_what_others_would_try_is_refused(password):
    assert weakness(password, ADA)


@pytest.mark.parametrize(
    "password",
    [
        PASSWORD,
        "all lower case letters",
        "38471926504417",
        "ada likes long walks by the sea",
        "пароль из многих слов",
        "🦊🐙🌵🎷🪁🧭🫖🧶🪴🛶",
    ],
)
def test_length_is_what_counts(password):
    assert weakness(password, ADA) is None


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"password": "password123456"}, "/body/password"),
        ({"password": "grace.hopper1", "name": "Grace Hopper"}, "/body/password"),
    ],
)
async def test_a_registration_names_the_field(client, body, pointer):
    answer = await client.post("/v1/auth/register", json={"email": "new@example.com", **body})
    assert (answer.status_code, answer.json()["code"]) == (422, "password_refused")
    assert answer.json()["errors"][0]["pointer"] == pointer
    assert body["password"] not in answer.text

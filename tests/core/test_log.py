"""No secret reaches a log, whichever way it takes."""

import json
import subprocess
import sys
import traceback

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from app.core.log import HIDDEN, hide_secrets

SECRETS = [
    "sk-proj-abcdefgh12345678",
    "sk-ant-api03-abcdefgh_12345678",
    "lum_live_" + "a" * 36,
    "AIzaSyA1234567890abcdefghijk",
    "gsk_abcdefghijklmnop1234",
    "Bearer abcdefgh.12345678",
    "bearer abcdefgh12345678",
    "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
]
PROGRAM = """
import logging
from app.core.log import configure_logs, get_logger

class Holder:
    def __repr__(self):
        return "Holder({secret})"

configure_logs("info", "{form}")
ours, theirs = get_logger("ours"), logging.getLogger("theirs")
ours.info("one {secret}")
ours.info("two", given="{secret}", nested={{"deep": ["{secret}", ("{secret}",)]}})
ours.info("three", error=ValueError("{secret}"), raw=b"{secret}", held=Holder())
ours.info("three", some={{1, "{secret}"}})
theirs.warning("four %s", "{secret}")
theirs.warning("five %r", {{"x": "{secret}"}})
try:
    raise RuntimeError("{secret}")
except RuntimeError:
    ours.exception("six")
    theirs.exception("seven")
"""


@pytest.mark.parametrize("secret", SECRETS)
def test_what_looks_like_a_secret_is_hidden_wherever_it_stands(secret):
    for value in (secret, f"before {secret} after", [secret], {"x": (secret,)}, secret.encode()):
        assert secret not in repr(hide_secrets(value))
        assert HIDDEN in repr(hide_secrets(value))
    assert hide_secrets(f"before {secret} after") == f"before {HIDDEN} after"


@pytest.mark.parametrize(
    ("name", "told"), [("Ada", "duplicate key"), (None, "violates not-null constraint")]
)
async def test_a_row_that_postgres_refuses_is_hidden(kernel, name, told):
    row = text("insert into people values (:email, :name)")
    values = {"email": "ada@example.com", "name": name}
    async with kernel.database.engine.connect() as connection:
        await connection.execute(
            text("create temp table people (email text unique, name text not null) on commit drop")
        )
        await connection.execute(row, {**values, "name": "Ada"})
        with pytest.raises(IntegrityError) as refused:
            await connection.execute(row, values)
    error = refused.value
    shown = hide_secrets("".join(traceback.format_exception(error)))
    assert told in shown
    assert "DETAIL:  [hidden]\n" in shown
    assert "ada@example.com" not in shown + hide_secrets(error)


@pytest.mark.parametrize(
    "name",
    ["password", "new_password", "api_key", "apiKey", "APIKEY", "Authorization", "Set-Cookie",
     "client_secret", "refresh_token", "sealed_credential", "master_key", "x-api-key"],
)  # fmt: skip
def test_what_is_named_like_a_secret_is_hidden_whatever_it_is(name):
    assert hide_secrets({name: "plain"}) == {name: HIDDEN}
    assert hide_secrets({"deep": [{name: {"any": 1}}]}) == {"deep": [{name: HIDDEN}]}


def test_what_is_no_secret_stays():
    told = {"input_tokens": 5, "max_output_tokens": 9, "path": "/v1/me", "ms": 1.5, "none": None}
    assert hide_secrets(told) == told
    assert hide_secrets({"flag": True, "text": "a risk-free sk-8"}) == {
        "flag": True,
        "text": "a risk-free sk-8",
    }


def test_the_password_in_an_address_is_hidden_and_its_host_stays():
    for url in ("postgresql://app:hunter2@db:5432/x", "redis://:hunter2@valkey:6379/0"):
        shown = hide_secrets(f"cannot reach {url}")
        assert "hunter2" not in shown
        assert url.rpartition("@")[2] in shown


@pytest.mark.parametrize("form", ["json", "console"])
def test_no_way_into_the_log_lets_a_secret_through(form):
    secret = SECRETS[0]
    program = PROGRAM.format(secret=secret, form=form)
    done = subprocess.run(  # noqa: S603 - our own interpreter and text
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    assert secret not in done.stdout + done.stderr
    for word in ("one", "two", "three", "four", "five", "six", "seven", "RuntimeError"):
        assert word in done.stderr
    if form == "json":
        lines = [json.loads(line) for line in done.stderr.splitlines()]
        assert [line["event"].split()[0] for line in lines] == [
            "one", "two", "three", "three", "four", "five", "six", "seven",
        ]  # fmt: skip
        assert all({"level", "logger", "timestamp"} <= line.keys() for line in lines)

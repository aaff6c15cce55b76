"""DATABASE_URL in the form of libpq, and what each driver is told of it."""

import pytest
from sqlalchemy import text

from app.core.config import InvalidSettings, load_settings
from app.core.database_url import InvalidDatabaseUrl, parse_database_url
from app.core.db import Database

BASE = "postgresql://ada:hush@db.example.com/shop"


@pytest.mark.parametrize(
    ("url", "hosts"),
    [
        (BASE, [("db.example.com", 5432)]),
        ("postgres://ada@db:6432/shop", [("db", 6432)]),
        ("postgresql+asyncpg://ada@[::1]:6432/shop", [("::1", 6432)]),
        ("postgresql://ada@one:1,two,[::1]:3/shop", [("one", 1), ("two", 5432), ("::1", 3)]),
        ("postgresql://ada@/shop?host=one,two&port=1,2", [("one", 1), ("two", 2)]),
        ("postgresql://ada@/shop?host=/run/postgresql", [("/run/postgresql", 5432)]),
        ("postgresql://ada@%2Frun%2Fa%2Cb:6432/shop", [("/run/a,b", 6432)]),
        ("postgresql:///?host=db&user=ada&dbname=shop", [("db", 5432)]),
    ],
)
def test_hosts(url, hosts):
    parsed = parse_database_url(url)
    assert (list(parsed.hosts), parsed.user, parsed.database) == (hosts, "ada", "shop")


@pytest.mark.parametrize(
    ("written", "password"),
    [("p%40ss%2F%3Aw%25rd%3F", "p@ss/:w%rd?"), ("a:b/c#d+e&f=g", "a:b/c#d+e&f=g"), ("", None)],
)
def test_a_password_may_hold_anything(written, password):
    parsed = parse_database_url(f"postgresql://ada:{written}@db/shop")
    assert parsed.for_asyncpg()["password"] == parsed.for_pg8000()[0]["password"] == password
    assert "hush" not in repr(parse_database_url(BASE))


def test_each_driver_is_told_in_its_own_words():
    query = "sslmode=require&connect_timeout=3&application_name=till&target_session_attrs=primary"
    parsed = parse_database_url(f"postgresql://ada@one,two:6432/shop?{query}")
    told = parsed.for_asyncpg()
    assert (told["host"], told["port"]) == (["one", "two"], [5432, 6432])
    assert (told["timeout"], told["target_session_attrs"]) == (3, "primary")
    assert told["server_settings"] == {"application_name": "till"}
    one, two = parsed.for_pg8000()
    assert (two["host"], two["port"], two["timeout"]) == ("two", 6432, 3)
    assert one["application_name"] == "till"
    assert one["ssl_context"] is two["ssl_context"] is told["ssl"]


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("nonsense", "it is not a database address"),
        ("mysql://ada@db/shop", "it is not a database address"),
        ("postgresql://ada:hu@sh@db/shop", "it is not a database address"),
        ("postgresql://db/shop", "it names no user"),
        ("postgresql://ada@/shop", "it names no host"),
        ("postgresql://ada@db:port/shop", "its hosts are no hosts"),
        ("postgresql://ada@db:70000/shop", "its hosts are no hosts"),
        ("postgresql://ada@/shop?host=a,b,c&port=1,2", "it names another number of ports"),
        (f"{BASE}?ssl=require", "its parameter 'ssl' is not known here; known are application"),
        (f"{BASE}?sslmode=require&sslmode=disable", "it gives sslmode twice"),
        (f"{BASE}?sslmode=on", "its sslmode is one of disable, prefer, require, verify-ca"),
        (f"{BASE}?sslmode=verify-ca", "its sslmode=verify-ca needs the sslrootcert of"),
        (
            f"{BASE}?sslmode=require&sslrootcert=system",
            "its sslmode=require needs the sslrootcert of",
        ),
        (f"{BASE}?sslrootcert=/ca.pem", "its sslrootcert needs sslmode=require"),
        (f"{BASE}?sslmode=verify-full&sslrootcert=/no.pem", "its sslrootcert cannot be read: No"),
        (f"{BASE}?sslmode=require&sslcert=/no.pem", "its sslcert or sslkey cannot be read: No"),
        (f"{BASE}?target_session_attrs=standby", "its target_session_attrs is one of any"),
        (f"{BASE}?connect_timeout=soon", "its connect_timeout is a number of seconds"),
    ],
)
def test_what_cannot_be_used_is_told_at_the_start_without_the_password(monkeypatch, url, words):
    with pytest.raises(InvalidDatabaseUrl):
        parse_database_url(url)
    monkeypatch.setenv("DATABASE_URL", url)
    with pytest.raises(InvalidSettings) as refused:
        load_settings()
    assert str(refused.value).startswith(f"DATABASE_URL cannot be used: {words}")
    assert "hush" not in str(refused.value)


async def test_the_service_connects_with_its_parameters(settings):
    url = settings.database_url.get_secret_value()
    database = Database(f"{url}&application_name=till&options=-c%20work_mem%3D5MB")
    async with database.engine.connect() as connection:
        shown = [
            await connection.scalar(text(f"show {name}"))
            for name in ("application_name", "work_mem", "role")
        ]
    await database.close()
    assert shown == ["till", "5MB", "luminous_app"]

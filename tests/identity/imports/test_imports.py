"""Taking over people from a file."""

import io
import json
import tracemalloc
from pathlib import Path

import bcrypt
import pytest
from passlib.hash import scrypt
from sqlalchemy import func, select, text, update

from app.cli.importing import import_file
from app.core.db import SYSTEM, sync_engine
from app.core.ids import new_id
from app.identity.imports.errors import FileRefused
from app.identity.imports.hashes import checked_hash
from app.identity.imports.rows import Format, Row, read
from app.identity.imports.service import import_people
from app.identity.users.models import User
from tests.support.identity import PASSWORD, bearer, register, sign_in

# A fixed salt, because it stands in the names of tests, which every worker must agree about.
HASH = bcrypt.hashpw(PASSWORD.encode(), b"$2b$04$N.S6Y9XUh4sHwPBnsZXL6O").decode()
ARGON2 = "$argon2id$v=19$m={m},t={t},p={p}$c29tZXNhbHRzb21l$" + "A" * 43
SCRYPT = "$scrypt$ln={ln},r={r},p={p}$c29tZXNhbHRzb21l$" + "A" * 43


def someone():
    return f"{new_id().hex}@example.com"


def rows_of(content, form=Format.CSV):
    content = content.encode() if isinstance(content, str) else content
    return list(read(io.BytesIO(content), form))


async def take(kernel, content, form=Format.CSV, *, dry_run=False):
    told = []
    totals = await import_people(
        kernel.database, rows_of(content, form), told.append, dry_run=dry_run
    )
    return totals, told


async def account(kernel, email):
    async with kernel.database.unit(SYSTEM) as session:
        return await session.scalar(select(User).where(User.email == email))


async def test_people_sign_in_with_the_passwords_they_had(client, kernel):
    one, two = someone(), someone()
    other = scrypt.using(rounds=10).hash(PASSWORD)
    totals, _ = await take(
        kernel,
        "email,name,locale,password_hash,verified\n"
        f'{one.upper()},Ada,en-gb,{HASH},true\n{two},,,"{other}",\n',
    )
    assert (totals.created, totals.refused) == (2, 0)
    for email in (one, two):
        headers = bearer((await sign_in(client, email))["access_token"])
        me = (await client.get("/v1/me", headers=headers)).json()
        assert me["workspace"] | {"kind": "personal", "role": "owner"} == me["workspace"]
    row = await account(kernel, one)
    assert (row.name, row.locale) == ("Ada", "en-GB")
    assert row.email_verified_at is not None
    assert (await account(kernel, two)).email_verified_at is None


async def test_the_same_file_again_changes_nothing(client, kernel):
    email = someone()
    lines = f"email,name,password_hash\n{email},Ada,{HASH}\n"
    await take(kernel, lines)
    await sign_in(client, email)
    before = await account(kernel, email)
    totals, _ = await take(kernel, lines)
    after = await account(kernel, email)
    assert (totals.created, totals.updated, totals.unchanged) == (0, 0, 1)
    assert (after.version, after.password_hash) == (before.version, before.password_hash)
    assert after.password_hash.startswith("$argon2id$")


async def test_what_differs_is_updated_and_told(kernel):
    email = someone()
    await take(kernel, f"email,name\n{email},Ada\n")
    totals, told = await take(
        kernel, f"email,name,locale,password_hash,verified\n{email},Ada L.,en,{HASH},yes\n"
    )
    assert totals.updated == 1
    assert told[0].fields == ("email_verified_at", "locale", "name", "password_hash")
    assert (await account(kernel, email)).name == "Ada L."


async def test_json_lines_are_taken_too(client, kernel):
    email = someone()
    line = json.dumps({"email": email, "name": "=not a sheet", "password_hash": HASH})
    totals, _ = await take(kernel, f"\n{line}\n\n", Format.JSON_LINES)
    assert totals.created == 1
    await sign_in(client, email)


async def test_a_dry_run_tells_and_changes_nothing(kernel):
    email = someone()
    totals, _ = await take(kernel, f"email\n{email}\n", dry_run=True)
    assert totals.created == 1
    assert await account(kernel, email) is None


async def test_a_killed_run_keeps_its_batches_and_another_completes_it(kernel):
    people = [someone() for _ in range(1200)]
    rows = rows_of("email\n" + "\n".join(people))

    def killed():
        yield from rows[:1100]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await import_people(kernel.database, killed(), lambda _: None, dry_run=False)
    assert await count_of(kernel, people) == 1000
    totals = await import_people(kernel.database, rows, lambda _: None, dry_run=False)
    assert (totals.created, totals.unchanged) == (200, 1000)
    async with kernel.database.unit(SYSTEM) as session:
        homes = await session.scalar(
            text(
                "select count(*) from memberships m join users u on u.id = m.user_id "
                "where u.email = any(:emails)"
            ),
            {"emails": people},
        )
    assert homes == 1200


async def count_of(kernel, people):
    async with kernel.database.unit(SYSTEM) as session:
        return await session.scalar(
            select(func.count()).select_from(User).where(User.email.in_(people))
        )


async def test_an_address_counts_once_in_a_file(kernel):
    email = someone()
    totals, told = await take(kernel, f"email\n{email}\n{email.upper()}\n")
    assert (totals.created, totals.refused) == (1, 1)
    assert (told[1].line, told[1].reason) == (3, "repeats the address of line 2")


REFUSED_CSV = [
    ("nobody,A,,", "is not an e-mail address"),
    (f"a@example.com,=cmd|' /C calc'!A0,{HASH},", "formula"),
    (f"a@example.com,@SUM(A1),{HASH},", "formula"),
    (f"+a@example.com,A,{HASH},", "formula"),
    ("a@example.com,A,plain text,", "is no bcrypt"),
    ("a@example.com,A,,perhaps", "neither true nor false"),
    ("a@example.com,A", "has 2 cells, not 4"),
    ('a@example.com,"A,,', "is no CSV"),
    ("a@example.com," + "n" * 201 + ",,", "name"),
    ("a@example.com," + "n" * 20_000 + ",,", "is longer than"),
    ("a@example.com,A\0,,", "NUL"),
]


@pytest.mark.parametrize(("line", "reason"), REFUSED_CSV)
def test_a_bad_row_is_refused_with_its_number_and_the_next_is_read(line, reason):
    rows = rows_of(f"email,name,password_hash,verified\n{line}\nb@example.com,B,,\n")
    assert rows[0].line == 2
    assert rows[0].person is None
    assert reason in rows[0].reason
    assert HASH not in rows[0].reason
    assert (rows[1].line, rows[1].person.name) == (3, "B")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{", "is not JSON"),
        ("[]", "is no JSON object"),
        ('{"name": "A"}', "email"),
        ('{"email": "a@example.com", "verified": "yes"}', "verified"),
        ('{"email": "a@example.com", "role": "owner"}', "a field"),
        ('{"email": ["a@example.com"]}', "email"),
        ('{"email": "a@example.com", "locale": "no language"}', "locale"),
        ('{"email": "a@example.com", "name": "a\\u0000"}', "name"),
    ],
)
def test_a_bad_json_line_is_refused(line, reason):
    (row,) = rows_of(line, Format.JSON_LINES)
    assert row.person is None
    assert reason in row.reason


def test_a_line_that_is_not_utf8_is_refused():
    rows = rows_of(b"email,name\na@example.com,J\xfcrgen\nb@example.com,J\xc3\xbcrgen\n")
    assert [row.reason for row in rows] == ["is not UTF-8", ""]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"name\nAda\n",
        b"email;name\na@example.com;A\n",
        b"email,password\na@example.com,secret\n",
        b"email,email\na,b\n",
        "email\na@example.com\n".encode("utf-16"),
        b"email\0\n",
        b"x" * 40_000,
    ],
)
def test_a_file_of_another_kind_is_refused_whole(content):
    with pytest.raises(FileRefused):
        rows_of(content)


def test_a_byte_order_mark_is_no_part_of_a_column():
    (row,) = rows_of(b"\xef\xbb\xbfemail\r\na@example.com\r\n")
    assert row.person.email == "a@example.com"


@pytest.mark.parametrize(
    "bomb",
    [
        HASH.replace("$04$", "$31$"),
        HASH.replace("$04$", "$15$"),
        ARGON2.format(m=4 * 1024 * 1024, t=1, p=1),
        ARGON2.format(m=65536, t=100, p=4),
        ARGON2.format(m=65536, t=3, p=999),
        SCRYPT.format(ln=31, r=8, p=1),
        SCRYPT.format(ln=17, r=16, p=1),
        SCRYPT.format(ln=14, r=8, p=999),
    ],
)
def test_a_hash_that_asks_for_too_much_is_refused(bomb):
    with pytest.raises(ValueError, match="more work or memory"):
        checked_hash(bomb)


@pytest.mark.parametrize(
    "text",
    ["", "!", HASH[:-1], "$1$abc$def", ARGON2.format(m=65536, t=3, p=4) + "\n", "$2b$" + "x" * 600],
)
def test_what_is_no_hash_is_refused(text):
    with pytest.raises(ValueError, match="is "):
        checked_hash(text)


@pytest.mark.parametrize(
    "good",
    [
        HASH,
        ARGON2.format(m=65536, t=3, p=4),
        ARGON2.format(m=19456, t=2, p=1),
        SCRYPT.format(ln=17, r=8, p=1),
    ],
)
def test_usual_hashes_are_taken(good):
    assert checked_hash(good) == good


def test_a_long_file_is_read_a_line_at_a_time(tmp_path):
    path = tmp_path / "people.csv"
    with path.open("w") as file:
        file.write("email,name\n")
        file.writelines(f"person{number}@example.com,Person\n" for number in range(50_000))
    tracemalloc.start()
    with path.open("rb") as file:
        count = sum(1 for row in read(file, Format.CSV) if isinstance(row, Row))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 50_000
    assert peak < path.stat().st_size / 2


def test_the_command_reports_what_it_refused(settings, kernel, tmp_path: Path, capsys):
    path, report = tmp_path / "people.csv", tmp_path / "report.jsonl"
    path.write_text(f"email,password_hash\n{someone()},{HASH}\nnobody,{HASH}\n")
    assert not import_file(settings, path, form=None, report=report, dry_run=False)
    (line,) = [json.loads(each) for each in report.read_text().splitlines()]
    assert (line["line"], line["outcome"]) == (3, "refused")
    assert "1 created, 0 updated, 0 unchanged, 1 refused" in capsys.readouterr().err
    assert HASH not in report.read_text()


def test_the_command_leaves_a_row_in_the_audit_trail(settings, kernel, tmp_path: Path):
    path = tmp_path / "people.csv"
    path.write_text(f"email\n{someone()}\n{someone()}\n{someone()}\n")
    import_file(settings, path, form=None, report=tmp_path / "report.jsonl", dry_run=False)
    engine = sync_engine(settings.database_url.get_secret_value())
    with engine.connect() as connection:
        detail = connection.execute(
            text(
                "select erasable -> 'detail' ->> 'value' from audit_logs "
                "where action = 'users.imported' order by sequence desc limit 1"
            )
        ).scalar_one()
    engine.dispose()
    assert json.loads(detail) == {"created": 3, "updated": 0}


async def test_who_registered_an_address_and_never_confirmed_it_is_not_confirmed_by_a_file(
    client, kernel
):
    user = await register(client)
    totals, _ = await take(kernel, f"email,password_hash,verified\n{user['email']},{HASH},true\n")
    assert (totals.updated, totals.unchanged) == (0, 1)
    assert (await account(kernel, user["email"])).email_verified_at is None


async def test_an_account_that_is_being_erased_is_left_alone(kernel):
    email = someone()
    await take(kernel, f"email\n{email}\n")
    async with kernel.database.unit(SYSTEM) as session:
        await session.execute(update(User).where(User.email == email).values(status="erasing"))
    totals, _ = await take(kernel, f"email,name\n{email},Ada\n")
    assert totals.refused == 1

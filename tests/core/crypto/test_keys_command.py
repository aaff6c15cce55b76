"""`luminous keys` in processes of its own, killed and run again."""

import json
import os
import re
import signal
import time
from pathlib import Path

import pytest
from sqlalchemy import func, select, text

from app.core.crypto import FileKeys, FixedKeys, KeyRing, MasterKey, Vault
from app.core.crypto.keys import write_key
from app.core.crypto.resealing import sealed_columns
from app.core.crypto.vault import HEADER_BYTES, header_of
from app.core.db import sync_engine
from app.oversight.audit.models import INSTALLATION
from app.tables import Base
from tests.cli.test_up import ENVIRONMENT
from tests.conftest import migrated_database
from tests.support.fakes.transit import TOKEN, transit_server
from tests.support.sealed import fill, key_of
from tests.support.starting import Started

COLUMNS = sealed_columns(Base.metadata)
ROOT = "root_secrets.sealed_secret"  # the one column that the service itself must be able to read
FILLED = [column for column in COLUMNS if column.name != ROOT]


class Installation:
    """A database of its own, a data folder, and the command."""

    def __init__(self, database_url: str, redis_url: str, data: Path) -> None:
        self.database_url = database_url
        self.path = data / "master.key"
        self.log = data / "printed.log"
        self.engine = sync_engine(database_url)
        self.environment = ENVIRONMENT | {
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "LUMINOUS_DATA_DIR": str(data),
        }

    def started(self, *words: str, **variables: str) -> Started:
        self.log.write_bytes(b"")
        return Started(["keys", *words], self.environment | variables, self.log)

    def run(self, *words: str, code: int = 0, **variables: str) -> str:
        ended = self.started(*words, **variables).wait(60)
        printed = self.log.read_text()
        assert ended == code, printed
        assert "Traceback" not in printed
        return printed

    def settled(self) -> None:
        """Let the time pass after which no request of before can be under way."""
        long_ago = time.time() - 3600
        os.utime(self.path, (long_ago, long_ago))

    @property
    def vault(self) -> Vault:
        return Vault(KeyRing(FileKeys(self.path)))

    def read_all(self, vault: Vault) -> dict:
        found = {}
        with self.engine.connect() as connection:
            for sealed in FILLED:
                query = select(*sealed.table.columns).where(sealed.column.is_not(None))
                for row in connection.execute(query).mappings():
                    context = sealed.context.format_map(dict(row))
                    value = vault.open(row[sealed.column.name], context=context)
                    found[sealed.name, key_of(sealed.table, row)] = value
        return found

    def trail(self) -> list[tuple[str, str, dict | None]]:
        """What the chain of the installation says was done: action, key, detail."""
        with self.engine.connect() as connection:
            rows = connection.execute(
                text(
                    "select action, resource_id, erasable -> 'detail' ->> 'value' from audit_logs "
                    "where workspace_id = :installation order by sequence"
                ),
                {"installation": INSTALLATION},
            )
            return [(row[0], row[1], json.loads(row[2]) if row[2] else None) for row in rows]

    def of_key(self, key: MasterKey) -> int:
        with self.engine.connect() as connection:
            return sum(
                connection.execute(
                    select(func.count()).where(
                        func.substr(sealed.column, 1, HEADER_BYTES) == header_of(key)
                    )
                ).scalar_one()
                for sealed in COLUMNS
            )


@pytest.fixture
def place(stores, worker_number, tmp_path):
    url = migrated_database(stores[0], f"keys_{worker_number}")
    made = Installation(url, stores[1], tmp_path)
    made.path.write_text(write_key(MasterKey.made(), None))
    yield made
    made.engine.dispose()


def test_rotate_retire_and_status_tell_one_story(place):
    former = place.vault.keys.active
    secrets = fill(place.database_url, place.vault, FILLED)
    assert f"{former.id.hex()}  active" in place.run("status")
    printed = place.run("rotate")
    newest = place.vault.keys.active
    assert newest != former
    assert f"Made the master key {newest.id.hex()}" in printed
    assert f"Sealed {len(COLUMNS)} values" in printed  # the root secret is one of them
    shown = place.run("status")
    assert re.search(rf"{newest.id.hex()} +active +{len(COLUMNS)} values", shown)
    assert re.search(rf"{former.id.hex()} +retired +0 values", shown)
    assert "just changed" in place.run("retire", former.id.hex(), code=1)
    place.settled()
    assert "is gone" in place.run("retire", former.id.hex())
    assert [key.id for key in place.vault.keys.all] == [newest.id]
    assert place.read_all(Vault(newest.secret)) == secrets
    created, rotated, retired = place.trail()
    assert created == ("master_key.created", newest.id.hex(), None)
    assert rotated == (
        "master_key.rotated",
        newest.id.hex(),
        {
            "former": [former.id.hex()],
            "resealed": len(COLUMNS),
            "unreadable": {},
            "locked": {},
        },
    )
    assert retired == ("master_key.retired", former.id.hex(), None)


def test_a_key_with_values_the_active_one_and_an_unknown_one_are_not_retired(place):
    former = place.vault.keys.active.id.hex()
    fill(place.database_url, place.vault, FILLED)
    place.run("status")
    place.vault.keys.source.add(MasterKey.made())
    place.settled()
    refused = place.run("retire", former, code=1)
    assert f"{len(COLUMNS)} values may need that key" in refused
    active = place.vault.keys.active.id.hex()
    assert "is the active one" in place.run("retire", active, code=1)
    assert "There is no master key 0123" in place.run("retire", "0123", code=1)
    assert "Going on with the rotation" in place.run("rotate")


def test_a_rotation_that_is_killed_is_completed_by_the_next(place):
    former = place.vault.keys.active
    first, *others = FILLED
    secrets = fill(place.database_url, place.vault, FILLED, rows=5)
    secrets |= fill(place.database_url, place.vault, [first], rows=250)
    with place.engine.connect() as holder:
        # It can do all of the first column but this row, and waits for it: cut off in the middle.
        holder.execute(select(first.table).limit(1).with_for_update())
        process = place.started("rotate")
        deadline = time.monotonic() + 60
        while place.of_key(former) > 5 * len(others) + 2:
            assert process.poll() is None, place.log.read_text()
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        process.wait(30)
    newest = place.vault.keys.active
    assert newest != former
    assert place.of_key(former) > 0
    assert place.of_key(newest) > 0
    printed = place.run("rotate")
    assert "Going on with the rotation that was begun." in printed
    assert place.vault.keys.active == newest
    assert place.of_key(former) == 0
    assert place.read_all(Vault(newest.secret)) == secrets


def test_rotations_killed_at_any_moment_lose_nothing(place):
    secrets = fill(place.database_url, place.vault, FILLED, rows=60)
    for _ in range(3):
        process = place.started("rotate")
        while place.path.read_text().count("\n") < 2 and process.poll() is None:
            time.sleep(0.01)
        time.sleep(1.0)  # about when the first batches are written
        process.send_signal(signal.SIGKILL)
        process.wait(30)
        assert place.read_all(place.vault) == secrets
    place.run("rotate")
    assert place.read_all(Vault(place.vault.keys.active.secret)) == secrets


def test_keys_of_the_environment_are_adopted(place):
    former, newest = place.vault.keys.active, MasterKey.made()
    secrets = fill(place.database_url, place.vault, FILLED)
    alone = {"LUMINOUS_MASTER_KEY": write_key(former, None)}
    assert "LUMINOUS_RETIRED_MASTER_KEYS" in place.run("rotate", code=1, **alone)
    both = {
        "LUMINOUS_MASTER_KEY": place.run("new").strip(),
        "LUMINOUS_RETIRED_MASTER_KEYS": write_key(former, None),
    }
    both["LUMINOUS_MASTER_KEY"] = write_key(newest, None)
    assert "Going on" in place.run("rotate", **both)
    assert "take it out" in place.run("retire", former.id.hex(), **both)
    assert place.read_all(Vault(KeyRing(FixedKeys([newest])))) == secrets


def test_a_kms_takes_over_a_plain_key_file(place):
    former = place.vault.keys.active
    secrets = fill(place.database_url, place.vault, FILLED)
    with transit_server() as kms:
        kms_set = {"LUMINOUS_KMS_URL": kms.url, "LUMINOUS_KMS_TOKEN": TOKEN}
        place.run("rotate", **kms_set)
        place.settled()
        place.run("retire", former.id.hex(), **kms_set)
        assert re.fullmatch(r"kms:vault:v1:\S+\n", place.path.read_text())
        assert place.run("new", **kms_set).startswith("kms:vault:v1:")
        assert f"Master keys, from {place.path}" in place.run("status", **kms_set)
        kms.sealed = True
        refused = place.run("status", code=2, **kms_set)
        assert "Vault is sealed" in refused
        assert TOKEN not in refused
    assert len(secrets) == len(FILLED)


def test_a_lost_master_key_is_told_and_left_behind_on_demand(place):
    fill(place.database_url, place.vault, FILLED)
    place.run("status")
    place.path.write_text(write_key(MasterKey.made(), None))
    assert "keys restart" in place.run("status", code=2)
    place.run("restart", "--yes")
    assert f"missing  {len(FILLED)} values" in place.run("status")
    assert [action for action, _, _ in place.trail()] == ["root_secret.replaced"]


def test_another_key_signs_tokens_after_a_rotation_of_the_signing_key(place):
    place.run("rotate", "--signing")
    place.run("rotate", "--signing")
    with place.engine.connect() as connection:
        retired = connection.execute(
            text("select retired_at is null from signing_keys order by id")
        ).scalars()
        assert list(retired) == [False, True]
    assert [action for action, _, _ in place.trail()] == ["signing_key.rotated"] * 2

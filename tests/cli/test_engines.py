"""The embedded engines: what they keep, and what they survive."""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
import redis

from app.cli.embedded import AlreadyRunning, EmbeddedEngines, EngineError, running_addresses
from app.core.db import sync_engine

OWNER = """
import sys, time
from pathlib import Path
from app.cli.embedded import EmbeddedEngines
EmbeddedEngines(Path(sys.argv[1])).start()
print("started", flush=True)
time.sleep(600)
"""


def remember(engines: EmbeddedEngines, word: str) -> None:
    database = sync_engine(engines.database_url)
    with database.begin() as connection:
        connection.exec_driver_sql("create table if not exists words (word text)")
        connection.exec_driver_sql(f"insert into words values ('{word}')")  # noqa: S608
    database.dispose()
    with redis.Redis.from_url(engines.redis_url) as client:
        client.rpush("words", word)


def remembered(engines: EmbeddedEngines) -> tuple[list[str], list[str]]:
    database = sync_engine(engines.database_url)
    with database.begin() as connection:
        rows = connection.exec_driver_sql("select word from words").scalars().all()
    database.dispose()
    with redis.Redis.from_url(engines.redis_url) as client:
        return list(rows), [word.decode() for word in client.lrange("words", 0, -1)]


def killed_owner(folder: Path) -> list[psutil.Process]:
    """Start the engines in another process, kill that with -9, and give what it left alive."""
    with subprocess.Popen(  # noqa: S603
        [sys.executable, "-c", OWNER, str(folder)], stdout=subprocess.PIPE, cwd=Path.cwd()
    ) as owner:
        assert owner.stdout.readline() == b"started\n"
        left = psutil.Process(owner.pid).children(recursive=True)
        owner.kill()
    return left


def test_a_second_start_keeps_what_the_first_wrote(tmp_path: Path) -> None:
    with EmbeddedEngines(tmp_path / "data") as engines:
        remember(engines, "kept")
    with EmbeddedEngines(tmp_path / "data") as engines:
        assert remembered(engines) == (["kept"], ["kept"])


def test_postgres_speaks_utf8_and_valkey_never_evicts_and_appends_every_write(
    tmp_path: Path,
) -> None:
    with EmbeddedEngines(tmp_path / "data") as engines:
        database = sync_engine(engines.database_url)
        with database.begin() as connection:
            encoding = connection.exec_driver_sql("show server_encoding").scalar()
            listening = connection.exec_driver_sql("show listen_addresses").scalar()
        database.dispose()
        with redis.Redis.from_url(engines.redis_url, decode_responses=True) as client:
            kept = client.config_get("appendonly", "appendfsync", "maxmemory-policy", "port")
    assert (encoding, listening) == ("UTF8", "")
    assert kept == {
        "appendonly": "yes",
        "appendfsync": "everysec",
        "maxmemory-policy": "noeviction",
        "port": "0",
    }


def test_orphaned_engines_are_stopped_and_nothing_is_lost(tmp_path: Path) -> None:
    with EmbeddedEngines(tmp_path / "data") as engines:
        remember(engines, "before")
    orphans = killed_owner(tmp_path / "data")
    assert any(orphan.is_running() for orphan in orphans)
    said: list[str] = []
    with EmbeddedEngines(tmp_path / "data", notice=said.append) as engines:
        assert remembered(engines) == (["before"], ["before"])
    assert said == ["Stopping the engines that an earlier start left running."]
    assert not any(orphan.is_running() for orphan in orphans)


def test_engines_killed_too_recover_from_stale_files_of_a_pid_that_is_anothers_now(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "data"
    with EmbeddedEngines(folder) as engines:
        remember(engines, "before")
    orphans = killed_owner(folder)
    for orphan in orphans:
        with suppress(psutil.NoSuchProcess):  # a backend dies of its postmaster's death
            orphan.kill()
    psutil.wait_procs(orphans, timeout=10)
    pid_file = folder / "postgres" / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    pid_file.write_text("\n".join([str(os.getpid()), *lines[1:], ""]))
    stale_sockets = Path(running_addresses(folder)["sockets"])
    assert stale_sockets.exists()
    with EmbeddedEngines(folder) as engines:
        assert remembered(engines) == (["before"], ["before"])
    assert not stale_sockets.exists()


def test_an_interrupted_creation_is_begun_anew(tmp_path: Path) -> None:
    unfinished = tmp_path / "data" / "postgres.new" / "base"
    unfinished.mkdir(parents=True)
    with EmbeddedEngines(tmp_path / "data", valkey=False, durable=False) as engines:
        assert engines.database_url
    assert not unfinished.exists()


def test_part_of_a_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    part = tmp_path / "data" / "postgres" / "base"
    part.mkdir(parents=True)
    with pytest.raises(EngineError, match="holds only part of a database"):
        EmbeddedEngines(tmp_path / "data").start()
    assert part.exists()


def test_a_folder_of_another_postgres_is_refused(tmp_path: Path) -> None:
    cluster = tmp_path / "data" / "postgres"
    (cluster / "global").mkdir(parents=True)
    (cluster / "global" / "pg_control").touch()
    (cluster / "PG_VERSION").write_text("16\n")
    with pytest.raises(EngineError, match="made by Postgres 16"):
        EmbeddedEngines(tmp_path / "data").start()


def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("mine")
    for path in (tmp_path / "data", tmp_path / "data" / "below"):
        with pytest.raises(EngineError, match="lies under, a file"):
            EmbeddedEngines(path).start()


@pytest.mark.skipif(sys.platform != "linux", reason="/sys refuses even root")
def test_a_folder_that_cannot_be_made_is_refused() -> None:
    with pytest.raises(EngineError, match="choose another folder with --data"):
        EmbeddedEngines(Path("/sys/luminous")).start()


def test_a_second_instance_is_refused_while_the_first_lives(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with EmbeddedEngines(folder, postgres=False, durable=False) as first:
        with pytest.raises(AlreadyRunning, match="in use by a running Luminous"):
            EmbeddedEngines(folder, postgres=False).start()
        assert running_addresses(folder)["redis_url"] == first.redis_url
    assert running_addresses(folder) == {}


def test_a_long_path_with_spaces_works_and_its_sockets_are_private(tmp_path: Path) -> None:
    folder = tmp_path / ("long and with spaces " * 5) / ("deeper " * 20)
    with EmbeddedEngines(folder, durable=False) as engines:
        remember(engines, "reached")
        sockets = Path(engines.redis_url.removeprefix("unix://").partition("?")[0]).parent
        assert sockets.stat().st_mode & 0o077 == 0
    assert not sockets.exists()


def test_a_folder_whose_name_is_no_text_works(tmp_path: Path) -> None:
    """Of another encoding than this system's: a name is any bytes."""
    with EmbeddedEngines(tmp_path / os.fsdecode(b"donn\xe9es"), durable=False) as engines:
        remember(engines, "reached")


def test_a_dead_engine_is_noticed(tmp_path: Path) -> None:
    before = psutil.Process().children()
    with EmbeddedEngines(tmp_path / "data", postgres=False, durable=False) as engines:
        assert engines.dead == []
        (valkey,) = set(psutil.Process().children()) - set(before)
        valkey.send_signal(signal.SIGKILL)
        psutil.wait_procs([valkey], timeout=5)
        assert engines.dead == ["Valkey"]


def test_a_failed_start_leaves_nothing_behind(tmp_path: Path) -> None:
    before = psutil.Process().children()
    settings = tmp_path / "data" / "postgres" / "postgresql.conf"
    with EmbeddedEngines(tmp_path / "data", durable=False):
        pass
    kept = settings.read_text()
    settings.write_text("shared_buffers = nonsense\n")
    with pytest.raises(EngineError, match="did not start: configuration file"):
        EmbeddedEngines(tmp_path / "data", durable=False).start()
    assert psutil.Process().children() == before
    settings.write_text(kept)
    with EmbeddedEngines(tmp_path / "data", durable=False) as engines:
        assert engines.dead == []

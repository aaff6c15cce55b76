"""`luminous users`, on a data folder of its own with the embedded engines."""

import json
import os
import subprocess
import sys
from pathlib import Path

import bcrypt
from sqlalchemy import text

from app.cli.places import reachable
from app.core.config import Settings
from app.core.db import sync_engine

COMMAND = [sys.executable, "-m", "app.cli"]
ENVIRONMENT = {
    name: value
    for name, value in os.environ.items()
    if name not in {"DATABASE_URL", "REDIS_URL", "QDRANT_URL"} and "LUMINOUS" not in name
}


def luminous(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603
        [*COMMAND, *arguments, "--data", str(folder / "data")],
        capture_output=True,
        text=True,
        env=ENVIRONMENT,
        check=False,
    )


def test_people_are_imported_deactivated_and_activated(tmp_path: Path) -> None:
    people, report = tmp_path / "people.csv", tmp_path / "report.jsonl"
    secret = bcrypt.hashpw(b"a few plain words", bcrypt.gensalt(4)).decode()
    people.write_text(f"email,name,password_hash\nada@example.com,Ada,{secret}\nno address,B,\n")
    imported = luminous(tmp_path, "users", "import", str(people), "--report", str(report))
    assert imported.returncode == 1, imported.stderr
    assert "1 created, 0 updated, 0 unchanged, 1 refused" in imported.stderr
    (line,) = [json.loads(each) for each in report.read_text().splitlines()]
    assert (line["line"], line["outcome"]) == (3, "refused")

    closed = luminous(tmp_path, "users", "deactivate", " Ada@Example.com ")
    assert (closed.returncode, closed.stderr) == (0, "")
    opened = luminous(tmp_path, "users", "activate", "ada@example.com")
    assert opened.returncode == 0, opened.stderr
    unknown = luminous(tmp_path, "users", "deactivate", "nobody@example.com")
    assert (unknown.returncode, unknown.stderr.count("\n")) == (1, 1)
    assert "nobody@example.com" in unknown.stderr

    actions = noted(tmp_path / "data")
    assert {"users.imported", "account.deactivated", "account.activated"} <= actions


def noted(folder: Path) -> set[str]:
    """The actions in the audit trail of a data folder."""
    with reachable(Settings(data_dir=folder)) as served:
        engine = sync_engine(served.database_url.get_secret_value())
        with engine.connect() as connection:
            return set(connection.scalars(text("select action from audit_logs")))

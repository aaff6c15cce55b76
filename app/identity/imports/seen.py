"""The addresses that a file has named so far, on disk: a million of them would fill memory."""

import hashlib
import sqlite3
from types import TracebackType
from typing import Self


class Seen:
    """A temporary database, gone when it is closed."""

    def __enter__(self) -> Self:
        self._store = sqlite3.connect("", isolation_level=None)
        self._store.execute("create table seen (digest blob primary key, line int) without rowid")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._store.close()

    def line_of(self, email: str, line: int) -> int | None:
        """The line that named an address before; None for the first one, which is remembered."""
        digest = hashlib.sha256(email.encode()).digest()[:16]
        added = self._store.execute(
            "insert into seen values (?, ?) on conflict do nothing", (digest, line)
        )
        if added.rowcount == 1:
            return None
        found = self._store.execute("select line from seen where digest = ?", (digest,))
        return int(found.fetchone()[0])

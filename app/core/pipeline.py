"""Several statements in one message to Postgres, and one answer: a transaction that costs one turn.

asyncpg asks for one thing after the other: to begin, each statement, to commit. Postgres takes them
together, each with its values bound (Bind, Execute), and what comes before one Sync is one
transaction: all of it or nothing. asyncpg has no way to say so; while such a message is answered, a
`Pipeline` stands in for its protocol on the connection, which does not notice.
"""

import asyncio
import struct
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple
from uuid import UUID

import orjson
from asyncpg.exceptions import (  # type: ignore[import-untyped]
    ConnectionDoesNotExistError,
    DataError,
    PostgresError,
)

from app.core.waiting import running_loop

ANSWER_SECONDS = 60.0  # Postgres itself ends a statement sooner, if it is not frozen
_SYNC: Final = b"S\x00\x00\x00\x04"
_EXECUTE: Final = b"E\x00\x00\x00\x09\x00\x00\x00\x00\x00"
_NULL: Final = b"\xff\xff\xff\xff"
_SHORT, _LONG = struct.Struct("!H").pack, struct.Struct("!i").pack
_LENGTH, _SIGNED = struct.Struct("!I").unpack_from, struct.Struct("!i").unpack_from
# The kinds of message that are looked at, and those that asyncpg wants to see whenever they come.
_DONE, _ERROR, _READY, _ROW = ord("C"), ord("E"), ord("Z"), ord("D")
_ASIDE: Final = frozenset(b"SNA")
# Those that say of a statement that it was taken: parsed, bound, closed.
_SETTLED: Final = frozenset(b"123")


def silent() -> ConnectionError:
    """What it comes to that Postgres is connected, and does not answer."""
    return ConnectionAbortedError("Postgres does not answer")


class Call(NamedTuple):
    """A statement, known to a connection by its name once it was sent there, and its values."""

    name: bytes
    sql: str
    values: Sequence[Any]


class Pipeline(asyncio.Protocol):
    """One message on a connection of asyncpg's that has nothing else under way.

    `done` counts the statements that were carried out, each with the rows that it found or changed;
    `rows` are those of the last one, each value as Postgres writes it.
    """

    def __init__(self, connection: Any) -> None:
        self.done: list[int] = []
        self.rows: list[list[bytes | None]] = []
        self._found: list[tuple[int, bytes]] = []
        self._connection = connection
        self._asyncpg: Any = connection._protocol  # noqa: SLF001 - there is no other way to it
        self._rest = b""
        self._error: Exception | None = None
        self._answered: asyncio.Future[None] = running_loop().create_future()

    async def carry_out(self, calls: Sequence[Call], known: set[bytes]) -> None:
        """Carry these out; raises what asyncpg would. `known` are the connection's statements.

        A connection whose answer is not waited for to its end is closed.
        """
        message = b"".join([_asked(call, known) for call in calls])
        transport = self._connection._transport  # noqa: SLF001 - the same
        transport.set_protocol(self)
        limit = running_loop().call_later(ANSWER_SECONDS, self._answer, silent())
        try:
            transport.write(message + _SYNC)
            await self._answered
        except BaseException:
            self._connection.terminate()
            raise
        finally:
            limit.cancel()
            transport.set_protocol(self._asyncpg)
        if self._error is not None:
            # Those of a message that failed may be known or not; they are told again.
            known.clear()
            raise self._error
        known.update([call.name for call in calls])
        last = len(calls) - 1
        self.rows = [_values(row) for number, row in self._found if number == last]

    def data_received(self, data: bytes) -> None:
        data = self._rest + data if self._rest else data
        at, end = 0, len(data)
        while end - at >= 5:
            following = at + 1 + _LENGTH(data, at + 1)[0]
            if following > end:
                break
            if data[at] not in _SETTLED:
                self._hear(data[at], data[at:following])
            at = following
        self._rest = data[at:]

    def _hear(self, kind: int, message: bytes) -> None:
        if kind == _ROW:
            self._found.append((len(self.done), message))
        elif kind == _DONE:
            number = message[5:-1].rpartition(b" ")[2]
            self.done.append(int(number) if number.isdigit() else 0)
        elif kind == _READY:
            self._answer(None)
        elif kind == _ERROR:
            self._error = PostgresError.new(_fields(message[5:]))
        elif kind in _ASIDE:
            self._asyncpg.data_received(message)

    def connection_lost(self, exc: Exception | None) -> None:
        self._asyncpg.connection_lost(exc)
        lost = "connection was closed in the middle of operation"
        self._answer(self._error or ConnectionDoesNotExistError(lost))

    def pause_writing(self) -> None:
        self._asyncpg.pause_writing()

    def resume_writing(self) -> None:
        self._asyncpg.resume_writing()

    def _answer(self, error: Exception | None) -> None:
        if self._answered.done():
            return
        if error is None:
            self._answered.set_result(None)
        else:
            self._answered.set_exception(error)


def _asked(call: Call, known: set[bytes]) -> bytes:
    name = call.name + b"\0"
    parts = [b"\0", name, b"\0\0", _SHORT(len(call.values))]
    try:
        for value in call.values:
            if value is None:
                parts.append(_NULL)
            else:
                told = (_TEXTS.get(type(value)) or _text_of(type(value)))(value)
                parts += (_LONG(len(told)), told)
    except UnicodeEncodeError as error:
        raise DataError("a text that is no Unicode is no value of a statement") from error
    parts.append(b"\0\0")
    asked = _message(b"B", b"".join(parts)) + _EXECUTE
    if call.name in known:
        return asked
    told = _message(b"P", name + call.sql.encode() + b"\0\0\0")
    return _message(b"C", b"S" + name) + told + asked


def _message(kind: bytes, body: bytes) -> bytes:
    return kind + _LONG(len(body) + 4) + body


def _values(row: bytes) -> list[bytes | None]:
    values: list[bytes | None] = []
    at = 7  # behind the kind, the length, and the number of values
    while at < len(row):
        (length,) = _SIGNED(row, at)
        at += 4
        values.append(None if length < 0 else row[at : at + length])
        at += max(length, 0)
    return values


def _fields(body: bytes) -> dict[str, str]:
    told = [field for field in body.split(b"\0") if field]
    return {chr(field[0]): field[1:].decode(errors="replace") for field in told}


def _text_of(kind: type) -> Callable[[Any], bytes]:
    """How a subclass of a known type is told; it is known from then on."""
    for each in kind.__mro__:
        if each in _TEXTS:
            return _TEXTS.setdefault(kind, _TEXTS[each])
    raise DataError(f"a {kind.__name__} is no value of a statement")


def _array(values: Sequence[Any]) -> bytes:
    return b"{" + b",".join([_element(value) for value in values]) + b"}"


def _element(value: Any) -> bytes:
    if value is None:
        return b"NULL"
    told = (_TEXTS.get(type(value)) or _text_of(type(value)))(value)
    return b'"' + told.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'


def _moment(value: datetime) -> bytes:
    """What `isoformat` says, at a fifth of its time for those in UTC."""
    return orjson.dumps(value)[1:-1] if value.tzinfo is UTC else value.isoformat().encode()


# A value as Postgres reads it, of whatever type it is there.
_TEXTS: Final[dict[type, Callable[[Any], bytes]]] = {
    str: str.encode,
    bool: lambda value: b"true" if value else b"false",
    int: lambda value: b"%d" % value,
    float: lambda value: repr(value).encode(),
    Decimal: lambda value: str(value).encode(),
    UUID: lambda value: b"%032x" % value.int,
    datetime: _moment,
    bytes: lambda value: b"\\x" + value.hex().encode(),
    list: _array,
    tuple: _array,
}

"""What processes tell one another of deployments, about once a second, through Valkey.

Each process writes what it sees itself under a key that soon lapses, and reads those of the others.
Nobody passes on what it has heard, so nothing is counted twice.
"""

import time
from typing import Any, Final
from uuid import uuid4

import orjson

from app.core.kernel import Valkey
from app.inference.routing.board import Board, Stats

MEMBERS: Final = "routing:boards"
LAPSE_SECONDS: Final = 5
MOST_PROCESSES: Final = 64
# A tick tells of so many deployments at most, the busiest and then the newest.
MOST_TOLD: Final = 2000
# A measurement of others is taken over where one's own is so much older.
OLDER_SECONDS: Final = 5.0


class Gossip:
    """Tells of this process's board and hears of the others'."""

    def __init__(self, valkey: Valkey, board: Board) -> None:
        self._valkey = valkey
        self._board = board
        self._name = uuid4().hex
        self._heard: set[str] = set()

    async def tick(self) -> None:
        """One exchange: two round trips."""
        wall = time.time()
        async with self._valkey.pipeline(transaction=False) as pipe:
            pipe.set(_key(self._name), orjson.dumps(self._told()), ex=LAPSE_SECONDS)
            pipe.zadd(MEMBERS, {self._name: wall})
            pipe.zremrangebyscore(MEMBERS, 0, wall - LAPSE_SECONDS)
            pipe.zrevrange(MEMBERS, 0, MOST_PROCESSES)
            *_, members = await pipe.execute()
        others = [name.decode() for name in members if name.decode() != self._name]
        told = await self._valkey.mget([_key(name) for name in others]) if others else []
        self._hear([orjson.loads(one) for one in told if one])

    async def leave(self) -> None:
        """Say that this process has nothing in flight any more."""
        async with self._valkey.pipeline(transaction=False) as pipe:
            pipe.delete(_key(self._name))
            pipe.zrem(MEMBERS, self._name)
            await pipe.execute()

    def _told(self) -> dict[str, list[Any]]:
        moment = time.monotonic()
        fresh = [
            (name, stats)
            for name, stats in self._board.every().items()
            if stats.in_flight or moment - stats.ended_at < LAPSE_SECONDS * 12
        ]
        fresh.sort(key=lambda one: (one[1].in_flight, one[1].ended_at), reverse=True)
        return {name: _row(stats, moment) for name, stats in fresh[:MOST_TOLD]}

    def _hear(self, boards: list[dict[str, list[Any]]]) -> None:
        heard: dict[str, list[list[Any]]] = {}
        for board in boards:
            for name, row in board.items():
                heard.setdefault(name, []).append(row)
        for name in self._heard - heard.keys():
            self._board.known(name).hear(0, 0.0, 0.0)
        self._heard = set(heard)
        moment = time.monotonic()
        for name, rows in heard.items():
            stats = self._board.known(name)
            load, calls, errors = (sum(row[place] for row in rows) for place in range(3))
            stats.hear(int(load), calls, errors)
            newest = min(rows, key=lambda row: row[3])
            if newest[4] is not None and moment - newest[3] > stats.measured_at + OLDER_SECONDS:
                _take_over(stats, newest, moment)


def _row(stats: Stats, moment: float) -> list[Any]:
    """In flight, calls, errors, seconds since the last measurement, and the three averages."""
    calls, errors = stats.own(moment)
    return [
        stats.in_flight,
        round(calls, 3),
        round(errors, 3),
        round(moment - stats.measured_at, 3),
        stats.first_token_ms,
        stats.tokens_a_second,
        stats.output_tokens,
    ]


def _take_over(stats: Stats, row: list[Any], moment: float) -> None:
    stats.measured_at = moment - row[3]
    stats.first_token_ms, stats.tokens_a_second, stats.output_tokens = row[4:7]


def _key(name: str) -> str:
    return f"routing:board:{name}"

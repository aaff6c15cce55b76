"""Walks over every operation with every case: whole where asked for, a part of the pairs in CI."""

import os
from collections.abc import Collection, Hashable, Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")

WHOLE = os.environ.get("TEST_WALKS") == "whole"


def part_of(items: Iterable[Item], turn: int, of: int) -> Iterator[Item]:
    """Every `of`-th of the items, from another one each turn; all with TEST_WALKS=whole.

    Over `of` turns each item has had one: each operation and each case is still met, not every
    pair of the two.
    """
    for position, item in enumerate(items):
        if WHOLE or (position + turn) % of == 0:
            yield item


def part_for(
    items: Iterable[Item], case: Hashable, cases: Collection[Hashable], most: int = 12
) -> Iterator[Item]:
    """The part of the items for one of several cases; over all the cases each item has one."""
    return part_of(items, list(cases).index(case), min(most, len(cases)))

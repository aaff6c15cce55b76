"""Definitions that were read already are not read again."""

from app.agents.definitions.taken import MOST_KNOWN, Definitions
from app.core.ids import new_id

STORED = {"model": "demo/chat", "instructions": "Be brief."}


def test_a_version_is_read_once():
    read, version = Definitions(), new_id()
    known = read.of(version, STORED)
    assert known.instructions == "Be brief."
    assert read.of(version, STORED) is known
    assert read.of(new_id(), STORED) is not known
    assert Definitions().of(version, STORED) is not known


def test_those_that_were_asked_for_last_are_kept():
    read, versions = Definitions(), [new_id() for _ in range(MOST_KNOWN + 1)]
    first, second, *others = versions
    known = {version: read.of(version, STORED) for version in (first, second)}
    for version in others:
        read.of(first, STORED)
        read.of(version, STORED)
    assert read.of(first, STORED) is known[first]
    assert read.of(second, STORED) is not known[second]

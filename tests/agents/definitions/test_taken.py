"""What was read of agents already, and what is known of those that were taken."""

from app.agents.definitions.taken import MOST_KNOWN, Definitions, Taken
from app.core.auth import Access
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


def test_the_last_ones_that_were_taken_are_known_by_their_names():
    read, access = Definitions(), an_access()
    taken = a_taken("helper")
    assert read.last(access, "helper") is None
    read.keep(access, "helper", taken)
    assert read.last(access, "helper") is taken
    assert read.last(an_access(), "helper") is None
    for number in range(MOST_KNOWN):
        read.keep(access, f"another-{number}", taken)
    assert read.last(access, "helper") is None


def test_one_whose_name_is_an_id_is_not_known_by_it():
    read, access, name = Definitions(), an_access(), str(new_id())
    read.keep(access, name, a_taken(name))
    assert read.last(access, name) is None
    taken = a_taken("helper")
    read.keep(access, str(taken.id), taken)
    assert read.last(access, str(taken.id)) is taken


def a_taken(slug):
    return Taken(new_id(), slug, "Helper", "", 1, STORED, Definitions().of(new_id(), STORED), 1)


def an_access():
    return Access(new_id(), new_id(), frozenset(), "session", new_id())

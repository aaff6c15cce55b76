"""The short memory of keys."""

from uuid import uuid4

from app.core.auth import Access
from app.identity.api_keys.known_keys import KnownKey, KnownKeys


def key():
    return KnownKey(Access(uuid4(), uuid4(), frozenset(), "api_key", uuid4()), None)


def test_what_is_remembered_is_found_until_it_is_stale():
    known, one = KnownKeys(), key()
    known.remember(b"a", one, known.generation)
    assert known.find(b"a") is one
    short = KnownKeys(fresh_seconds=-1)
    short.remember(b"a", one, short.generation)
    assert short.find(b"a") is None
    assert len(short) == 0


def test_the_one_used_longest_ago_goes_first():
    known = KnownKeys(capacity=2)
    for name in (b"a", b"b"):
        known.remember(name, key(), known.generation)
    known.find(b"a")
    known.remember(b"c", key(), known.generation)
    assert known.find(b"a")
    assert known.find(b"b") is None
    assert len(known) == 2


def test_a_forgotten_key_is_gone_and_others_stay():
    known, one, other = KnownKeys(), key(), key()
    known.remember(b"a", one, known.generation)
    known.remember(b"b", other, known.generation)
    known.forget(one.access.credential_id)
    known.forget(uuid4())
    assert known.find(b"a") is None
    assert known.find(b"b") is other


def test_what_was_looked_up_before_a_revocation_is_not_remembered():
    known, one = KnownKeys(), key()
    generation = known.generation
    known.forget(one.access.credential_id)
    known.remember(b"a", one, generation)
    assert known.find(b"a") is None
    generation = known.generation
    known.clear()
    known.remember(b"a", one, generation)
    assert known.find(b"a") is None

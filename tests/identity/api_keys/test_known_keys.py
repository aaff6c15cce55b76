"""The short memory of keys."""

from dataclasses import replace
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


def test_all_keys_of_a_user_or_of_a_workspace_are_forgotten_together():
    for subject in ("user_id", "workspace_id"):
        known, one = KnownKeys(), key()
        same = getattr(one.access, subject)
        other = KnownKey(replace(key().access, **{subject: same}), None)
        for name, each in ((b"a", one), (b"b", other), (b"c", key())):
            known.remember(name, each, known.generation)
        known.forget(same)
        assert [known.find(name) is None for name in (b"a", b"b", b"c")] == [True, True, False]
        known.forget(same)
        assert len(known) == 1


def test_both_secrets_of_a_rotated_key_are_forgotten_together():
    known, one = KnownKeys(), key()
    known.remember(b"new", one, known.generation)
    known.remember(b"old", one, known.generation)
    known.forget(one.access.credential_id)
    assert len(known) == 0


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

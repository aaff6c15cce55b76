"""The short memory of keys."""

from dataclasses import replace
from uuid import uuid4

from app.core.auth import Access
from app.identity.api_keys import known_keys
from app.identity.api_keys.known_keys import KnownKey, KnownKeys


def found(known, secret_hash):
    return known.find(secret_hash)[0]


def key():
    return KnownKey(Access(uuid4(), uuid4(), frozenset(), "api_key", uuid4()), None)


def test_what_is_remembered_is_found_until_it_is_stale():
    known, one = KnownKeys(), key()
    known.remember(b"a", one, known.generation)
    assert found(known, b"a") is one
    short = KnownKeys(fresh_seconds=-1)
    short.remember(b"a", one, short.generation)
    assert found(short, b"a") is None
    assert len(short) == 0


def test_the_one_used_longest_ago_goes_first():
    known = KnownKeys(capacity=2)
    for name in (b"a", b"b"):
        known.remember(name, key(), known.generation)
    found(known, b"a")
    known.remember(b"c", key(), known.generation)
    assert found(known, b"a")
    assert found(known, b"b") is None
    assert len(known) == 2


def test_a_forgotten_key_is_gone_and_others_stay():
    known, one, other = KnownKeys(), key(), key()
    known.remember(b"a", one, known.generation)
    known.remember(b"b", other, known.generation)
    known.forget(one.access.credential_id)
    known.forget(uuid4())
    assert found(known, b"a") is None
    assert found(known, b"b") is other


def test_all_keys_of_a_user_or_of_a_workspace_are_forgotten_together():
    for subject in ("user_id", "workspace_id"):
        known, one = KnownKeys(), key()
        same = getattr(one.access, subject)
        other = KnownKey(replace(key().access, **{subject: same}), None)
        for name, each in ((b"a", one), (b"b", other), (b"c", key())):
            known.remember(name, each, known.generation)
        known.forget(same)
        assert [found(known, name) is None for name in (b"a", b"b", b"c")] == [True, True, False]
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
    assert found(known, b"a") is None
    generation = known.generation
    known.clear()
    known.remember(b"a", one, generation)
    assert found(known, b"a") is None


def test_a_key_that_is_looked_up_again_stays_the_same_object_until_it_changes():
    known, one = KnownKeys(), key()
    known.remember(b"a", one, known.generation)
    one.access.memo["worked out"] = 1
    known.remember(b"a", replace(one, access=replace(one.access)), known.generation)
    assert found(known, b"a") is one
    less = replace(one, access=replace(one.access, role="viewer"))
    known.remember(b"a", less, known.generation)
    assert found(known, b"a") is less
    assert less.access.memo == {}


def test_what_was_worked_out_of_a_key_is_forgotten_with_it():
    known, one = KnownKeys(), key()
    known.remember(b"a", one, known.generation)
    one.access.memo["worked out"] = 1
    known.forget(one.access.workspace_id)
    again = replace(one, access=replace(one.access))
    known.remember(b"a", again, known.generation)
    assert found(known, b"a") is again
    assert again.access.memo == {}


def test_a_key_is_to_be_looked_up_again_while_it_still_counts(monkeypatch):
    known, one, clock = KnownKeys(fresh_seconds=10), key(), [0.0]
    monkeypatch.setattr(known_keys.time, "monotonic", lambda: clock[0])
    known.remember(b"a", one, known.generation)
    seen = []
    for clock[0] in (0.0, 4.9, 5.1, 10.0, 10.1):
        seen.append(known.find(b"a"))
    assert seen == [(one, False), (one, False), (one, True), (one, True), (None, False)]

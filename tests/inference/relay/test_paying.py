"""Who pays for a request, as it is kept with the caller."""

from dataclasses import replace
from uuid import uuid4

from app.core.auth import Access, KeyRules
from app.inference.relay.paying import MOST_PAYERS, PAYERS, paying


def caller(**rules):
    return Access(
        uuid4(), uuid4(), frozenset(), "api_key", uuid4(), rules=KeyRules(tags=("own",), **rules)
    )


def test_the_same_request_of_a_key_is_paid_by_the_same_object():
    access = caller()
    payer = paying(access, None, ())
    assert paying(access, None, ()) is payer
    assert (payer.workspace_id, payer.user_id) == (access.workspace_id, access.user_id)
    assert (payer.api_key_id, payer.customer, payer.tags) == (access.credential_id, None, ("own",))


def test_another_customer_and_other_tags_are_another_payer():
    access = caller()
    payers = [paying(access, *said) for said in ((None, ()), ("a", ()), ("a", ("b", "own")))]
    assert [(payer.customer, payer.tags) for payer in payers] == [
        (None, ("own",)), ("a", ("own",)), ("a", ("own", "b"))
    ]  # fmt: skip
    assert paying(access, "a", ()) is payers[1]


def test_nobody_is_paid_for_by_another_key_or_by_what_a_key_was_before():
    access, other = caller(), caller()
    payer = paying(access, "a", ())
    assert paying(other, "a", ()).workspace_id == other.workspace_id
    changed = replace(access, rules=KeyRules(tags=("new",)))
    assert (payer.tags, paying(changed, "a", ()).tags) == (("own",), ("new",))


def test_what_is_kept_of_a_caller_is_bounded():
    access = caller()
    for n in range(5 * MOST_PAYERS):
        paying(access, f"customer-{n}", ())
    assert len(access.memo[PAYERS]) <= MOST_PAYERS

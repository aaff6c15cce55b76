"""What the gate says in the same words is told apart wherever it differs, whatever it remembers."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import orjson
import pytest

from app.core.auth import Access, KeyRules
from app.core.limits import Limit, Policy, TokenLimit
from app.inference.budgets.book import Cap, Caps
from app.inference.budgets.rules import BudgetRule
from app.inference.customers.limits import CustomerLimits
from app.inference.gate.call import Load, OpenCall, Terms
from app.inference.gate.errors import BudgetExceeded, CustomerBlocked
from app.inference.gate.forms import MOST_CHOICES, MOST_KEPT, Form, Forms
from app.inference.gate.gate import Settlement
from app.inference.gate.question import Wish
from app.inference.gate.records import asked_of, read_price, row_of
from app.inference.gate.terms import terms_of
from app.inference.prices.price import Apart, Price, Tier
from app.inference.providers.types import Usage
from app.inference.usage.payer import Payer
from tests.inference.gate.conftest import LOAD, candidate, new_budget, process, rows
from tests.inference.gate.test_limits import Told

CHEAP = Price((Tier(0, 1_000_000, 2_000_000, 0, 1_000_000),))
DEAR = Price((Tier(0, 5_000_000, 9_000_000, 0, 5_000_000),))
PAYER = Payer(UUID(int=1), UUID(int=2), "gateway")
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def rule(*models, hard=True):
    return BudgetRule(uuid4(), "total", 10**12, hard, "workspace", models=models)


def form_of(*rules, terms=None, payer=PAYER, load=LOAD, follows=False):
    row = row_of(payer, load, "here")
    return Form(payer, terms or Terms(), rules, row, "here", follows)


def wish_of(*candidates, form, most=None):
    call = OpenCall(PAYER, candidates[0], Load(100, most), str(UUID(int=3)), terms=form.terms)
    return Wish(call, candidates, form)


def read(wish):
    """What is asked, what is shared, how the record begins, and how it may go on."""
    wire, own, begins = wish.question()
    lengths, shared = orjson.loads(wish.shared.wire)
    rows, position = [], 0
    for length in lengths:
        rows.append(wish.shared.attached[position : position + length])
        position += length
    return [*orjson.loads(b"[%b]" % own), *orjson.loads(wire)[2:]], shared, begins, rows


def test_each_candidate_reserves_by_its_own_price_under_its_own_budgets():
    candidates = (candidate("cheap", CHEAP), candidate("dear", DEAR))
    everywhere, of_one = rule(), rule("openai/dear", hard=False)
    wish = wish_of(*candidates, form=form_of(everywhere, of_one), most=10)
    cheap, dear = wish.parts
    assert (cheap.under, dear.under) == ([1], [1, 2])
    assert (cheap.budgets, dear.budgets) == ((everywhere.key,), (everywhere.key, of_one.key))
    assert wish.amounts == [200 * 1000 + 10 * 2000, 200 * 5000 + 10 * 9000]
    assert wish.call.most_output is None
    asked, shared, _, _ = read(wish)
    assert asked[3:] == [wish.amounts, 1]
    assert shared[6] == [[cheap.breaker, 1, [1]], [dear.breaker, 1, [1, 2]]]
    assert shared[5] == [[everywhere.key, 10**12], [of_one.key, -1]]


def test_an_open_answer_is_bounded_only_where_a_hard_budget_stands():
    soft = wish_of(candidate("cheap", CHEAP), form=form_of(rule(hard=False)))
    hard = wish_of(candidate("cheap", CHEAP), form=form_of(rule()))
    assert soft.call.most_output is None
    assert hard.call.most_output == 16_384


def test_the_call_is_as_it_is_with_the_candidate_that_was_taken():
    candidates = (candidate("cheap", CHEAP), candidate("dear", DEAR))
    wish = wish_of(*candidates, form=form_of(rule()), most=10)
    assert wish.call.candidate is candidates[0]
    _, _, begins, goes_on = read(wish)
    for place, model in enumerate(("cheap", "dear")):
        call = wish.take(place)
        assert call.candidate is candidates[place]
        assert call.reserved == wish.amounts[place]
        record = orjson.loads(begins + goes_on[place] + b"%d}" % wish.amounts[place])
        assert (record["model"], record["reserved_nano"]) == (model, call.reserved)
        # Whether Valkey was asked or not, it is the same row.
        assert orjson.loads(wish.record()) == record
        assert UUID(record["id"]) == call.id
        assert UUID(record["request_id"]) == call.request_id == UUID(int=3)


def test_the_words_are_taken_as_they_are_whatever_is_in_them():
    strange = '100%d "off" %b %%'
    payer = replace(PAYER, customer=strange, tags=(strange,))
    policy = Policy(Limit("key", 5, 60), strange)
    tokens = CustomerLimits(strange, tokens=(TokenLimit("tpm", 1000, 60),), concurrency=2)
    terms = terms_of((policy,), None, payer.workspace_id, tokens)
    budget = BudgetRule(uuid4(), "total", 10**9, True, "customer", customer=strange)
    form = form_of(budget, terms=terms, payer=payer, load=replace(LOAD, route=strange))
    wish = wish_of(candidate(strange, CHEAP), form=form, most=10)
    wish.call.taken = 40_000
    asked, shared, begins, (goes_on,) = read(wish)
    assert asked == [wish.call.id_text, wish.call.request_text, 40_000, wish.amounts, 1]
    assert shared[2] == [orjson.loads(policy.wire), list(terms.buckets[0])]
    assert shared[3:6] == [1, [[f"slots:customer:{PAYER.workspace_id}:{strange}", 2]],
                           [[budget.key, 10**9]]]  # fmt: skip
    assert strange in shared[6][0][0]
    record = orjson.loads(begins + goes_on + b"null}")
    assert (record["customer"], record["tags"], record["route"]) == (strange, [strange], strange)
    assert record["model"] == strange


def test_what_follows_is_counted_by_no_limit_again():
    limits = CustomerLimits("c", tokens=(TokenLimit("tpm", 1000, 60),), concurrency=2)
    terms = terms_of((Policy(Limit("key", 5, 60), "k"),), None, PAYER.workspace_id, limits)
    _, shared, _, _ = read(wish_of(candidate(), form=form_of(terms=terms, follows=True)))
    assert shared[1:4] == [1, [], 0]
    assert len(shared[4]) == 1


def cap(amount, subject=("workspace", None), window="day"):
    return Cap(uuid4(), subject, amount, True, window, "UTC", ())


@pytest.fixture
def known():
    """Forms, caps, and how one is found and made of them."""
    return Forms("here"), Caps({("workspace", None): [cap(5)]})


def find(forms, caps, *, payer=PAYER, policies=(), load=LOAD, access=None, customers=None, at=NOON):
    return forms.find(payer, access, policies, load, caps, customers, at)


def made(forms, caps, *, payer=PAYER, policies=(), load=LOAD, access=None, customers=None):
    form = forms.make(payer, Terms(), load, caps, NOON)
    forms.keep(form, access, policies, load, caps, customers)
    return form


def test_a_form_is_found_by_requests_of_the_same_kind_and_by_no_others(known):
    forms, caps = known
    form = made(forms, caps)
    assert find(forms, caps) is form
    assert find(forms, caps, load=replace(LOAD, input_tokens=7, max_output_tokens=9)) is form
    others = (
        {"payer": replace(PAYER, workspace_id=UUID(int=9))},
        {"payer": replace(PAYER)},
        {"policies": (Policy(Limit("key", 5, 60), "k"),)},
        {"load": replace(LOAD, route="other")},
        {"load": replace(LOAD, operation="embeddings")},
        {"load": replace(LOAD, dialect="anthropic_messages")},
        {"load": replace(LOAD, category="code")},
        {"access": Access(UUID(int=1), UUID(int=2), frozenset(), "api_key", UUID(int=3))},
        {"customers": Told(None)},
    )
    for other in others:
        assert find(forms, caps, **other) is None
    assert find(Forms("elsewhere"), caps) is None


def test_a_form_goes_with_the_budgets_it_was_made_of_and_with_their_window(known):
    forms, caps = known
    form = made(forms, caps)
    assert form.until == datetime(2026, 11, 23, tzinfo=UTC)
    assert find(forms, caps, at=form.until - timedelta(microseconds=1)) is form
    assert find(forms, caps, at=form.until) is None
    assert find(forms, Caps(caps.by_subject)) is None


def test_nothing_is_remembered_without_bound_and_nobody_taken_for_another(known):
    forms, caps = known
    for n in range(2 * MOST_KEPT + 10):
        payer = Payer(UUID(int=n), UUID(int=2), "gateway")
        form = made(forms, caps, payer=payer)
        assert find(forms, caps, payer=payer) is form
        assert form.payer is payer
        del payer
    assert len(caps.memo) <= MOST_KEPT
    for n in range(2 * MOST_CHOICES + 10):
        other = candidate(f"model-{n}")
        choice = form.choice([other])
        assert choice.parts[0].candidate is other
        assert form.choice([other]) is choice
        assert form.choice([other, other]) is not choice
        del other, choice
    assert len(form._choices) <= MOST_CHOICES


def test_a_row_keeps_a_price_that_can_be_read_again():
    priced = candidate("dear", DEAR)
    assert read_price(orjson.loads(asked_of(priced)[1])) == DEAR
    mixed = Price(
        (Tier(0, 1, 2, 3, 4, (5, 6, 7, 8), apart=Apart(hour_write=9)), Tier(10, 1, 2, 3, 4))
    )
    assert read_price(orjson.loads(asked_of(candidate("mixed", mixed))[1])) == mixed
    assert read_price(orjson.loads(asked_of(candidate("free", None))[1])) is None


async def test_a_budget_that_is_new_holds_for_a_payer_that_is_known(kernel, payer):
    async with process(kernel) as mine:
        one = candidate()
        call = (await mine.gate.admit(payer, None, (), [one], LOAD)).call
        assert call.budgets == ()
        budget = await new_budget(kernel, payer, "0.000000001")
        mine.gate._budgets.forget(payer.workspace_id)
        with pytest.raises(BudgetExceeded, match=str(budget.id)):
            await mine.gate.admit(payer, None, (), [one], LOAD)


async def test_a_customer_who_is_blocked_or_limited_anew_is_so_with_the_next_request(kernel, payer):
    bob = replace(payer, customer="bob")
    async with process(kernel) as mine:
        mine.gate._customers = Told(None)
        await mine.gate.admit(bob, None, (), [candidate()], LOAD)
        await mine.gate.admit(bob, None, (), [candidate()], LOAD)
        mine.gate._customers = Told(CustomerLimits("bob", concurrency=5))
        call = (await mine.gate.admit(bob, None, (), [candidate()], LOAD)).call
        assert [most for _, most in call.terms.slots] == [5]
        mine.gate._customers = Told(CustomerLimits("bob", blocked=True))
        for _ in range(2):
            with pytest.raises(CustomerBlocked):
                await mine.gate.admit(bob, None, (), [candidate()], LOAD)


async def test_a_key_whose_limits_change_has_them_at_once(kernel, payer):
    payer = replace(payer, api_key_id=uuid4())
    key = Access(payer.workspace_id, payer.user_id, frozenset(), "api_key", payer.api_key_id)
    async with process(kernel) as mine:
        for most in (3, 2, None):
            rules = KeyRules(concurrency=most)
            call = (
                await mine.gate.admit(payer, replace(key, rules=rules), (), [candidate()], LOAD)
            ).call
            assert [each for _, each in call.terms.slots] == [most] * (most is not None)


async def test_two_workspaces_never_share_what_is_remembered(kernel, payer):
    """The same in everything but whose they are."""
    other = replace(payer, workspace_id=uuid4())
    one = candidate()
    async with process(kernel) as mine:
        for who in (payer, other, payer, other):
            call = (await mine.gate.admit(who, None, (), [one], LOAD)).call
            assert str(who.workspace_id) in call.breaker
            assert str(who.workspace_id).encode() in call.began
            mine.gate.settle(call, Settlement("succeeded", Usage(1, 1)))
        await mine.gate.flush()
    assert len(await rows(kernel, payer)) == 2

"""What a call would hold with each of its candidates is told apart, whatever is remembered."""

from uuid import UUID, uuid4

import orjson

from app.inference.budgets.rules import BudgetRule
from app.inference.gate.call import Load, OpenCall
from app.inference.gate.offers import offers_of, ready
from app.inference.gate.question import Wish
from app.inference.gate.records import asked_of, read_price
from app.inference.prices.price import Price, Tier
from app.inference.usage.payer import Payer
from tests.inference.gate.conftest import candidate

CHEAP = Price((Tier(0, 1_000_000, 2_000_000, 0, 1_000_000),))
DEAR = Price((Tier(0, 5_000_000, 9_000_000, 0, 5_000_000),))
PAYER = Payer(UUID(int=1), UUID(int=2), "gateway")


def rule(*models, hard=True):
    return BudgetRule(uuid4(), "total", 10**12, hard, "workspace", models=models)


def call_of(*candidates, most=None):
    return OpenCall(PAYER, candidates[0], Load(100, most), UUID(int=3))


def test_each_candidate_reserves_by_its_own_price_under_its_own_budgets():
    candidates = (candidate("cheap", CHEAP), candidate("dear", DEAR))
    everywhere, of_one = rule(), rule("openai/dear", hard=False)
    ruled = ready((everywhere, of_one))
    cheap, dear = offers_of(call_of(*candidates, most=10), candidates, ruled)
    assert (cheap.under, dear.under) == ([1], [1, 2])
    assert (cheap.budgets, dear.budgets) == ((everywhere.key,), (everywhere.key, of_one.key))
    assert cheap.reserved == 200 * 1000 + 10 * 2000
    assert dear.reserved == 200 * 5000 + 10 * 9000
    assert (cheap.most_output, dear.most_output) == (None, None)


def test_an_open_answer_is_bounded_only_where_a_hard_budget_stands():
    candidates = (candidate("cheap", CHEAP),)
    (soft,) = offers_of(call_of(*candidates), candidates, ready((rule(hard=False),)))
    (hard,) = offers_of(call_of(*candidates), candidates, ready((rule(),)))
    assert soft.most_output is None
    assert hard.most_output == 16_384


def test_the_call_is_as_it_is_with_the_candidate_that_was_taken():
    candidates = (candidate("cheap", CHEAP), candidate("dear", DEAR))
    wish = Wish(call_of(*candidates, most=10), candidates, (rule(),), "here", follows=False)
    assert wish.call.candidate is candidates[0]
    call = wish.take(1)
    assert call.candidate is candidates[1]
    assert call.reserved == wish.offers[1].reserved
    assert orjson.loads(b"{%b}" % call.head)["model"] == "dear"
    record = orjson.loads(wish.record(wish.offers[1]))
    assert (record["model"], record["reserved_nano"]) == ("dear", call.reserved)


def test_rules_are_made_ready_once_and_never_taken_for_others():
    rules = (rule(), rule())
    assert ready(rules) is ready(rules)
    for _ in range(2000):
        other = (rule(),)
        assert ready(other).rules is other


def test_a_row_keeps_a_price_that_can_be_read_again():
    priced = candidate("dear", DEAR)
    assert read_price(orjson.loads(asked_of(priced)[1])) == DEAR
    assert read_price(orjson.loads(asked_of(candidate("free", None))[1])) is None

"""Compiled prices against genai-prices' own arithmetic."""

from dataclasses import replace
from decimal import Decimal

import pytest
from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import Usage as PricedUsage
from hypothesis import given
from hypothesis import strategies as st

from app.core.clock import now
from app.inference.prices.listed import PROVIDER_NAMES, at_tier, compiled, list_price
from app.inference.prices.money import to_dollars, to_nano
from app.inference.prices.price import Price, Tier
from app.inference.providers.types import Usage

# Every price of every model of ours, its batch and service tiers included.
PRICES = [
    (f"{provider.id}/{model.id} {context or ''}", prices)
    for provider in get_snapshot().providers
    if provider.id in PROVIDER_NAMES.values()
    for model in provider.models
    for context in (None, *(variant.when for variant in model.price_variants or ()))
    if compiled(prices := model.get_prices(now(), context)) is not None
]
BOUNDS = (0, 1, 128_000, 128_001, 200_000, 200_001, 272_000, 272_001, 1_000_000)


@st.composite
def usages(draw) -> Usage:
    given_tokens = draw(st.sampled_from(BOUNDS) | st.integers(0, 2_000_000))
    cached = draw(st.integers(0, given_tokens))
    written = draw(st.integers(0, given_tokens - cached))
    made = draw(st.integers(0, 200_000))
    thought, hour = draw(st.integers(0, made)), draw(st.integers(0, written))
    text = given_tokens - cached - written
    heard = draw(st.integers(0, text))
    seen = draw(st.integers(0, text - heard))
    kept_sound = draw(st.integers(0, cached))
    spoken = draw(st.integers(0, made - thought))
    return Usage(
        given_tokens, made, cached, written, thought, hour, heard, seen,
        video_input_tokens=draw(st.integers(0, text - heard - seen)),
        cached_audio_tokens=kept_sound,
        cached_image_tokens=draw(st.integers(0, cached - kept_sound)),
        audio_output_tokens=spoken,
        image_output_tokens=draw(st.integers(0, made - thought - spoken)),
    )  # fmt: skip


# What genai-prices calls tokens that have a price of their own, by the price's name.
TOLD = {
    "output_reasoning_mtok": ("output_reasoning_tokens", "reasoning_tokens"),
    "cache_write_1h_mtok": ("cache_write_1h_tokens", "hour_write_tokens"),
    "cache_audio_read_mtok": ("cache_audio_read_tokens", "cached_audio_tokens"),
    "cache_image_read_mtok": ("cache_image_read_tokens", "cached_image_tokens"),
    "output_audio_mtok": ("output_audio_tokens", "audio_output_tokens"),
    "output_image_mtok": ("output_image_tokens", "image_output_tokens"),
}


def apart_of(prices, usage: Usage) -> dict[str, int]:
    """What genai-prices is told of kinds of tokens: of those alone that it has prices for."""
    apart = {
        name: getattr(usage, own)
        for price, (name, own) in TOLD.items()
        if getattr(prices, price) is not None
    }
    for kind in ("audio", "image", "video"):
        if getattr(prices, f"input_{kind}_mtok") is not None:
            # There, what is cached is among the input of its kind.
            kept = apart.setdefault(f"cache_{kind}_read_tokens", 0)
            apart[f"input_{kind}_tokens"] = getattr(usage, f"{kind}_input_tokens") + kept
    return apart


@given(st.sampled_from(PRICES), usages())
def test_a_cost_is_to_the_nano_what_genai_prices_says(named, usage):
    name, prices = named
    told = prices.calc_price(
        PricedUsage(
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            cache_read_tokens=usage.cached_input_tokens,
            cache_write_tokens=usage.cache_write_tokens,
            **apart_of(prices, usage),
        )
    )
    price = compiled(prices)
    assert price is not None
    # A price by the call or by the hour of sound counts for itself.
    if prices.requests_kcount is None and not price.minute:
        assert price.cost(usage) == to_nano(told["total_price"]), name


@given(st.sampled_from(PRICES), usages())
def test_no_cost_is_more_than_the_most_that_is_reserved(named, usage):
    price = compiled(named[1])
    assert price is not None
    most = price.most(usage.input_tokens, usage.output_tokens, mixed=True)
    assert price.cost(usage) <= most + 1, named[0]


def test_there_are_prices_to_compare():
    assert len(PRICES) > 1000


@given(usages(), st.integers(0, 10**7), st.integers(1, 10**6))
def test_a_discount_is_taken_once_from_the_exact_sum(usage, per_token, factor):
    tier = Tier(0, per_token, per_token * 3, per_token, per_token)
    full = usage.input_tokens * per_token + usage.output_tokens * per_token * 3
    exact = Decimal(full) * factor / 10**9
    assert abs(Price((tier,), factor=factor).cost(usage) - exact) <= Decimal("0.5")


@given(st.integers(0, 10**15))
def test_nano_dollars_survive_the_way_to_dollars_and_back(nano):
    assert to_nano(to_dollars(nano)) == nano


def test_no_cost_is_more_than_a_row_of_the_ledger_holds():
    dearest = Price((Tier(0, 10**12, 10**12, 10**12, 10**12),))
    cost = dearest.cost(Usage(2**31, 2**31))
    assert to_dollars(cost) == Decimal("999999999.999999999")


def test_what_is_kept_for_an_hour_costs_more_to_write():
    price = list_price("anthropic", "claude-sonnet-4-5")
    assert price is not None
    per_token = [
        price.cost(Usage(1000, cache_write_tokens=1000, hour_write_tokens=hour)) // 1000
        for hour in (0, 1000)
    ]
    assert per_token == [3_750, 6_000]


def test_cached_input_without_a_price_costs_what_input_costs():
    price = list_price("openai", "gpt-4-turbo")
    assert price is not None
    assert price.cost(Usage(1000, 0, 800)) == price.cost(Usage(1000, 0))


def test_cached_sound_and_pictures_cost_what_the_list_says_of_them():
    heard = list_price("gemini", "gemini-2.5-flash")
    drawn = list_price("openai", "gpt-image-1.5")
    assert heard is not None
    assert drawn is not None
    assert heard.cost(Usage(1000, 0, 1000, cached_audio_tokens=600)) == 600 * 100 + 400 * 30
    assert drawn.cost(Usage(1000, 0, 1000, cached_image_tokens=600)) == 600 * 2000 + 400 * 1250


def test_a_price_of_cached_input_above_that_of_input_is_reserved():
    price = Price((Tier(0, 1_000_000, 0, 5_000_000, 1_000_000),))
    assert price.cost(Usage(100, 0, 100)) == price.most(100, 0, mixed=False)


def test_more_cached_tokens_than_input_cost_what_the_input_does():
    price = list_price("openai", "gpt-4o")
    assert price is not None
    assert price.cost(Usage(100, 0, 5000, 5000)) == price.cost(Usage(100, 0, 100))


def test_the_batch_api_has_a_price_of_its_own():
    usual, batch = (
        list_price("openai", "gpt-4o"),
        list_price("openai", "gpt-4o", processing="batch"),
    )
    assert usual is not None
    assert batch is not None
    usage = Usage(10_000, 10_000)
    assert batch.cost(usage) * 2 == usual.cost(usage)


def test_the_tier_that_was_answered_at_keeps_the_discount_and_leaves_ones_own_price():
    flex = list_price("openai", "gpt-5", service_tier="flex")
    usual = list_price("openai", "gpt-5")
    assert flex is not None
    assert usual is not None
    halved = at_tier(replace(flex, factor=500_000), "openai", "gpt-5", "default")
    assert halved == replace(usual, factor=500_000)
    own = replace(flex, source="override")
    assert at_tier(own, "openai", "gpt-5", "default") is own
    assert at_tier(flex, "openai", "gpt-5", None) is flex


@pytest.mark.parametrize("kind", ["demo", "ollama"])
def test_what_runs_here_is_free(kind):
    price = list_price(kind, "anything")
    assert price is not None
    assert (price.cost(Usage(10**6, 10**6)), price.source) == (0, "free")


def test_moderation_costs_nothing():
    price = list_price("openai", "omni-moderation-latest")
    assert price is not None
    assert (price.cost(Usage(1000)), price.source) == (0, "free")


@pytest.mark.parametrize("kind", ["openai", "openai_compatible"])
def test_an_unknown_model_has_no_price(kind):
    assert list_price(kind, "nobody-knows-this") is None


def test_images_sound_and_calls_cost_what_each_of_them_does():
    price = Price((Tier(0, 0, 0, 0, 0),), call=5, image=7, minute=120)
    assert price.cost(Usage()) == 5
    assert price.cost(Usage(), images=3) == 26
    assert price.cost(Usage(), milliseconds=90_000) == 185
    assert price.cost(Usage(), milliseconds=250) == 6  # 5.5, rounded half up

"""How a route reaches the prices that its process knows."""

from typing import Annotated

from fastapi import Depends, Request

from app.inference.prices.book import PriceBook


def prices_of(request: Request) -> PriceBook:
    book: PriceBook = request.app.state.inference.prices
    return book


PricesDep = Annotated[PriceBook, Depends(prices_of)]

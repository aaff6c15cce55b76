"""How a route reaches the customers that its process knows."""

from typing import Annotated

from fastapi import Depends, Request

from app.inference.customers.book import CustomerBook


def customers_of(request: Request) -> CustomerBook:
    book: CustomerBook = request.app.state.inference.customers
    return book


CustomersDep = Annotated[CustomerBook, Depends(customers_of)]

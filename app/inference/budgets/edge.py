"""How a route reaches the budgets that its process knows."""

from typing import Annotated

from fastapi import Depends, Request

from app.inference.budgets.book import BudgetBook


def budgets_of(request: Request) -> BudgetBook:
    book: BudgetBook = request.app.state.inference.budgets
    return book


BudgetsDep = Annotated[BudgetBook, Depends(budgets_of)]

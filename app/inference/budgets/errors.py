"""What can be wrong with a budget."""

from app.core.errors import Conflict, NotFound


class BudgetNotFound(NotFound):
    code = "budget_not_found"
    title = "There is no such budget"


class TooManyBudgets(Conflict):
    code = "too_many_budgets"
    title = "No more budgets can be set"

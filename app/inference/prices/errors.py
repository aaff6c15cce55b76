"""What can be wrong with a price."""

from app.core.errors import Conflict, NotFound


class PriceOverrideNotFound(NotFound):
    code = "price_override_not_found"
    title = "There is no such price override"


class TooManyOverrides(Conflict):
    code = "too_many_price_overrides"
    title = "No more price overrides can be set"

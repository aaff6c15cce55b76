"""When a model goes away, for the headers of its answers and for the catalogue."""

from datetime import UTC, date, datetime

from app.inference.integrations.directory import Endpoint
from app.inference.prices.listed import find_model


def retirement(endpoint: Endpoint, model: str) -> date | None:
    """The day (in UTC) on which the provider shuts a model down, by its own listing."""
    for listed in endpoint.models:
        if listed["name"] == model:
            return _day(listed.get("retires_at"))
    return None


def _day(told: object) -> date | None:
    try:
        moment = datetime.fromisoformat(str(told))
    except ValueError:
        return None
    return moment.astimezone(UTC).date() if moment.tzinfo else moment.date()


def deprecated(endpoint: Endpoint, model: str) -> bool | None:
    """Whether a model is on its way out, as its provider or the price list says; None: unknown."""
    if retirement(endpoint, model) is not None:
        return True
    known = find_model(endpoint.kind, model)
    return bool(known.deprecated) if known else None

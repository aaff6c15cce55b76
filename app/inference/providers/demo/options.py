"""The demo's models and the options after their names."""

from dataclasses import dataclass, fields
from urllib.parse import parse_qsl

MODELS = (
    "chat",
    "reasoning",
    "tools",
    "slow",
    "rate-limit",
    "overloaded",
    "unauthorized",
    "context-too-long",
    "content-filter",
    "error",
    "drop",
    "drop-early",
    "garbage",
    "garbage-body",
    "silent",
    "no-end",
)
DEFAULTS: dict[str, dict[str, int]] = {
    "slow": {"delay_ms": 300},
    "drop": {"drop_after": 10},
    "drop-early": {"drop_after": 0},
    "rate-limit": {"retry_after": 1},
}
LIMITS = {
    "tokens": (1, 20_000),
    "delay_ms": (0, 60_000),
    "drop_after": (0, 20_000),
    "fail_times": (0, 1_000),
    "retry_after": (0, 86_400),
    "calls": (1, 8),
}


class UnknownModel(Exception):
    pass


class InvalidOption(Exception):
    """The message is a sentence for the caller."""


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What one request to the demo does; None is the model's usual way."""

    model: str
    tokens: int | None = None
    delay_ms: int | None = None
    drop_after: int | None = None
    fail_times: int | None = None
    retry_after: int | None = None
    calls: int = 1

    @property
    def delay(self) -> float:
        """Seconds between two tokens of a stream."""
        return (30 if self.delay_ms is None else self.delay_ms) / 1000


def read_model(text: str) -> Behaviour:
    """Read `chat?tokens=300&delay_ms=50`."""
    name, _, query = text.partition("?")
    if name not in MODELS:
        raise UnknownModel
    known = {field.name for field in fields(Behaviour)} - {"model"}
    options: dict[str, int] = dict(DEFAULTS.get(name, {}))
    for option, value in parse_qsl(query, keep_blank_values=True):
        if option not in known:
            raise InvalidOption(f"There is no option {option[:40]!r}; see the demo's docstring.")
        low, high = LIMITS[option]
        # Five digits are enough for every limit, and int() has no work with them.
        if not (value.isascii() and value.isdecimal() and len(value) <= 5):
            raise InvalidOption(f"The option {option} is not a whole number.")
        if not low <= int(value) <= high:
            raise InvalidOption(f"The option {option} must be from {low} to {high}.")
        options[option] = int(value)
    return Behaviour(name, **options)

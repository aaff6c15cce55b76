"""Why something that a workflow does has failed."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any


class StepFault(Exception):
    """Why an attempt failed: a value that retries, error edges and `try` go by.

    `code` is snake_case and stable, the message says no secret. `retryable` says whether the same
    may do later, `retry_after` (seconds) when. What had been paid for by then is told as of Given.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        retryable: bool = False,
        retry_after: float | None = None,
        detail: Mapping[str, Any] | None = None,
        input_tokens: int = 0,
        output_tokens: int = 0,
        cost_usd: Decimal | None = Decimal(0),
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.retryable = retryable
        self.retry_after = retry_after
        self.detail = dict(detail or {})
        self.input_tokens = input_tokens
        self.output_tokens = output_tokens
        self.cost_usd = cost_usd

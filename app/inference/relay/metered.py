"""A call under way with its record: settled exactly once, however it ends."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from app.core.auth import Access
from app.core.errors import AppError
from app.core.http.event_stream import SlowReader
from app.core.http.problems import translate
from app.inference.dialects.ask import Ask
from app.inference.integrations.directory import Target
from app.inference.providers.types import Usage
from app.inference.usage.gateway_call import GatewayCall, Settlement
from app.inference.usage.ledger import Ledger


@dataclass(slots=True)
class Meter:
    """What has been seen of an answer. `recorded` is done when the call's start is safe."""

    recorded: asyncio.Future[None]
    usage: Usage | None = None
    usage_is_partial: bool = False
    output_tokens: int = 0
    first_token_ms: int | None = None
    failure: AppError | None = None
    _began: float = field(default_factory=time.perf_counter)

    def mark_first_token(self) -> None:
        self.first_token_ms = round((time.perf_counter() - self._began) * 1000)


@asynccontextmanager
async def metered(ledger: Ledger, access: Access, target: Target, ask: Ask) -> AsyncIterator[Meter]:
    """Record a call around its making; `failure` tells of an error that does not leave here."""
    call = GatewayCall(
        workspace_id=access.workspace_id,
        user_id=access.user_id,
        integration_id=target.endpoint.integration_id,
        provider=target.endpoint.kind,
        model=target.model,
        input_tokens=ask.estimated_tokens,
    )
    meter = Meter(ledger.begin(call))
    status, code = "cancelled", None
    try:
        yield meter
        status = "succeeded"
        if meter.failure is not None:
            status, code = "failed", meter.failure.code
    except SlowReader:
        raise
    except Exception as error:
        status, code = "failed", translate(error).code
        raise
    finally:
        end = Settlement(
            status,
            meter.usage,
            usage_is_partial=meter.usage_is_partial,
            output_tokens=meter.output_tokens,
            first_token_ms=meter.first_token_ms,
            error_code=code,
        )
        ledger.settle(call, end)

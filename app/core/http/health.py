"""Liveness and readiness, for whoever runs the service."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Literal

from fastapi import APIRouter, Response

from app.core.http.guard import GuardedRoute, KernelDep, public_uncounted
from app.core.kernel import Kernel
from app.core.log import get_logger
from app.core.schema import Output

log = get_logger(__name__)
router = APIRouter(prefix="/health", tags=["health"], route_class=GuardedRoute)

STORE_SECONDS = 3.0

State = Literal["up", "read_only", "down"]


class Liveness(Output):
    status: Literal["alive"]


class Readiness(Output):
    """`stores` says of each store whether it answers, and of Postgres whether it takes writes."""

    status: Literal["ready", "unready", "stopping"]
    stores: dict[str, State]


@router.get(
    "/live",
    operation_id="health_live",
    summary="Is the process alive?",
    dependencies=[public_uncounted],
)
async def show_liveness() -> Liveness:
    return Liveness(status="alive")


@router.get(
    "/ready",
    operation_id="health_ready",
    summary="Can the service work?",
    dependencies=[public_uncounted],
    responses={
        503: {
            "model": Readiness,
            "description": "A store is down or read-only, or the service is stopping",
        }
    },
)
async def show_readiness(kernel: KernelDep, response: Response) -> Readiness:
    names = ("postgres", "valkey", "qdrant")
    states = await asyncio.gather(*(_state_of(kernel, name) for name in names))
    stores = dict(zip(names, states, strict=True))
    stopping = kernel.stopping.is_set()
    # Chat works without vectors, so Qdrant alone does not make the service unready.
    ready = stores["postgres"] == stores["valkey"] == "up" and not stopping
    response.status_code = 200 if ready else 503
    return Readiness(
        status="ready" if ready else "stopping" if stopping else "unready",
        stores=stores,
    )


async def _state_of(kernel: Kernel, name: str) -> State:
    asks: dict[str, Callable[[], Awaitable[object]]] = {
        "postgres": kernel.database.takes_writes,
        "valkey": kernel.valkey.ping,
    }
    if kernel.vectors is not None:
        asks["qdrant"] = kernel.vectors.ping
    try:
        async with asyncio.timeout(STORE_SECONDS):
            answer = await asks[name]()
    except Exception as error:  # noqa: BLE001 - whatever is wrong, the store does not answer
        log.warning("store_down", store=name, reason=repr(error))
        return "down"
    if answer is False:
        log.warning("store_read_only", store=name)
        return "read_only"
    return "up"

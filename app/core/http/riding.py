"""Reading the rails of a request: the dependency that a guarded route puts behind its guard."""

from collections.abc import Callable
from typing import Annotated, Any

import orjson
from fastapi import Depends, Header, Query, Request

from app.core import idempotency
from app.core.auth import Access
from app.core.http.rails import rails_of
from app.core.kernel import Kernel
from app.core.versions import parse_etags

KEY_HELP = (
    "Makes the request safe to repeat: for 24 hours the same key with the same body gives the "
    "first answer again, with `Idempotency-Replayed: true`."
)
DRY_RUN_HELP = "Check everything and answer as if it were done, and change nothing."
IF_MATCH_HELP = "The ETag that the change is meant for; 412 if the resource has changed since."
IF_NONE_MATCH_HELP = "An ETag you have; 304 without a body while it is current."

KeyHeader = Annotated[
    str | None,
    Header(alias="Idempotency-Key", min_length=1, max_length=255, description=KEY_HELP),
]
DryRunQuery = Annotated[bool, Query(description=DRY_RUN_HELP)]
IfMatchHeader = Annotated[
    str | None, Header(alias="If-Match", max_length=1000, description=IF_MATCH_HELP)
]
IfNoneMatchHeader = Annotated[
    str | None, Header(alias="If-None-Match", max_length=1000, description=IF_NONE_MATCH_HELP)
]


def rails_behind(guard: Callable[..., Any], method: str) -> Any:
    """The dependency that reads the rails of a write, once `guard` has let the caller pass."""

    async def ride_posted(
        request: Request,
        access: Annotated[Access | None, Depends(guard)],
        key: KeyHeader = None,
        dry_run: DryRunQuery = False,
    ) -> None:
        await _ride(request, access, key, dry_run=dry_run)

    async def ride_patched(
        request: Request,
        access: Annotated[Access | None, Depends(guard)],
        key: KeyHeader = None,
        if_match: IfMatchHeader = None,
        dry_run: DryRunQuery = False,
    ) -> None:
        await _ride(request, access, key, if_match=if_match, dry_run=dry_run)

    async def ride_put_or_deleted(
        request: Request,
        access: Annotated[Access | None, Depends(guard)],
        if_match: IfMatchHeader = None,
        dry_run: DryRunQuery = False,
    ) -> None:
        await _ride(request, access, None, if_match=if_match, dry_run=dry_run)

    rides: dict[str, Callable[..., Any]] = {"POST": ride_posted, "PATCH": ride_patched}
    return Depends(rides.get(method, ride_put_or_deleted))


async def take_if_none_match(_: IfNoneMatchHeader = None) -> None:
    """Documents the header; `Rails.finish` reads it."""


async def _ride(
    request: Request,
    access: Access | None,
    key: str | None,
    *,
    if_match: str | None = None,
    dry_run: bool,
) -> None:
    rails = rails_of(request)
    rails.dry_run = dry_run
    if if_match is not None:
        rails.if_match = tuple(parse_etags(if_match))
    if key is not None and not dry_run:
        await _look_up(request, access, key, await request.body())


async def ride_upload(request: Request, access: Access, key: str | None, *told: str) -> None:
    """The Idempotency-Key of an upload, whose body is as good as what is `told` of it."""
    if key is not None and not rails_of(request).dry_run:
        await _look_up(request, access, key, orjson.dumps(told))


async def _look_up(request: Request, access: Access | None, key: str, body: bytes) -> None:
    kernel: Kernel = request.app.state.kernel
    claim = idempotency.Claim.of(
        key,
        principal=f"{access.workspace_id}:{access.user_id}" if access else "anyone",
        workspace_id=access.workspace_id if access else None,
        call=f"{request.method} {request.url.path}?{request.url.query}",
        body=body,
        secret=kernel.vault.derived_key("idempotency"),
        user_id=access.user_id if access else None,
    )
    await rails_of(request).look_up(kernel, claim, access)

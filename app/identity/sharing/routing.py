"""The routes by which something is shared with members and roles, for every kind that can be."""

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Annotated, Any, Protocol
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Response

from app.core.auth import Access, Permission
from app.core.db import AsyncSession
from app.core.errors import AppError
from app.core.http.guard import KernelDep, guarded_router, require
from app.core.http.problems import problems
from app.core.http.units import Session
from app.core.paging import CursorInvalid, Page, PageQuery
from app.identity.roles.errors import RoleUnknown
from app.identity.sharing import service as sharing
from app.identity.sharing.errors import AlreadyShared, ShareInvalid, ShareNotFound
from app.identity.sharing.models import Share
from app.identity.sharing.schemas import (
    LinkGrantee,
    ShareCreate,
    ShareCreated,
    ShareRead,
    ShareUpdate,
)
from app.identity.sharing.service import Shareable


class FindShareable(Protocol):
    """Finds what is to be shared; raises what is wrong with it, or with the caller's right to."""

    def __call__(
        self, session: AsyncSession, access: Access, resource_id: UUID, /
    ) -> Awaitable[Shareable]: ...


@dataclass(frozen=True, slots=True)
class Kind:
    """What can be shared: its `name` as in `<name>_id`, and `failures` that `find` raises.

    There are no links to it: those need a page that shows the thing to strangers.
    """

    path: str
    name: str
    read: Permission
    find: FindShareable
    failures: tuple[type[AppError], ...]

    @property
    def noun(self) -> str:
        return f"{'an' if self.name[0] in 'aeiou' else 'a'} {self.name}"

    @property
    def one(self) -> str:
        return f"/{{{self.name}_share_id}}"

    def share_id(self) -> Any:
        """The parameter of the path."""
        return Path(alias=f"{self.name}_share_id")

    def found(self, needed: Permission) -> Any:
        """What is to be shared, for whoever has this permission."""
        Caller = Annotated[Access, require(needed, self.read)]  # noqa: N806
        Id = Annotated[UUID, Path(alias=f"{self.name}_id")]  # noqa: N806

        async def own(access: Caller, session: Session, resource_id: Id) -> Shareable:
            return await self.find(session, access, resource_id)

        return Depends(own, scope="function")


def shares_router(kind: Kind) -> APIRouter:
    """`<path>/{<name>_id}/shares`."""
    prefix = f"{kind.path}/{{{kind.name}_id}}/shares"
    router = guarded_router(prefix=prefix, tag="shares")
    _looking(router, kind)
    _changing(router, kind)
    return router


def _looking(router: APIRouter, kind: Kind) -> None:
    Reader = Annotated[Access, require(Permission.SHARES_READ, kind.read)]  # noqa: N806
    Own = Annotated[Shareable, kind.found(Permission.SHARES_READ)]  # noqa: N806
    Id = Annotated[UUID, kind.share_id()]  # noqa: N806

    @router.get(
        "",
        operation_id=f"{kind.name}_shares_list",
        summary=f"List whom {kind.noun} is shared with, newest first",
        response_model=Page[ShareRead],
        responses=problems(*kind.failures, CursorInvalid),
    )
    async def list_shares(
        access: Reader,
        session: Session,
        kernel: KernelDep,
        resource: Own,
        query: Annotated[PageQuery, Query()],
    ) -> object:
        return await sharing.page(session, access, resource, query, kernel.cursors)

    @router.get(
        kind.one,
        operation_id=f"{kind.name}_shares_get",
        summary=f"Show a share of {kind.noun}",
        response_model=ShareRead,
        responses=problems(*kind.failures, ShareNotFound),
    )
    async def get_share(share_id: Id, access: Reader, session: Session, resource: Own) -> Share:
        return await sharing.get(session, access, resource, share_id)


def _changing(router: APIRouter, kind: Kind) -> None:
    Writer = Annotated[Access, require(Permission.SHARES_WRITE, kind.read)]  # noqa: N806
    Own = Annotated[Shareable, kind.found(Permission.SHARES_WRITE)]  # noqa: N806
    Id = Annotated[UUID, kind.share_id()]  # noqa: N806

    @router.post(
        "",
        operation_id=f"{kind.name}_shares_create",
        summary=f"Share {kind.noun}",
        description="With a member, or with everyone who has a role; there are no links to one.",
        status_code=201,
        responses=problems(*kind.failures, ShareInvalid, RoleUnknown, AlreadyShared),
    )
    async def create_share(
        body: ShareCreate, access: Writer, session: Session, resource: Own, response: Response
    ) -> ShareCreated:
        if isinstance(body.grantee, LinkGrantee):
            raise ShareInvalid("/body/grantee/type", f"of {kind.noun} is a member or a role")
        made, token = await sharing.create(session, access, resource, body)
        response.headers["Location"] = f"{kind.path}/{resource.id}/shares/{made.id}"
        return ShareCreated(**ShareRead.model_validate(made).model_dump(), token=token)

    @router.patch(
        kind.one,
        operation_id=f"{kind.name}_shares_update",
        summary=f"Change the level or end of {kind.noun}'s share",
        response_model=ShareRead,
        responses=problems(*kind.failures, ShareNotFound, ShareInvalid),
    )
    async def update_share(
        share_id: Id, body: ShareUpdate, access: Writer, session: Session, resource: Own
    ) -> Share:
        return await sharing.update(session, access, resource, share_id, body)

    @router.delete(
        kind.one,
        operation_id=f"{kind.name}_shares_delete",
        summary=f"Stop sharing {kind.noun}",
        description="At once and for good.",
        status_code=204,
        responses=problems(*kind.failures, ShareNotFound),
    )
    async def delete_share(share_id: Id, access: Writer, session: Session, resource: Own) -> None:
        await sharing.revoke(session, access, resource, share_id)

"""What a workspace does with its guardrails."""

from collections.abc import Callable
from uuid import UUID

from app.core import restorable
from app.core.auth import Access
from app.core.clock import now
from app.core.db import AsyncSession, on_commit
from app.core.ids import new_id
from app.core.paging import Cursors, Slice
from app.core.versions import match
from app.inference.guardrails import crud
from app.inference.guardrails.compiling import check_policy
from app.inference.guardrails.errors import GuardrailNotFound
from app.inference.guardrails.models import Guardrail
from app.inference.guardrails.schemas import GuardrailCreate, GuardrailQuery, GuardrailUpdate

Forget = Callable[[UUID], None]


async def create(
    session: AsyncSession, access: Access, new: GuardrailCreate, forget: Forget
) -> Guardrail:
    """Raises GuardrailInvalid. Other processes follow within seconds; so with every change."""
    check_policy(new.checks)
    made = await crud.add(
        session,
        Guardrail(
            id=new_id(),
            workspace_id=access.workspace_id,
            name=new.name,
            description=new.description,
            enabled=new.enabled,
            applies_to=new.applies_to.model_dump(mode="json"),
            checks=[check.model_dump(mode="json") for check in new.checks],
        ),
    )
    on_commit(session, lambda: forget(access.workspace_id))
    return made


async def get(
    session: AsyncSession, access: Access, guardrail_id: UUID, *, for_update: bool = False
) -> Guardrail:
    """A living one; raises GuardrailNotFound."""
    found = await restorable.find(
        session, Guardrail, access.workspace_id, guardrail_id, for_update=for_update
    )
    if found is None or found.deleted_at:
        raise GuardrailNotFound
    return found


async def page(
    session: AsyncSession, access: Access, query: GuardrailQuery, cursors: Cursors
) -> Slice[Guardrail]:
    return await crud.page(session, access.workspace_id, query, cursors)


async def update(
    session: AsyncSession,
    access: Access,
    guardrail_id: UUID,
    change: GuardrailUpdate,
    forget: Forget,
) -> Guardrail:
    """Raises GuardrailNotFound and GuardrailInvalid."""
    guardrail = await get(session, access, guardrail_id, for_update=True)
    await match(session, guardrail)
    if change.checks is not None:
        check_policy(change.checks)
    for name, value in change.given().items():
        setattr(guardrail, name, value)
    await session.flush()
    await session.refresh(guardrail)
    on_commit(session, lambda: forget(access.workspace_id))
    return guardrail


async def delete(session: AsyncSession, access: Access, guardrail_id: UUID, forget: Forget) -> None:
    guardrail = await get(session, access, guardrail_id, for_update=True)
    await match(session, guardrail)
    guardrail.deleted_at = now()
    await session.flush()
    on_commit(session, lambda: forget(access.workspace_id))


async def restore(
    session: AsyncSession, access: Access, guardrail_id: UUID, forget: Forget
) -> Guardrail:
    """Raises GuardrailNotFound and RestoreExpired."""
    guardrail = await restorable.find(
        session, Guardrail, access.workspace_id, guardrail_id, for_update=True
    )
    if guardrail is None:
        raise GuardrailNotFound
    await restorable.bring_back(session, guardrail)
    on_commit(session, lambda: forget(access.workspace_id))
    return guardrail

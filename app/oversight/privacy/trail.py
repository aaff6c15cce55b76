"""The audit trail as a store of personal data: rows stay, and lose what they say of a person."""

from collections.abc import AsyncIterator
from uuid import UUID

from sqlalchemy import ColumnElement, Text, Uuid, and_, any_, cast, func, literal, or_, select
from sqlalchemy.dialects.postgresql import ARRAY, array

from app.core.db import SYSTEM, Database
from app.oversight.audit.erasure import erase_customer, erase_person
from app.oversight.audit.models import AuditLog
from app.oversight.privacy.people import Person
from app.oversight.privacy.stores import Entry, Tally, no_entries

PLACE = "postgres/audit_logs"
REASON = "evidence: every personal value was taken out, and the chain stays provable"


class TrailStore:
    """What a person did is exported with the other tables; here it is only forgotten."""

    name = "audit trail"

    def __init__(self, database: Database) -> None:
        self._database = database

    def export(self, person: Person) -> AsyncIterator[Entry]:  # noqa: ARG002
        return no_entries()

    async def erase(self, person: Person, tally: Tally) -> None:
        async with self._database.unit(SYSTEM) as session:
            rows = await erase_person(session, person.user_id)
            customers = select(AuditLog.resource_id).where(_of_customers(person)).distinct()
            for customer_id in (await session.scalars(customers)).all():
                rows += await erase_customer(session, UUID(customer_id))
            if rows:
                await tally.add(PLACE, "cleared", rows, reason=REASON, session=session)

    async def left(self, person: Person) -> int:
        async with self._database.unit(SYSTEM) as session:
            about = AuditLog.subject_ids.op("@>")(array([literal(person.user_id, Uuid())]))
            rule = or_(about, _of_customers(person))
            return await session.scalar(select(func.count()).where(rule)) or 0


def _of_customers(person: Person) -> ColumnElement[bool]:
    """The rows that still say something of a customer of a workspace that goes with the person."""
    return and_(
        AuditLog.workspace_id.in_(person.workspaces),
        AuditLog.resource_type == "customer",
        AuditLog.resource_id == any_(cast(AuditLog.subject_ids, ARRAY(Text))),
    )

"""What calls are grouped and chosen by: dimensions as columns of Postgres."""

from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Text, and_, cast, func, literal_column, or_

from app.inference.usage.models import ModelCall
from app.inference.usage.schemas import UsageFilter

COLUMNS: Final[dict[str, Any]] = {
    "model": ModelCall.model,
    "provider": ModelCall.provider,
    "integration": ModelCall.integration_id,
    "route": ModelCall.route,
    "user": ModelCall.user_id,
    "api_key": ModelCall.api_key_id,
    "customer": ModelCall.customer,
    "agent": ModelCall.agent_id,
    "run": ModelCall.run_id,
    "purpose": ModelCall.purpose,
    "operation": ModelCall.operation,
    "status": ModelCall.status,
    "cache": ModelCall.cache_status,
}
FORMATS: Final = {"day": "YYYY-MM-DD", "hour": 'YYYY-MM-DD"T"HH24'}
# The one tag of a row, where calls are multiplied by their tags.
TAG: Final = literal_column("one_tag.value", Text)


def dimension(name: str, timezone: str) -> ColumnElement[Any]:
    """The text that a call falls under."""
    if name == "tag":
        return TAG
    if name in FORMATS:
        return func.to_char(func.timezone(timezone, ModelCall.created_at), FORMATS[name])
    return cast(COLUMNS[name], Text)


def chosen(workspace_id: object, query: UsageFilter) -> ColumnElement[bool]:
    """The calls that a filter lets through."""
    start, end = query.span()
    found = [
        ModelCall.workspace_id == workspace_id,
        ModelCall.created_at >= start,
        ModelCall.created_at < end,
    ]
    for name, column in COLUMNS.items():
        if wanted := getattr(query, name):
            found.append(column.in_(wanted))
    if query.tag:
        found.append(or_(*(ModelCall.tags.contains([tag]) for tag in query.tag)))
    if query.guardrail:
        found.append(
            or_(*(ModelCall.guardrails.contains(_of(query, one)) for one in query.guardrail))
        )
    return and_(*found)


def _of(query: UsageFilter, guardrail_id: UUID) -> list[dict[str, str]]:
    action = query.guardrail_action
    return [{"guardrail_id": str(guardrail_id)} | ({"action": action} if action else {})]

"""Lists of users and groups: filters, pages by index, chosen attributes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from scim2_models import Context, Group, ListResponse, SearchRequest, TooManyException
from scim2_models.path import CompareOperator, Comparison, LogicalExpr, LogicalOperator

from app.core.db import AsyncSession
from app.identity.scim import crud, protocol
from app.identity.scim.people import Directory
from app.identity.scim.protocol import MOST_RESULTS, POLICY, Person

MOST_SEARCHED = 10_000
_PARAMETERS = ("filter", "startIndex", "count", "attributes", "excludedAttributes")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a list is asked for."""

    request: Any
    start: int
    count: int

    @classmethod
    def of(cls, kind: Any, parameters: Mapping[str, Any]) -> "Wanted":
        """Read the parameters of a query; raises ValidationError."""
        given = {name: parameters[name] for name in _PARAMETERS if name in parameters}
        with POLICY:
            request = SearchRequest[kind].model_validate(given, scim_ctx=Context.SEARCH_REQUEST)
        count = MOST_RESULTS if request.count is None else request.count
        return cls(request, max(1, request.start_index or 1), max(0, min(MOST_RESULTS, count)))


async def users(
    session: AsyncSession, directory: Directory, parameters: Mapping[str, Any]
) -> dict[str, Any]:
    wanted = Wanted.of(Person, parameters)
    narrowed = crud.user_conditions(equalities(wanted.request.filter))
    rows, total = await crud.users(session, directory.workspace_id, narrowed, **_window(wanted))
    held = await crud.groups_of(session, directory.workspace_id, [row.id for row in rows])
    people = [protocol.read_user(row, held.get(row.id, []), directory.base_url) for row in rows]
    return _listed(Person, wanted, people, total)


async def groups(
    session: AsyncSession, directory: Directory, parameters: Mapping[str, Any]
) -> dict[str, Any]:
    wanted = Wanted.of(Group, parameters)
    narrowed = crud.group_conditions(equalities(wanted.request.filter))
    rows, total = await crud.groups(session, directory.workspace_id, narrowed, **_window(wanted))
    held = await crud.members(session, directory.workspace_id, [row.id for row in rows])
    found = [protocol.read_group(row, held.get(row.id, []), directory.base_url) for row in rows]
    return _listed(Group, wanted, found, total)


async def everything(
    session: AsyncSession, directory: Directory, parameters: Mapping[str, Any]
) -> dict[str, Any]:
    """Users, then groups."""
    wanted = Wanted.of(Person | Group, parameters)
    workspace_id = directory.workspace_id
    people, _ = await crud.users(session, workspace_id, limit=MOST_SEARCHED + 1)
    teams, _ = await crud.groups(session, workspace_id, limit=MOST_SEARCHED + 1)
    if len(people) + len(teams) > MOST_SEARCHED:
        raise TooManyException(detail="Search users and groups by themselves.")
    of_people = await crud.groups_of(session, workspace_id, [row.id for row in people])
    of_teams = await crud.members(session, workspace_id, [row.id for row in teams])
    base_url = directory.base_url
    found = [
        *(protocol.read_user(row, of_people.get(row.id, []), base_url) for row in people),
        *(protocol.read_group(row, of_teams.get(row.id, []), base_url) for row in teams),
    ]
    return _matching(Person | Group, wanted, found)


def equalities(expression: Any) -> dict[str, str]:
    """What every match of a filter must equal, so that the database can look there alone."""
    if expression is None:
        return {}
    found: dict[str, str] = {}
    pending = [expression.ast]
    while pending:
        node = pending.pop()
        if isinstance(node, LogicalExpr) and node.op == LogicalOperator.and_:
            pending.extend(node.terms)
        elif isinstance(node, Comparison) and node.op == CompareOperator.eq:
            found[str(node.attr_path).lower().rpartition(":")[2]] = str(node.value)
    # What Postgres refuses to hear of is in no row; the filter itself finds that out.
    return {name: value for name, value in found.items() if "\x00" not in value}


def _window(wanted: Wanted) -> dict[str, int]:
    """Which rows to read: a page of them, or with a filter all that may match."""
    if wanted.request.filter is None:
        return {"offset": wanted.start - 1, "limit": wanted.count}
    return {"offset": 0, "limit": MOST_SEARCHED + 1}


def _listed(kind: Any, wanted: Wanted, found: list[Any], total: int) -> dict[str, Any]:
    """A page that was read as one, or what matches of all that was read."""
    if wanted.request.filter is None:
        return _shown(kind, wanted, found, total)
    if len(found) > MOST_SEARCHED:
        raise TooManyException(detail="Narrow the filter down.")
    return _matching(kind, wanted, found)


def _matching(kind: Any, wanted: Wanted, found: list[Any]) -> dict[str, Any]:
    if wanted.request.filter is not None:
        with POLICY:
            found = [each for each in found if wanted.request.filter.match(each)]
    first = wanted.start - 1
    return _shown(kind, wanted, found[first : first + wanted.count], len(found))


def _shown(kind: Any, wanted: Wanted, found: list[Any], total: int) -> dict[str, Any]:
    answer = ListResponse[kind](
        total_results=total,
        start_index=wanted.start,
        items_per_page=len(found),
        resources=found,
    )
    shown: dict[str, Any] = answer.model_dump(
        scim_ctx=Context.RESOURCE_QUERY_RESPONSE, response_parameters=wanted.request
    )
    return shown

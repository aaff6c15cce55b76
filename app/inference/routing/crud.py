"""Routes and their arms in Postgres."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import restorable
from app.core.paging import Cursors, Slice
from app.inference.routing.adaptive.learner import Task
from app.inference.routing.errors import RouteSlugTaken
from app.inference.routing.models import Route, RouteArm
from app.inference.routing.schemas import RouteQuery


async def page(
    session: AsyncSession, workspace_id: UUID, query: RouteQuery, cursors: Cursors
) -> Slice[Route]:
    wanted = [Route.strategy == query.strategy] if query.strategy else []
    return await restorable.page(session, Route, workspace_id, query, cursors, *wanted)


async def add(session: AsyncSession, route: Route) -> Route:
    """Raises RouteSlugTaken."""
    async with _slug_of_its_own(session, route.slug):
        session.add(route)
    return route


async def restore(session: AsyncSession, route: Route) -> None:
    """Have a deleted one live again; raises RouteSlugTaken."""
    async with _slug_of_its_own(session, route.slug):
        route.deleted_at = None


async def withdraw_default(session: AsyncSession, workspace_id: UUID) -> None:
    """Leave the workspace without a default route."""
    statement = select(Route).where(
        Route.workspace_id == workspace_id, Route.is_default, Route.deleted_at.is_(None)
    )
    for route in (await session.scalars(statement.with_for_update())).all():
        route.is_default = False
    await session.flush()


@asynccontextmanager
async def _slug_of_its_own(session: AsyncSession, slug: str) -> AsyncIterator[None]:
    """Write what is done within, or raise RouteSlugTaken with nothing done."""
    try:
        async with session.begin_nested():
            yield
    except IntegrityError as error:
        raise RouteSlugTaken(f"The slug {slug!r} is in use; give this route another.") from error


async def arms_of_workspace(
    session: AsyncSession, workspace_id: UUID
) -> Sequence[tuple[RouteArm, int]]:
    """What the living adaptive routes of a workspace know, each with its route's generation."""
    statement = (
        select(RouteArm, Route.generation)
        .join(Route, Route.id == RouteArm.route_id)
        .where(
            RouteArm.workspace_id == workspace_id,
            Route.strategy == "adaptive",
            Route.deleted_at.is_(None),
        )
    )
    return (await session.execute(statement)).all()


async def forget_arms(session: AsyncSession, workspace_id: UUID, route_id: UUID) -> None:
    await session.execute(
        delete(RouteArm).where(RouteArm.workspace_id == workspace_id, RouteArm.route_id == route_id)
    )


# Processes that add to the same route take turns, so that their updates cannot wait on each other,
# and none of them adds while the route starts again. A route that is gone takes what was learned
# since with it.
_TURN = text(
    """
    select true from ai_routes
    where workspace_id = :workspace and id = :route and generation = :generation
    for no key update
    """
)
_FADE = text(
    """
    update route_arms set
        pulls = pulls * :left, failures = failures * :left,
        run_sum = run_sum * :left, run_weight = run_weight * :left,
        rated_sum = rated_sum * :left, rated_weight = rated_weight * :left
    where workspace_id = :workspace and route_id = :route and category = :category
    """
)
_ADD = text(
    """
    insert into route_arms (
        id, workspace_id, route_id, category, deployment, pulls, failures, run_sum, run_weight,
        rated_sum, rated_weight, calls, errors, ratings, evaluations, created_at, updated_at)
    values (
        gen_random_uuid(), :workspace, :route, :category, :deployment, :pulls,
        :failures, :run_sum, :run_weight, :rated_sum, :rated_weight, :calls, :errors, :ratings,
        :evaluations, now(), now())
    on conflict (route_id, category, deployment) do update set
        pulls = route_arms.pulls + excluded.pulls,
        failures = route_arms.failures + excluded.failures,
        run_sum = route_arms.run_sum + excluded.run_sum,
        run_weight = route_arms.run_weight + excluded.run_weight,
        rated_sum = route_arms.rated_sum + excluded.rated_sum,
        rated_weight = route_arms.rated_weight + excluded.rated_weight,
        calls = route_arms.calls + excluded.calls,
        errors = route_arms.errors + excluded.errors,
        ratings = route_arms.ratings + excluded.ratings,
        evaluations = route_arms.evaluations + excluded.evaluations,
        updated_at = now()
    """
)


async def add_to_arms(
    session: AsyncSession,
    workspace_id: UUID,
    task: Task,
    left: float,
    gains: Sequence[dict[str, Any]],
) -> None:
    """Fade what a task knew to `left` of it, and add what each deployment gained.

    Nothing is added where the route has started again since.
    """
    where: dict[str, Any] = {"workspace": workspace_id, "route": task.route_id}
    if await session.scalar(_TURN, where | {"generation": task.generation}) is None:
        return
    where["category"] = task.category
    await session.execute(_FADE, where | {"left": left})
    for gain in gains:
        await session.execute(_ADD, where | gain)

"""What routing knows of a workspace's own routes, as it was read at one moment."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from app.core import restorable
from app.core.db import Database, Scope
from app.core.fresh import Fresh
from app.inference.routing import crud
from app.inference.routing.adaptive.arms import NAMES, Arm
from app.inference.routing.adaptive.learner import Known, Task
from app.inference.routing.models import Route
from app.inference.routing.spec import RouteSpec, compiled


@dataclass(frozen=True, slots=True)
class RouteBook:
    """The routes by slug, and what the adaptive ones knew at `read_at` (monotonic seconds)."""

    routes: Mapping[str, RouteSpec] = field(default_factory=dict)
    default: RouteSpec | None = None
    arms: Known = field(default_factory=dict)
    read_at: float = 0.0

    def by_id(self, route_id: UUID) -> RouteSpec | None:
        return next((spec for spec in self.routes.values() if spec.id == route_id), None)


def remembered_routes(database: Database) -> Fresh[RouteBook]:
    """The routes of workspaces, kept in memory for some seconds."""

    async def load(workspace_id: UUID) -> RouteBook:
        began = time.monotonic()
        async with database.unit(Scope(workspace_id=workspace_id)) as session:
            specs = [
                compiled(row) for row in await restorable.all_living(session, Route, workspace_id)
            ]
            learns = any(spec.strategy == "adaptive" for spec in specs)
            rows = await crud.arms_of_workspace(session, workspace_id) if learns else ()
        arms: dict[Task, dict[str, Arm]] = {}
        for row, generation in rows:
            arm = Arm(**{name: getattr(row, name) for name in NAMES})
            task = Task(row.route_id, generation, row.category)
            arms.setdefault(task, {})[row.deployment] = arm
        return RouteBook(
            routes={spec.slug: spec for spec in specs},
            default=next((spec for spec in specs if spec.is_default), None),
            arms=arms,
            read_at=began,
        )

    return Fresh(load)

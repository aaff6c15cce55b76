"""What an adaptive route has learned, told arm by arm."""

from collections.abc import Iterator
from uuid import UUID

from app.inference.routing.adaptive.arms import Arm, posteriors
from app.inference.routing.adaptive.learner import Task
from app.inference.routing.planner import Router
from app.inference.routing.pool import Wish
from app.inference.routing.schemas_read import ArmRead, RouteLearning
from app.inference.routing.spec import RouteSpec
from app.inference.routing.view import View

# 90 % of a normal distribution lie within so many deviations, 5 % on either side.
DEVIATIONS = 1.645


async def learning_of(router: Router, workspace_id: UUID, route_id: UUID) -> RouteLearning:
    """What is known by now, what is not stored yet included; raises RouteNotFound."""
    spec = await router.route(workspace_id, str(route_id))
    view = await router.view(workspace_id)
    generation = spec.generation
    categories = {
        task.category for task in view.book.arms if task[:2] == (route_id, generation)
    } | router.learner.categories(route_id, generation)
    told: list[ArmRead] = []
    for category in sorted(categories):
        book = view.book
        task = Task(route_id, generation, category)
        arms = router.learner.arms(task, book.arms, book.read_at)
        told += sorted(_told(view, spec, category, dict(arms)), key=lambda arm: -arm.mean)
    return RouteLearning(route_id=route_id, frozen=spec.learning.frozen, arms=told)


def _told(view: View, spec: RouteSpec, category: str, arms: dict[str, Arm]) -> Iterator[ArmRead]:
    pool = view.pool(spec, Wish(frozenset(), ()))
    entries = {entry.deployment: entry for entry in pool.entries}
    qualities = {name: entry.quality for name, entry in entries.items()}
    known = posteriors(
        arms, qualities | {name: qualities.get(name) for name in arms}, spec.learning
    )
    pulls = sum(arm.pulls for arm in arms.values())
    for name, belief in known.items():
        arm, spread = arms.get(name, Arm()), DEVIATIONS * belief.deviation
        yield ArmRead(
            category=category,
            deployment=name,
            model=entries[name].reference if name in entries else None,
            pulls=round(arm.pulls, 3),
            mean=round(belief.mean, 6),
            low=round(max(0.0, belief.mean - spread), 6),
            high=round(min(1.0, belief.mean + spread), 6),
            share=round(arm.pulls / pulls, 6) if pulls else 0.0,
            calls=arm.calls,
            errors=arm.errors,
            ratings=arm.ratings,
            evaluations=arm.evaluations,
        )

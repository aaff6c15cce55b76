"""Settling once, for all cases of an experiment, which version of each target is asked."""

from uuid import UUID

from app.agents.evaluations.experiments import service
from app.agents.evaluations.experiments.models import Experiment
from app.agents.evaluations.experiments.schemas import (
    ModelTarget,
    PinnedAgent,
    PinnedPrompt,
    PinnedTarget,
)
from app.agents.evaluations.experiments.targets import Asks
from app.core import restorable
from app.core.db import Database, Scope
from app.core.errors import AppError


async def pin(database: Database, scope: Scope, asks: Asks, experiment: Experiment) -> None:
    """Write the versions down, unless they were before: a label that moves changes nothing more.

    What cannot be found stays unpinned: its cases fail with the reason.
    """
    targets = [await _pinned(asks, each) for each in service.targets_in(experiment.targets)]
    pinned = [each.model_dump(mode="json") for each in targets]
    if pinned == experiment.targets:
        return
    async with database.unit(scope) as session:
        kept = await restorable.find(
            session, Experiment, experiment.workspace_id, experiment.id, for_update=True
        )
        if kept is not None:
            kept.targets = pinned
    experiment.targets = pinned


async def _pinned(asks: Asks, target: PinnedTarget) -> PinnedTarget:
    if isinstance(target, ModelTarget) or target.resolved_version is not None:
        return target
    try:
        found = await _version_of(asks, target)
    except AppError:
        return target
    if found is None:
        return target
    return target.model_copy(update={"resolved_id": found[0], "resolved_version": found[1]})


async def _version_of(asks: Asks, target: PinnedAgent | PinnedPrompt) -> tuple[UUID, int] | None:
    version, label = target.version, target.label
    if isinstance(target, PinnedAgent) and asks.runner is not None:
        return await asks.runner.version_of(asks.access, target.agent, version, label)
    if isinstance(target, PinnedPrompt) and asks.prompts is not None and target.template:
        return await asks.prompts.version_of(asks.access, target.template, version, label)
    return None

"""The node type `subworkflow`: another workflow's run, waited for or left to itself."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar

from pydantic import Field

from app.automation.language.flow import MOST_DEPTH
from app.automation.nodes.agent import ended, spent
from app.automation.nodes.faults import expect_allowed
from app.automation.nodes.fields import JsonObject, Slug
from app.automation.nodes.node_type import Awaited, Given, StepContext, StepFault, WaitingNode
from app.automation.nodes.starting import RunWanted, StartsRuns
from app.core.auth import Access, Permission
from app.core.errors import FieldError
from app.core.schema import Input, Text, WholeNumber


class SubworkflowConfig(Input):
    workflow: Annotated[Slug, Field(description="Its slug or id.")]
    version: Annotated[WholeNumber | None, Field(ge=1, le=1_000_000)] = None
    label: Annotated[Text | None, Field(min_length=1, max_length=64)] = None
    inputs: JsonObject = Field(default_factory=dict)
    wait: Annotated[bool, Field(description="False: go on at once, with the `run_id` alone.")] = (
        True
    )


class Subworkflow(WaitingNode[SubworkflowConfig]):
    """At most eight deep; each attempt is a run of its own, the same in every process."""

    name = "subworkflow"
    title = "Run a workflow"
    config = SubworkflowConfig
    example: ClassVar[Mapping[str, Any]] = {
        "id": "onboarding",
        "type": "subworkflow",
        "with": {
            "workflow": "onboarding",
            "label": "production",
            "inputs": {"customer": "{{ inputs.customer }}"},
        },
    }

    sample: ClassVar[Any] = {"output": None, "run_id": None}

    def __init__(self, starter: StartsRuns) -> None:
        self._starter = starter

    async def mistakes(self, access: Access, settings: Mapping[str, Any]) -> Sequence[FieldError]:
        del access
        if settings.get("version") is None or settings.get("label") is None:
            return ()
        said = "is named beside a version: only one of them says which"
        return [FieldError("/label", "version_and_label", said)]

    async def begin(self, ctx: StepContext, config: SubworkflowConfig) -> Awaited | Given:
        """Raises StepFault: `too_deep`; and what starting a run raises."""
        expect_allowed(ctx, Permission.WORKFLOWS_RUN)
        if ctx.depth >= MOST_DEPTH:
            raise StepFault("too_deep", f"Workflows call each other at most {MOST_DEPTH} deep.")
        run = await self._starter.start(
            ctx.access,
            RunWanted(
                config.workflow,
                config.inputs,
                config.version,
                config.label,
                trigger="subworkflow",
                key=f"{ctx.key}#{ctx.attempt}",
                parent_run_id=ctx.run_id,
                parent_path=ctx.path,
                depth=ctx.depth + 1,
            ),
        )
        if not config.wait:
            return Given({"output": None, "run_id": str(run.id)})
        return Awaited("run", subject=str(run.id))

    def finish(self, config: SubworkflowConfig, brought: Mapping[str, Any] | None) -> Given:
        """Raises StepFault: `timeout`, `subworkflow_failed`, `subworkflow_cancelled`."""
        del config
        told = ended(brought, "subworkflow")
        result = told.get("result") or {}
        output = {"output": result.get("output"), "run_id": told.get("run_id")}
        return Given(output, **spent(told))

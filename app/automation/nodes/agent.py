"""The node type `agent`: an agent's run, waited for without a process that holds anything."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Final
from uuid import uuid5

from pydantic import Field

from app.agents.runtime.launching import Launcher, RunWanted
from app.automation.nodes.faults import expect_allowed
from app.automation.nodes.fields import JsonObject, Slug, is_template
from app.automation.nodes.node_type import Awaited, Given, StepContext, StepFault, WaitingNode
from app.core.auth import Access, Permission
from app.core.errors import AppError, FieldError
from app.core.schema import DecimalText, Input, Text, WholeNumber

MOST_CHARACTERS: Final = 200_000


class AgentConfig(Input):
    agent: Annotated[Slug, Field(description="Its slug or id.")]
    input: Annotated[Text, Field(min_length=1, max_length=MOST_CHARACTERS)]
    variables: JsonObject = Field(default_factory=dict)
    version: Annotated[WholeNumber | None, Field(ge=1, le=1_000_000)] = None
    label: Annotated[Text | None, Field(min_length=1, max_length=64)] = None
    budget_usd: Annotated[
        Decimal | None,
        Field(gt=0, le=1_000_000, description="Of this run; at most what the workflow has left."),
        DecimalText(),
    ] = None


class AgentNode(WaitingNode[AgentConfig]):
    """Each attempt is a run of its own, the same in every process."""

    name = "agent"
    title = "Run an agent"
    config = AgentConfig
    example: ClassVar[Mapping[str, Any]] = {
        "id": "research",
        "type": "agent",
        "with": {"agent": "researcher", "input": "{{ inputs.question }}", "budget_usd": "0.50"},
    }

    sample: ClassVar[Any] = {"text": "…", "output": None, "run_id": None}

    def __init__(self, launcher: Launcher) -> None:
        self._launcher = launcher

    async def mistakes(self, access: Access, settings: Mapping[str, Any]) -> Sequence[FieldError]:
        if settings.get("version") is not None and settings.get("label") is not None:
            said = "is named beside a version: only one of them says which"
            return [FieldError("/label", "version_and_label", said)]
        named = settings.get("agent")
        if not isinstance(named, str) or is_template(named):
            return ()
        try:
            await self._launcher.cast(access, named)
        except AppError as error:
            return [FieldError("/agent", error.code, error.detail)]
        return ()

    async def begin(self, ctx: StepContext, config: AgentConfig) -> Awaited:
        """Raises StepFault, and what starting an agent's run raises."""
        expect_allowed(ctx, Permission.AGENTS_RUN, Permission.MODELS_INVOKE)
        run = await self._launcher.start(
            ctx.access,
            RunWanted(
                config.agent,
                config.input,
                config.variables,
                config.version,
                config.label,
                parent_run_id=ctx.run_id,
                metadata={"workflow": ctx.workflow, "path": ctx.path},
                budget_usd=_smaller(config.budget_usd, ctx.budget_usd),
                run_id=uuid5(ctx.run_id, f"{ctx.key}#{ctx.attempt}"),
            ),
        )
        return Awaited("run", subject=str(run.id))

    def finish(self, config: AgentConfig, brought: Mapping[str, Any] | None) -> Given:
        """Raises StepFault: `timeout`, `agent_failed`, `agent_cancelled`."""
        del config
        told = ended(brought, "agent")
        result = told.get("result") or {}
        output = {
            "text": result.get("text") or "",
            "output": result.get("output"),
            "run_id": told.get("run_id"),
        }
        return Given(output, **spent(told))


def ended(brought: Mapping[str, Any] | None, what: str) -> Mapping[str, Any]:
    """What is told of a child run that has completed; raises StepFault for any other."""
    if brought is None:
        raise StepFault("timeout", f"The {what}'s run took longer than the step may.")
    if brought.get("status") == "completed":
        return brought
    error = brought.get("error") or {}
    status = str(brought.get("status"))
    said = error.get("detail") or error.get("title") or f"The {what}'s run was {status}."
    raise StepFault(
        f"{what}_{'cancelled' if status == 'cancelled' else 'failed'}",
        str(said)[:2000],
        retryable=bool(error.get("retryable", False)),
        detail={"run_id": brought.get("run_id"), "code": error.get("code")},
        **spent(brought),
    )


def spent(told: Mapping[str, Any]) -> dict[str, Any]:
    """What a child run took, as Given and StepFault have it; nothing where that is not told."""
    cost = told.get("cost_usd", 0)
    return {
        "input_tokens": int(told.get("input_tokens") or 0),
        "output_tokens": int(told.get("output_tokens") or 0),
        "cost_usd": None if cost is None else Decimal(str(cost)),
    }


def _smaller(wanted: Decimal | None, left: Decimal | None) -> Decimal | None:
    return min((each for each in (wanted, left) if each is not None), default=None)

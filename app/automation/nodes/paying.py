"""Whoever pays for what a step has models do."""

from dataclasses import replace
from typing import Final

from app.automation.nodes.node_type import StepContext
from app.inference.usage.payer import Payer, payer_of

PURPOSE: Final = "workflow"


def payer_of_step(ctx: StepContext) -> Payer:
    """Whoever started the run; what is left bounds it more than what is allowed in all."""
    cap = ctx.run_cap if ctx.run_cap is not None else ctx.budget_usd
    return replace(payer_of(ctx.access, PURPOSE, ctx.run_id), run_cap=cap)

"""The routers of this room, in the order in which a newcomer reads them."""

from fastapi import APIRouter

from app.automation.generation.router import router as workflow_generation
from app.automation.runs.analysis_router import explaining_router as run_explanations
from app.automation.runs.analysis_router import router as workflow_run_analyses
from app.automation.runs.analysis_router import statistics_router as workflow_statistics
from app.automation.runs.control_router import router as workflow_run_control
from app.automation.runs.router import router as workflow_runs
from app.automation.runs.router import starting_router as workflow_run_starts
from app.automation.tasks.router import router as tasks
from app.automation.triggers.routes import ROUTERS as TRIGGERS
from app.automation.workflows.exchange_router import router as workflow_exchange
from app.automation.workflows.node_types_router import schema_router as workflow_schema
from app.automation.workflows.node_types_router import types_router as workflow_node_types
from app.automation.workflows.router import router as workflows
from app.automation.workflows.shares import router as workflow_shares
from app.automation.workflows.versions_router import router as workflow_versions

ROUTERS: tuple[APIRouter, ...] = (
    workflow_schema,
    workflow_exchange,
    workflow_generation,
    workflows,
    workflow_versions,
    workflow_shares,
    workflow_node_types,
    workflow_run_starts,
    workflow_statistics,
    workflow_runs,
    workflow_run_analyses,
    workflow_run_control,
    run_explanations,
    tasks,
    *TRIGGERS,
)

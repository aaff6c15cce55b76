"""The routers of this room, in the order in which a newcomer reads them."""

from fastapi import APIRouter

from app.agents.a2a.router import router as remote_agents
from app.agents.catalogue.router import router as tools
from app.agents.credentials.router import router as tool_credentials
from app.agents.custom_tools.imports_router import router as custom_tool_imports
from app.agents.custom_tools.router import router as custom_tools
from app.agents.databases.router import router as databases
from app.agents.definitions.exchange_router import router as agent_exchange
from app.agents.definitions.router import router as agents
from app.agents.definitions.shares import router as agent_shares
from app.agents.definitions.versions_router import router as agent_versions
from app.agents.evaluations.datasets.router import router as datasets
from app.agents.evaluations.experiments.router import of_evaluation as evaluation_experiments
from app.agents.evaluations.experiments.router import router as experiments
from app.agents.evaluations.gates.router import router as evaluation_gate
from app.agents.evaluations.importing.router import router as evaluation_import
from app.agents.evaluations.router import router as evaluations
from app.agents.frontends.router import router as agent_frontends
from app.agents.mailbox.reading_router import router as mail
from app.agents.mailbox.router import router as mailboxes
from app.agents.mailbox.rules_router import rules_router as mailbox_rules
from app.agents.mailbox.rules_router import subscriptions_router as mailbox_subscriptions
from app.agents.mcp_servers.router import router as mcp_servers
from app.agents.memory.blocks_router import router as memory_blocks
from app.agents.memory.router import router as memories
from app.agents.memory.settings_router import router as memory_settings
from app.agents.runtime.approvals_router import router as approvals
from app.agents.runtime.router import router as agent_runs
from app.agents.runtime.runs_router import router as agent_runs_shown
from app.agents.templates.routes import ROUTERS as TEMPLATES

ROUTERS: tuple[APIRouter, ...] = (
    agent_exchange,
    agents,
    agent_versions,
    agent_shares,
    agent_runs,
    agent_runs_shown,
    agent_frontends,
    approvals,
    tools,
    tool_credentials,
    databases,
    custom_tools,
    custom_tool_imports,
    mcp_servers,
    remote_agents,
    mailboxes,
    mail,
    mailbox_rules,
    mailbox_subscriptions,
    memory_settings,
    memories,
    memory_blocks,
    datasets,
    evaluation_import,
    evaluations,
    evaluation_experiments,
    evaluation_gate,
    experiments,
    *TEMPLATES,
)

"""The routers of this room, in the order in which a newcomer reads them."""

from typing import Final

from app.agents.templates.routes import ROUTERS as TEMPLATES
from app.core.http.late_router import LateRouter

ROUTERS: Final = (
    LateRouter("app.agents.definitions.exchange_router", "/v1/agents"),
    LateRouter("app.agents.definitions.router", "/v1/agents"),
    LateRouter("app.agents.definitions.versions_router", "/v1/agents"),
    LateRouter("app.agents.definitions.shares", "/v1/agents"),
    LateRouter("app.agents.runtime.router", "/v1/agents"),
    LateRouter("app.agents.runtime.runs_router", "/v1/runs"),
    LateRouter("app.agents.frontends.router", "/v1/agents"),
    LateRouter("app.agents.runtime.approvals_router", "/v1/approvals"),
    LateRouter("app.agents.catalogue.router", "/v1/tools"),
    LateRouter("app.agents.credentials.router", "/v1/tools"),
    LateRouter("app.agents.databases.router", "/v1/databases"),
    LateRouter("app.agents.custom_tools.router", "/v1/tools"),
    LateRouter("app.agents.custom_tools.imports_router", "/v1/tools"),
    LateRouter("app.agents.mcp_servers.router", "/v1/mcp-servers"),
    LateRouter("app.agents.a2a.router", "/v1/remote-agents"),
    LateRouter("app.agents.mailbox.router", "/v1/mailboxes"),
    LateRouter("app.agents.mailbox.reading_router", "/v1/mailboxes"),
    LateRouter("app.agents.mailbox.rules_router:rules_router", "/v1/mailbox-rules"),
    LateRouter("app.agents.mailbox.rules_router:subscriptions_router", "/v1/mailbox-subscriptions"),
    LateRouter("app.agents.memory.settings_router", "/v1/memories"),
    LateRouter("app.agents.memory.router", "/v1/memories"),
    LateRouter("app.agents.memory.blocks_router", "/v1/memory-blocks"),
    LateRouter("app.agents.evaluations.datasets.router", "/v1/datasets"),
    LateRouter("app.agents.evaluations.importing.router", "/v1/evaluations"),
    LateRouter("app.agents.evaluations.router", "/v1/evaluations"),
    LateRouter("app.agents.evaluations.experiments.router:of_evaluation", "/v1/evaluations"),
    LateRouter("app.agents.evaluations.gates.router", "/v1/evaluations"),
    LateRouter("app.agents.evaluations.experiments.router", "/v1/experiments"),
    *TEMPLATES,
)

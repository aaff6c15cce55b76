"""The node types that act on the world outside a run, opened for one process."""

from typing import Any

from app.agents.agents import Agents
from app.agents.sandbox.sandbox import Sandbox
from app.agents.tools.local.documents import Documents
from app.automation.language.jsonata import Jsonata
from app.automation.nodes.agent import AgentNode
from app.automation.nodes.code import CodeNode
from app.automation.nodes.connector import ConnectorNode
from app.automation.nodes.connectors.checked_rows import rows_connector
from app.automation.nodes.connectors.collection import collection_connector
from app.automation.nodes.connectors.connector import Connector
from app.automation.nodes.connectors.database import database_connector
from app.automation.nodes.connectors.files import files_connector
from app.automation.nodes.connectors.http_rows import http_connector
from app.automation.nodes.connectors.state import state_connector
from app.automation.nodes.dagger import Dagger
from app.automation.nodes.dagger_engine import Engine
from app.automation.nodes.dictionary import DictionaryNode
from app.automation.nodes.emit import Emit
from app.automation.nodes.http import Http
from app.automation.nodes.jsonata import JsonataNode
from app.automation.nodes.llm import Llm
from app.automation.nodes.node_type import NodeType
from app.automation.nodes.retrieve import Retrieve
from app.automation.nodes.starting import StartsRuns
from app.automation.nodes.subworkflow import Subworkflow
from app.automation.nodes.tool import ToolNode
from app.core.kernel import Kernel
from app.inference.inference import Inference
from app.knowledge.ingestion.writing import Writing
from app.knowledge.knowledge import Knowledge
from app.knowledge.storage.files import Files


def builtin_nodes(
    kernel: Kernel,
    inference: Inference,
    knowledge: Knowledge,
    agents: Agents,
    starter: StartsRuns,
    files: Files,
    jsonata: Jsonata,
) -> tuple[NodeType[Any], ...]:
    """Beside those of `plain.py`, which need nothing of the process."""
    documents = Documents(kernel.database, files, kernel.cursors)
    client = agents.custom_tools.client
    return (
        Llm(inference.calls),
        AgentNode(agents.launcher),
        ToolNode(agents.tools),
        Retrieve(knowledge.searching, documents),
        DictionaryNode(kernel.database, knowledge.detector, knowledge.searching),
        Http(client, agents.credentials),
        ConnectorNode(_connectors(kernel, agents, documents)),
        JsonataNode(jsonata),
        CodeNode(Sandbox()),
        Emit(kernel.database),
        Subworkflow(starter),
        Dagger(Engine(kernel.settings)),
    )


def _connectors(kernel: Kernel, agents: Agents, documents: Documents) -> tuple[Connector, ...]:
    most = kernel.settings.max_document_bytes
    writing = Writing(kernel.database, documents.files, most)
    return (
        database_connector(kernel.database, agents.databases, agents.writable_databases),
        files_connector(documents),
        collection_connector(documents, writing, agents.launcher),
        http_connector(agents.custom_tools.client, agents.credentials),
        rows_connector(),
        state_connector(kernel.database),
    )

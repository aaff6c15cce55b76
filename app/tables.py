"""Every table of the service, so that one import fills the metadata."""

from app.agents.a2a.models import A2aAgent
from app.agents.credentials.models import ToolCredential
from app.agents.custom_tools.models import CustomTool
from app.agents.databases.models import ConnectedDatabase
from app.agents.definitions.models import Agent, AgentVersion, ModelProbe
from app.agents.evaluations.datasets.models import (
    Dataset,
    DatasetCase,
    DatasetSnapshot,
    SnapshotCase,
)
from app.agents.evaluations.experiments.models import Experiment, ExperimentResult
from app.agents.evaluations.models import AgentEvaluation
from app.agents.mailbox.models import (
    Mailbox,
    MailboxMessage,
    MailboxRule,
    MailboxSubscription,
)
from app.agents.mcp_servers.models import McpServer, McpTool
from app.agents.memory.models import (
    Memory,
    MemoryBlock,
    MemoryExtraction,
    MemoryRevision,
    MemorySettings,
)
from app.agents.runtime.models import Execution, ExecutionStep, ToolApproval
from app.agents.templates.models import (
    Template,
    TemplateInstance,
    TemplateUsage,
    TemplateVersion,
)
from app.automation.engine.models import StepCache, WorkflowRun, WorkflowStep, WorkflowWait
from app.automation.state.models import WorkflowState
from app.automation.triggers.models import WorkflowDelivery, WorkflowTrigger
from app.automation.workflows.models import Workflow, WorkflowVersion
from app.chat.conversations.models import Conversation
from app.chat.messages.models import Message
from app.core.crypto.root import RootSecret
from app.core.db import Base
from app.core.idempotency import IdempotencyKey
from app.core.mail.models import OutgoingMail
from app.core.outbox import OutboxEvent
from app.identity.api_keys.models import ApiKey
from app.identity.connections.models import ManagedAccount, SsoConnection, SsoDomain
from app.identity.factors.models import Passkey, RecoveryCode, TotpFactor
from app.identity.invitations.models import Invitation
from app.identity.scim.models import ScimGroup, ScimGroupMember, ScimToken, ScimUser
from app.identity.service_accounts.models import ServiceAccount
from app.identity.sessions.models import RefreshToken, SigningKey, UserSession
from app.identity.sharing.models import Share
from app.identity.sso.models import UserIdentity
from app.identity.users.models import AccountToken, Avatar, User
from app.identity.workspaces.models import CustomRole, Membership, Workspace
from app.inference.batches.models import Batch, BatchLine, BatchPart, StoredFile
from app.inference.budgets.models import Budget, BudgetAlert, BudgetCarry
from app.inference.cache.models import ResponseCache
from app.inference.compare.models import Comparison
from app.inference.customers.models import Customer, CustomerDefaults
from app.inference.embeddings.models import EmbeddingCache
from app.inference.feedback.models import Feedback
from app.inference.fine_tuning.models import FineTuningJob
from app.inference.guardrails.models import Guardrail
from app.inference.integrations.models import Integration
from app.inference.prices.models import BillingSettings, PriceOverride
from app.inference.routing.models import Route, RouteArm
from app.inference.usage.models import ModelCall
from app.knowledge.collections.models import (
    Collection,
    CollectionSnapshot,
    Document,
    DocumentVersion,
    FileRemoval,
    ReindexedPassage,
)
from app.knowledge.detection.policies.models import DictionaryPolicy
from app.knowledge.detection.suggestions.models import DictionarySuggestion
from app.knowledge.dictionary.models import Dictionary, Entry, Relation, Revision, Term
from app.knowledge.evaluations.models import EvaluatedQuestion, Evaluation, QuestionSet
from app.knowledge.exchange.models import (
    BundleRecord,
    DictionaryImport,
    ImportPart,
    ImportRow,
    Peer,
    PeerEntry,
)
from app.knowledge.graph.models import (
    GraphContribution,
    GraphEntity,
    GraphMerge,
    GraphOrphan,
    GraphReading,
    GraphRelation,
    GraphSchema,
)
from app.knowledge.passages.models import Passage, VectorRemoval
from app.oversight.audit.models import AuditChain, AuditCheckpoint, AuditKey, AuditLog
from app.oversight.privacy.consents.models import Consent
from app.oversight.privacy.erasures.models import PrivacyErasure
from app.oversight.privacy.exports.models import PrivacyExport
from app.oversight.privacy.retention.models import RetentionPolicy
from app.runs.events.models import RunEvent
from app.runs.runs.models import Run

__all__ = [
    "A2aAgent",
    "AccountToken",
    "Agent",
    "AgentEvaluation",
    "AgentVersion",
    "ApiKey",
    "AuditChain",
    "AuditCheckpoint",
    "AuditKey",
    "AuditLog",
    "Avatar",
    "Base",
    "Batch",
    "BatchLine",
    "BatchPart",
    "BillingSettings",
    "Budget",
    "BudgetAlert",
    "BudgetCarry",
    "BundleRecord",
    "Collection",
    "CollectionSnapshot",
    "Comparison",
    "ConnectedDatabase",
    "Consent",
    "Conversation",
    "CustomRole",
    "CustomTool",
    "Customer",
    "CustomerDefaults",
    "Dataset",
    "DatasetCase",
    "DatasetSnapshot",
    "Dictionary",
    "DictionaryImport",
    "DictionaryPolicy",
    "DictionarySuggestion",
    "Document",
    "DocumentVersion",
    "EmbeddingCache",
    "Entry",
    "EvaluatedQuestion",
    "Evaluation",
    "Execution",
    "ExecutionStep",
    "Experiment",
    "ExperimentResult",
    "Feedback",
    "FileRemoval",
    "FineTuningJob",
    "GraphContribution",
    "GraphEntity",
    "GraphMerge",
    "GraphOrphan",
    "GraphReading",
    "GraphRelation",
    "GraphSchema",
    "Guardrail",
    "IdempotencyKey",
    "ImportPart",
    "ImportRow",
    "Integration",
    "Invitation",
    "Mailbox",
    "MailboxMessage",
    "MailboxRule",
    "MailboxSubscription",
    "ManagedAccount",
    "McpServer",
    "McpTool",
    "Membership",
    "Memory",
    "MemoryBlock",
    "MemoryExtraction",
    "MemoryRevision",
    "MemorySettings",
    "Message",
    "ModelCall",
    "ModelProbe",
    "OutboxEvent",
    "OutgoingMail",
    "Passage",
    "Passkey",
    "Peer",
    "PeerEntry",
    "PriceOverride",
    "PrivacyErasure",
    "PrivacyExport",
    "QuestionSet",
    "RecoveryCode",
    "RefreshToken",
    "ReindexedPassage",
    "Relation",
    "ResponseCache",
    "RetentionPolicy",
    "Revision",
    "RootSecret",
    "Route",
    "RouteArm",
    "Run",
    "RunEvent",
    "ScimGroup",
    "ScimGroupMember",
    "ScimToken",
    "ScimUser",
    "ServiceAccount",
    "Share",
    "SigningKey",
    "SnapshotCase",
    "SsoConnection",
    "SsoDomain",
    "StepCache",
    "StoredFile",
    "Template",
    "TemplateInstance",
    "TemplateUsage",
    "TemplateVersion",
    "Term",
    "ToolApproval",
    "ToolCredential",
    "TotpFactor",
    "User",
    "UserIdentity",
    "UserSession",
    "VectorRemoval",
    "Workflow",
    "WorkflowDelivery",
    "WorkflowRun",
    "WorkflowState",
    "WorkflowStep",
    "WorkflowTrigger",
    "WorkflowVersion",
    "WorkflowWait",
    "Workspace",
]

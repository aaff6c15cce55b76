"""Every operation of the OpenAPI document, asked by those who may not."""

from dataclasses import dataclass
from uuid import uuid4

import pytest
import pytest_asyncio

from app.core.auth import Permission
from tests.support.identity import Person, bearer, new_key, new_person
from tests.support.openapi import BODIES, NUMBERED, PUBLIC, QUERIES, QUICK
from tests.support.teams import Team
from tests.support.tenants import expired_key, expired_token, revoked_key

# The permission that opens each operation. A new one must be named here.
NEEDS = {
    "custom_tools_bulk": Permission.TOOLS_WRITE,
    "custom_tools_create": Permission.TOOLS_WRITE,
    "custom_tools_delete": Permission.TOOLS_WRITE,
    "custom_tools_get": Permission.TOOLS_READ,
    "custom_tools_import_openapi": Permission.TOOLS_WRITE,
    "custom_tools_list": Permission.TOOLS_READ,
    "custom_tools_restore": Permission.TOOLS_WRITE,
    "custom_tools_test": Permission.TOOLS_WRITE,
    "custom_tools_update": Permission.TOOLS_WRITE,
    "mcp_servers_bulk": Permission.TOOLS_WRITE,
    "mcp_servers_confirm": Permission.TOOLS_WRITE,
    "mcp_servers_create": Permission.TOOLS_WRITE,
    "mcp_servers_delete": Permission.TOOLS_WRITE,
    "mcp_servers_get": Permission.TOOLS_READ,
    "mcp_servers_list": Permission.TOOLS_READ,
    "mcp_servers_list_tools": Permission.TOOLS_READ,
    "mcp_servers_refresh": Permission.TOOLS_WRITE,
    "mcp_servers_restore": Permission.TOOLS_WRITE,
    "mcp_servers_update": Permission.TOOLS_WRITE,
    "databases_bulk": Permission.TOOLS_WRITE,
    "databases_create": Permission.TOOLS_WRITE,
    "databases_delete": Permission.TOOLS_WRITE,
    "databases_get": Permission.TOOLS_READ,
    "databases_list": Permission.TOOLS_READ,
    "databases_restore": Permission.TOOLS_WRITE,
    "databases_test": Permission.TOOLS_WRITE,
    "databases_update": Permission.TOOLS_WRITE,
    "template_labels_delete": Permission.TEMPLATES_WRITE,
    "template_labels_put": Permission.TEMPLATES_WRITE,
    "template_packs_install": Permission.TEMPLATES_WRITE,
    "template_packs_list": Permission.TEMPLATES_READ,
    "template_shares_create": Permission.SHARES_WRITE,
    "template_shares_delete": Permission.SHARES_WRITE,
    "template_shares_get": Permission.SHARES_READ,
    "template_shares_list": Permission.SHARES_READ,
    "template_shares_update": Permission.SHARES_WRITE,
    "template_usage_get": Permission.TEMPLATES_READ,
    "template_versions_compare": Permission.TEMPLATES_READ,
    "template_versions_get": Permission.TEMPLATES_READ,
    "template_versions_list": Permission.TEMPLATES_READ,
    "template_versions_rollback": Permission.TEMPLATES_WRITE,
    "templates_archive": Permission.TEMPLATES_WRITE,
    "templates_bulk": Permission.TEMPLATES_WRITE,
    "templates_create": Permission.TEMPLATES_WRITE,
    "templates_delete": Permission.TEMPLATES_WRITE,
    "templates_duplicate": Permission.TEMPLATES_WRITE,
    "templates_export": Permission.TEMPLATES_READ,
    "templates_generate": Permission.TEMPLATES_WRITE,
    "templates_get": Permission.TEMPLATES_READ,
    "templates_import": Permission.TEMPLATES_WRITE,
    "templates_instantiate": Permission.TEMPLATES_READ,
    "templates_list": Permission.TEMPLATES_READ,
    "templates_preview": Permission.MODELS_INVOKE,
    "templates_publish": Permission.TEMPLATES_WRITE,
    "templates_render": Permission.TEMPLATES_READ,
    "templates_restore": Permission.TEMPLATES_WRITE,
    "templates_update": Permission.TEMPLATES_WRITE,
    "tool_credentials_bulk": Permission.TOOLS_WRITE,
    "tool_credentials_create": Permission.TOOLS_WRITE,
    "tool_credentials_delete": Permission.TOOLS_WRITE,
    "tool_credentials_get": Permission.TOOLS_READ,
    "tool_credentials_list": Permission.TOOLS_READ,
    "tool_credentials_restore": Permission.TOOLS_WRITE,
    "tool_credentials_update": Permission.TOOLS_WRITE,
    "tools_list": Permission.TOOLS_READ,
    "accounts_resend_verification": Permission.PROFILE_WRITE,
    "agent_labels_delete": Permission.AGENTS_WRITE,
    "agent_labels_put": Permission.AGENTS_WRITE,
    "agent_shares_create": Permission.SHARES_WRITE,
    "agent_shares_delete": Permission.SHARES_WRITE,
    "agent_shares_get": Permission.SHARES_READ,
    "agent_shares_list": Permission.SHARES_READ,
    "agent_shares_update": Permission.SHARES_WRITE,
    "agent_versions_compare": Permission.AGENTS_READ,
    "agent_versions_get": Permission.AGENTS_READ,
    "agent_versions_list": Permission.AGENTS_READ,
    "agent_versions_rollback": Permission.AGENTS_WRITE,
    "agents_bulk": Permission.AGENTS_WRITE,
    "agents_create": Permission.AGENTS_WRITE,
    "agents_delete": Permission.AGENTS_WRITE,
    "agents_duplicate": Permission.AGENTS_WRITE,
    "agents_export": Permission.AGENTS_READ,
    "agents_get": Permission.AGENTS_READ,
    "agents_import": Permission.AGENTS_WRITE,
    "agents_list": Permission.AGENTS_READ,
    "agents_probe": Permission.AGENTS_RUN,
    "agents_restore": Permission.AGENTS_WRITE,
    "agents_schema": Permission.AGENTS_READ,
    "agents_update": Permission.AGENTS_WRITE,
    "agents_validate": Permission.AGENTS_WRITE,
    "agent_runs_create": Permission.AGENTS_RUN,
    "agent_runs_list": Permission.RUNS_READ,
    "agent_runs_get": Permission.RUNS_READ,
    "agent_runs_list_steps": Permission.RUNS_READ,
    "agent_runs_get_context": Permission.RUNS_READ,
    "agent_runs_list_approvals": Permission.RUNS_READ,
    "agent_runs_resume": Permission.AGENTS_RUN,
    "agent_runs_retry": Permission.AGENTS_RUN,
    "agent_runs_fork": Permission.AGENTS_RUN,
    "approvals_list": Permission.AGENTS_RUN,
    "approvals_get": Permission.AGENTS_RUN,
    "approvals_decide": Permission.AGENTS_RUN,
    "agent_frontends_ag_ui": Permission.AGENTS_RUN,
    "agent_frontends_ai_sdk": Permission.AGENTS_RUN,
    "agent_frontends_reconnect": Permission.AGENTS_RUN,
    "api_keys_bulk": Permission.API_KEYS_WRITE,
    "api_keys_create": Permission.API_KEYS_WRITE,
    "api_keys_delete": Permission.API_KEYS_WRITE,
    "api_keys_get": Permission.API_KEYS_READ,
    "api_keys_list": Permission.API_KEYS_READ,
    "api_keys_rotate": Permission.API_KEYS_WRITE,
    "api_keys_update": Permission.API_KEYS_WRITE,
    "audit_checkpoints_list": Permission.AUDIT_READ,
    "audit_logs_export": Permission.AUDIT_READ,
    "audit_logs_get": Permission.AUDIT_READ,
    "audit_logs_list": Permission.AUDIT_READ,
    "batches_cancel": Permission.BATCHES_WRITE,
    "batches_create": Permission.BATCHES_WRITE,
    "batches_get": Permission.BATCHES_READ,
    "batches_list": Permission.BATCHES_READ,
    "batches_results": Permission.BATCHES_READ,
    "caches_create": Permission.CACHES_WRITE,
    "caches_delete": Permission.CACHES_WRITE,
    "caches_delete_entries": Permission.CACHES_WRITE,
    "caches_get": Permission.CACHES_READ,
    "caches_list": Permission.CACHES_READ,
    "caches_restore": Permission.CACHES_WRITE,
    "caches_update": Permission.CACHES_WRITE,
    "chat_create": Permission.CONVERSATIONS_WRITE,
    "collection_shares_create": Permission.SHARES_WRITE,
    "collection_shares_delete": Permission.SHARES_WRITE,
    "collection_shares_get": Permission.SHARES_READ,
    "collection_shares_list": Permission.SHARES_READ,
    "collection_shares_update": Permission.SHARES_WRITE,
    "collection_snapshots_create": Permission.COLLECTIONS_WRITE,
    "collection_snapshots_delete": Permission.COLLECTIONS_WRITE,
    "collection_snapshots_get": Permission.COLLECTIONS_READ,
    "collection_snapshots_list": Permission.COLLECTIONS_READ,
    "collection_snapshots_restore": Permission.COLLECTIONS_WRITE,
    "collection_snapshots_rollback": Permission.COLLECTIONS_WRITE,
    "collections_bulk": Permission.COLLECTIONS_WRITE,
    "collections_create": Permission.COLLECTIONS_WRITE,
    "collections_delete": Permission.COLLECTIONS_WRITE,
    "collections_get": Permission.COLLECTIONS_READ,
    "collections_list": Permission.COLLECTIONS_READ,
    "collections_preview_chunks": Permission.COLLECTIONS_READ,
    "collections_reindex": Permission.COLLECTIONS_WRITE,
    "collections_restore": Permission.COLLECTIONS_WRITE,
    "collections_update": Permission.COLLECTIONS_WRITE,
    "document_versions_get": Permission.COLLECTIONS_READ,
    "document_versions_list": Permission.COLLECTIONS_READ,
    "document_versions_restore": Permission.COLLECTIONS_WRITE,
    "document_versions_upload": Permission.COLLECTIONS_WRITE,
    "documents_bulk": Permission.COLLECTIONS_WRITE,
    "documents_chunks": Permission.COLLECTIONS_READ,
    "documents_content": Permission.COLLECTIONS_READ,
    "documents_delete": Permission.COLLECTIONS_WRITE,
    "documents_get": Permission.COLLECTIONS_READ,
    "documents_import": Permission.COLLECTIONS_WRITE,
    "documents_ingest": Permission.COLLECTIONS_WRITE,
    "documents_list": Permission.COLLECTIONS_READ,
    "documents_restore": Permission.COLLECTIONS_WRITE,
    "documents_text": Permission.COLLECTIONS_READ,
    "documents_update": Permission.COLLECTIONS_WRITE,
    "documents_upload": Permission.COLLECTIONS_WRITE,
    "comparisons_choose": Permission.FEEDBACK_WRITE,
    "comparisons_create": Permission.MODELS_INVOKE,
    "comparisons_delete": Permission.RUNS_WRITE,
    "comparisons_get": Permission.RUNS_READ,
    "comparisons_list": Permission.RUNS_READ,
    "comparisons_restore": Permission.RUNS_WRITE,
    "conversations_bulk": Permission.CONVERSATIONS_WRITE,
    "conversations_create": Permission.CONVERSATIONS_WRITE,
    "conversations_delete": Permission.CONVERSATIONS_WRITE,
    "conversations_get": Permission.CONVERSATIONS_READ,
    "conversations_list": Permission.CONVERSATIONS_READ,
    "conversations_restore": Permission.CONVERSATIONS_WRITE,
    "conversations_update": Permission.CONVERSATIONS_WRITE,
    "dataset_cases_create": Permission.EVALUATIONS_WRITE,
    "dataset_cases_create_from_runs": Permission.EVALUATIONS_WRITE,
    "dataset_cases_delete": Permission.EVALUATIONS_WRITE,
    "dataset_cases_get": Permission.EVALUATIONS_READ,
    "dataset_cases_import": Permission.EVALUATIONS_WRITE,
    "dataset_cases_list": Permission.EVALUATIONS_READ,
    "dataset_cases_update": Permission.EVALUATIONS_WRITE,
    "dataset_snapshots_list": Permission.EVALUATIONS_READ,
    "datasets_create": Permission.EVALUATIONS_WRITE,
    "datasets_delete": Permission.EVALUATIONS_WRITE,
    "datasets_get": Permission.EVALUATIONS_READ,
    "datasets_list": Permission.EVALUATIONS_READ,
    "datasets_restore": Permission.EVALUATIONS_WRITE,
    "datasets_update": Permission.EVALUATIONS_WRITE,
    "evaluations_create": Permission.EVALUATIONS_WRITE,
    "evaluations_delete": Permission.EVALUATIONS_WRITE,
    "evaluations_gate": Permission.EVALUATIONS_WRITE,
    "evaluations_get": Permission.EVALUATIONS_READ,
    "evaluations_import": Permission.EVALUATIONS_WRITE,
    "evaluations_list": Permission.EVALUATIONS_READ,
    "evaluations_restore": Permission.EVALUATIONS_WRITE,
    "evaluations_update": Permission.EVALUATIONS_WRITE,
    "experiments_benchmark": Permission.EVALUATIONS_READ,
    "experiments_cancel": Permission.EVALUATIONS_WRITE,
    "experiments_compare": Permission.EVALUATIONS_READ,
    "experiments_create": Permission.EVALUATIONS_WRITE,
    "experiments_delete": Permission.EVALUATIONS_WRITE,
    "experiments_get": Permission.EVALUATIONS_READ,
    "experiments_list": Permission.EVALUATIONS_READ,
    "experiments_list_results": Permission.EVALUATIONS_READ,
    "experiments_restore": Permission.EVALUATIONS_WRITE,
    "dictionaries_create": Permission.DICTIONARY_WRITE,
    "dictionaries_delete": Permission.DICTIONARY_WRITE,
    "dictionaries_get": Permission.DICTIONARY_READ,
    "dictionaries_list": Permission.DICTIONARY_READ,
    "dictionaries_restore": Permission.DICTIONARY_WRITE,
    "dictionaries_update": Permission.DICTIONARY_WRITE,
    "dictionary_bundle_keys_get": Permission.DICTIONARY_READ,
    "dictionary_bundles_apply": Permission.DICTIONARY_APPROVE,
    "dictionary_bundles_create": Permission.DICTIONARY_WRITE,
    "dictionary_exports_read": Permission.DICTIONARY_READ,
    "dictionary_imports_create": Permission.DICTIONARY_WRITE,
    "dictionary_imports_get": Permission.DICTIONARY_READ,
    "dictionary_imports_list": Permission.DICTIONARY_READ,
    "dictionary_imports_rejects": Permission.DICTIONARY_READ,
    "dictionary_packs_read": Permission.DICTIONARY_READ,
    "dictionary_peers_create": Permission.DICTIONARY_APPROVE,
    "dictionary_peers_delete": Permission.DICTIONARY_APPROVE,
    "dictionary_peers_get": Permission.DICTIONARY_READ,
    "dictionary_peers_list": Permission.DICTIONARY_READ,
    "dictionary_peers_restore": Permission.DICTIONARY_APPROVE,
    "dictionary_detect": Permission.DICTIONARY_READ,
    "dictionary_entries_approve": Permission.DICTIONARY_APPROVE,
    "dictionary_entries_bulk": Permission.DICTIONARY_WRITE,
    "dictionary_entries_create": Permission.DICTIONARY_WRITE,
    "dictionary_entries_delete": Permission.DICTIONARY_WRITE,
    "dictionary_entries_deprecate": Permission.DICTIONARY_WRITE,
    "dictionary_entries_facets": Permission.DICTIONARY_READ,
    "dictionary_entries_get": Permission.DICTIONARY_READ,
    "dictionary_entries_list": Permission.DICTIONARY_READ,
    "dictionary_entries_propose": Permission.DICTIONARY_WRITE,
    "dictionary_entries_reject": Permission.DICTIONARY_APPROVE,
    "dictionary_entries_restore": Permission.DICTIONARY_WRITE,
    "dictionary_entries_revert": Permission.DICTIONARY_WRITE,
    "dictionary_entries_update": Permission.DICTIONARY_WRITE,
    "dictionary_policies_get": Permission.DICTIONARY_READ,
    "dictionary_policies_update": Permission.DICTIONARY_APPROVE,
    "dictionary_revisions_diff": Permission.DICTIONARY_READ,
    "dictionary_revisions_get": Permission.DICTIONARY_READ,
    "dictionary_revisions_list": Permission.DICTIONARY_READ,
    "dictionary_suggestions_accept": Permission.DICTIONARY_WRITE,
    "dictionary_suggestions_bulk": Permission.DICTIONARY_WRITE,
    "dictionary_suggestions_dismiss": Permission.DICTIONARY_WRITE,
    "dictionary_suggestions_get": Permission.DICTIONARY_READ,
    "dictionary_suggestions_list": Permission.DICTIONARY_READ,
    "dictionary_suggestions_scan": Permission.DICTIONARY_WRITE,
    "feedback_create": Permission.FEEDBACK_WRITE,
    "feedback_get": Permission.FEEDBACK_READ,
    "feedback_list": Permission.FEEDBACK_READ,
    "fine_tuning_jobs_cancel": Permission.FINE_TUNING_WRITE,
    "fine_tuning_jobs_create": Permission.FINE_TUNING_WRITE,
    "fine_tuning_jobs_get": Permission.FINE_TUNING_READ,
    "fine_tuning_jobs_list": Permission.FINE_TUNING_READ,
    "fine_tuning_jobs_list_checkpoints": Permission.FINE_TUNING_READ,
    "fine_tuning_jobs_list_events": Permission.FINE_TUNING_READ,
    "graph_communities_list": Permission.GRAPH_READ,
    "graph_entities_bulk": Permission.GRAPH_WRITE,
    "graph_entities_create": Permission.GRAPH_WRITE,
    "graph_entities_delete": Permission.GRAPH_WRITE,
    "graph_entities_get": Permission.GRAPH_READ,
    "graph_entities_list": Permission.GRAPH_READ,
    "graph_entities_list_contributions": Permission.GRAPH_READ,
    "graph_entities_merge": Permission.GRAPH_WRITE,
    "graph_entities_restore": Permission.GRAPH_WRITE,
    "graph_entities_split": Permission.GRAPH_WRITE,
    "graph_entities_update": Permission.GRAPH_WRITE,
    "graph_extractions_create": Permission.GRAPH_WRITE,
    "graph_layouts_get": Permission.GRAPH_READ,
    "graph_merges_get": Permission.GRAPH_READ,
    "graph_merges_list": Permission.GRAPH_READ,
    "graph_merges_undo": Permission.GRAPH_WRITE,
    "graph_neighbourhoods_get": Permission.GRAPH_READ,
    "graph_paths_find": Permission.GRAPH_READ,
    "graph_relations_create": Permission.GRAPH_WRITE,
    "graph_relations_delete": Permission.GRAPH_WRITE,
    "graph_relations_get": Permission.GRAPH_READ,
    "graph_relations_list": Permission.GRAPH_READ,
    "graph_relations_list_contributions": Permission.GRAPH_READ,
    "graph_relations_restore": Permission.GRAPH_WRITE,
    "graph_relations_update": Permission.GRAPH_WRITE,
    "graph_schemas_create": Permission.GRAPH_WRITE,
    "graph_schemas_delete": Permission.GRAPH_WRITE,
    "graph_schemas_get": Permission.GRAPH_READ,
    "graph_schemas_list": Permission.GRAPH_READ,
    "graph_schemas_restore": Permission.GRAPH_WRITE,
    "graph_schemas_update": Permission.GRAPH_WRITE,
    "graph_suggestions_list": Permission.GRAPH_READ,
    "guardrails_create": Permission.GUARDRAILS_WRITE,
    "guardrails_delete": Permission.GUARDRAILS_WRITE,
    "guardrails_get": Permission.GUARDRAILS_READ,
    "guardrails_list": Permission.GUARDRAILS_READ,
    "guardrails_restore": Permission.GUARDRAILS_WRITE,
    "guardrails_test": Permission.GUARDRAILS_WRITE,
    "guardrails_update": Permission.GUARDRAILS_WRITE,
    "integration_kinds_list": Permission.INTEGRATIONS_READ,
    "integrations_bulk": Permission.INTEGRATIONS_WRITE,
    "integrations_create": Permission.INTEGRATIONS_WRITE,
    "integrations_delete": Permission.INTEGRATIONS_WRITE,
    "integrations_get": Permission.INTEGRATIONS_READ,
    "integrations_list": Permission.INTEGRATIONS_READ,
    "integrations_restore": Permission.INTEGRATIONS_WRITE,
    "integrations_test": Permission.INTEGRATIONS_WRITE,
    "integrations_update": Permission.INTEGRATIONS_WRITE,
    "invitations_accept": Permission.PROFILE_WRITE,
    "invitations_bulk": Permission.MEMBERS_WRITE,
    "invitations_create": Permission.MEMBERS_WRITE,
    "invitations_create_link": Permission.MEMBERS_WRITE,
    "invitations_delete": Permission.MEMBERS_WRITE,
    "invitations_get": Permission.MEMBERS_READ,
    "invitations_list": Permission.MEMBERS_READ,
    "invitations_resend": Permission.MEMBERS_WRITE,
    "me_avatar_delete": Permission.PROFILE_WRITE,
    "me_avatar_get": Permission.PROFILE_READ,
    "me_avatar_put": Permission.PROFILE_WRITE,
    "me_change_email": Permission.PROFILE_WRITE,
    "me_change_password": Permission.PROFILE_WRITE,
    "me_deactivate": Permission.PROFILE_WRITE,
    "me_delete": Permission.PROFILE_WRITE,
    "me_get": Permission.PROFILE_READ,
    "me_update": Permission.PROFILE_WRITE,
    "members_delete": Permission.MEMBERS_WRITE,
    "members_get": Permission.MEMBERS_READ,
    "members_list": Permission.MEMBERS_READ,
    "members_suspend": Permission.MEMBERS_WRITE,
    "members_unsuspend": Permission.MEMBERS_WRITE,
    "members_update": Permission.MEMBERS_WRITE,
    "memories_accept": Permission.MEMORIES_WRITE,
    "memories_bulk": Permission.MEMORIES_WRITE,
    "memories_create": Permission.MEMORIES_WRITE,
    "memories_decline": Permission.MEMORIES_WRITE,
    "memories_delete": Permission.MEMORIES_WRITE,
    "memories_export": Permission.MEMORIES_READ,
    "memories_get": Permission.MEMORIES_READ,
    "memories_history": Permission.MEMORIES_READ,
    "memories_list": Permission.MEMORIES_READ,
    "memories_recall": Permission.MEMORIES_READ,
    "memories_restore": Permission.MEMORIES_WRITE,
    "memories_undo": Permission.MEMORIES_WRITE,
    "memories_update": Permission.MEMORIES_WRITE,
    "memory_blocks_bulk": Permission.MEMORIES_WRITE,
    "memory_blocks_create": Permission.MEMORIES_WRITE,
    "memory_blocks_delete": Permission.MEMORIES_WRITE,
    "memory_blocks_get": Permission.MEMORIES_READ,
    "memory_blocks_list": Permission.MEMORIES_READ,
    "memory_blocks_restore": Permission.MEMORIES_WRITE,
    "memory_blocks_update": Permission.MEMORIES_WRITE,
    "memory_extractions_create": Permission.MEMORIES_WRITE,
    "memory_extractions_list": Permission.MEMORIES_READ,
    "memory_settings_get": Permission.MEMORIES_READ,
    "memory_settings_update": Permission.WORKSPACES_WRITE,
    "messages_choose": Permission.CONVERSATIONS_WRITE,
    "messages_get": Permission.CONVERSATIONS_READ,
    "messages_list": Permission.CONVERSATIONS_READ,
    "models_list": Permission.MODELS_READ,
    "passkeys_begin": Permission.PROFILE_WRITE,
    "passkeys_create": Permission.PROFILE_WRITE,
    "passkeys_delete": Permission.PROFILE_WRITE,
    "passkeys_get": Permission.PROFILE_READ,
    "passkeys_list": Permission.PROFILE_READ,
    "passkeys_update": Permission.PROFILE_WRITE,
    "privacy_consents_create": Permission.PRIVACY_WRITE,
    "privacy_consents_list": Permission.PRIVACY_READ,
    "privacy_erasures_cancel": Permission.PRIVACY_WRITE,
    "privacy_erasures_create": Permission.PRIVACY_WRITE,
    "privacy_erasures_get": Permission.PRIVACY_READ,
    "privacy_erasures_list": Permission.PRIVACY_READ,
    "privacy_exports_create": Permission.PRIVACY_WRITE,
    "privacy_exports_download": Permission.PRIVACY_WRITE,
    "privacy_exports_get": Permission.PRIVACY_READ,
    "privacy_exports_list": Permission.PRIVACY_READ,
    "privacy_register_get": Permission.PRIVACY_READ,
    "privacy_retention_get": Permission.PRIVACY_READ,
    "privacy_retention_replace": Permission.PRIVACY_WRITE,
    "recovery_codes_create": Permission.PROFILE_WRITE,
    "roles_create": Permission.ROLES_WRITE,
    "roles_delete": Permission.ROLES_WRITE,
    "roles_get": Permission.ROLES_READ,
    "roles_list": Permission.ROLES_READ,
    "roles_list_builtin": Permission.ROLES_READ,
    "roles_restore": Permission.ROLES_WRITE,
    "roles_update": Permission.ROLES_WRITE,
    "routes_create": Permission.ROUTES_WRITE,
    "routes_delete": Permission.ROUTES_WRITE,
    "routes_explain": Permission.ROUTES_READ,
    "routes_get": Permission.ROUTES_READ,
    "routes_get_learning": Permission.ROUTES_READ,
    "routes_list": Permission.ROUTES_READ,
    "routes_reset_learning": Permission.ROUTES_WRITE,
    "routes_restore": Permission.ROUTES_WRITE,
    "routes_update": Permission.ROUTES_WRITE,
    "runs_cancel": Permission.RUNS_WRITE,
    "runs_get": Permission.RUNS_READ,
    "runs_list": Permission.RUNS_READ,
    "runs_stream_events": Permission.RUNS_READ,
    "second_factor_get": Permission.PROFILE_READ,
    "service_account_keys_create": Permission.SERVICE_ACCOUNTS_WRITE,
    "service_account_keys_list": Permission.SERVICE_ACCOUNTS_READ,
    "service_accounts_create": Permission.SERVICE_ACCOUNTS_WRITE,
    "service_accounts_delete": Permission.SERVICE_ACCOUNTS_WRITE,
    "service_accounts_get": Permission.SERVICE_ACCOUNTS_READ,
    "service_accounts_list": Permission.SERVICE_ACCOUNTS_READ,
    "service_accounts_update": Permission.SERVICE_ACCOUNTS_WRITE,
    "sessions_delete_all": Permission.PROFILE_WRITE,
    "sessions_delete_others": Permission.PROFILE_WRITE,
    "sessions_list": Permission.PROFILE_READ,
    "sessions_revoke": Permission.PROFILE_WRITE,
    "shares_create": Permission.SHARES_WRITE,
    "shares_delete": Permission.SHARES_WRITE,
    "shares_get": Permission.SHARES_READ,
    "shares_list": Permission.SHARES_READ,
    "shares_update": Permission.SHARES_WRITE,
    "step_up_begin": Permission.PROFILE_READ,
    "step_up_prove": Permission.PROFILE_READ,
    "stream_tickets_create": Permission.RUNS_READ,
    "totp_confirm": Permission.PROFILE_WRITE,
    "totp_create": Permission.PROFILE_WRITE,
    "totp_delete": Permission.PROFILE_WRITE,
    "identities_create": Permission.PROFILE_WRITE,
    "identities_delete": Permission.PROFILE_WRITE,
    "identities_get": Permission.PROFILE_READ,
    "identities_list": Permission.PROFILE_READ,
    "scim_tokens_create": Permission.SSO_WRITE,
    "scim_tokens_delete": Permission.SSO_WRITE,
    "scim_tokens_get": Permission.SSO_READ,
    "scim_tokens_list": Permission.SSO_READ,
    "sso_connections_create": Permission.SSO_WRITE,
    "sso_connections_delete": Permission.SSO_WRITE,
    "sso_connections_get": Permission.SSO_READ,
    "sso_connections_list": Permission.SSO_READ,
    "sso_connections_restore": Permission.SSO_WRITE,
    "sso_connections_update": Permission.SSO_WRITE,
    "sso_domains_create": Permission.SSO_WRITE,
    "sso_domains_delete": Permission.SSO_WRITE,
    "sso_domains_get": Permission.SSO_READ,
    "sso_domains_list": Permission.SSO_READ,
    "sso_domains_verify": Permission.SSO_WRITE,
    "turns_create": Permission.CONVERSATIONS_WRITE,
    "user_avatars_get": Permission.PROFILE_READ,
    "workspaces_create": Permission.WORKSPACES_WRITE,
    "workspaces_delete": Permission.WORKSPACES_WRITE,
    "workspaces_get": Permission.WORKSPACES_READ,
    "workspaces_leave": Permission.PROFILE_WRITE,
    "workspaces_list": Permission.WORKSPACES_READ,
    "workspaces_restore": Permission.WORKSPACES_WRITE,
    "workspaces_transfer": Permission.WORKSPACES_WRITE,
    "workspaces_update": Permission.WORKSPACES_WRITE,
    "budget_alerts_list": Permission.BUDGETS_READ,
    "budgets_create": Permission.BUDGETS_WRITE,
    "budgets_delete": Permission.BUDGETS_WRITE,
    "budgets_get": Permission.BUDGETS_READ,
    "budgets_list": Permission.BUDGETS_READ,
    "budgets_restore": Permission.BUDGETS_WRITE,
    "budgets_update": Permission.BUDGETS_WRITE,
    "customer_defaults_get": Permission.CUSTOMERS_READ,
    "customer_defaults_update": Permission.CUSTOMERS_WRITE,
    "customers_create": Permission.CUSTOMERS_WRITE,
    "customers_delete": Permission.CUSTOMERS_WRITE,
    "customers_erase": Permission.CUSTOMERS_WRITE,
    "customers_get": Permission.CUSTOMERS_READ,
    "customers_list": Permission.CUSTOMERS_READ,
    "customers_restore": Permission.CUSTOMERS_WRITE,
    "customers_update": Permission.CUSTOMERS_WRITE,
    "price_overrides_create": Permission.PRICES_WRITE,
    "price_overrides_delete": Permission.PRICES_WRITE,
    "price_overrides_get": Permission.PRICES_READ,
    "price_overrides_list": Permission.PRICES_READ,
    "price_overrides_restore": Permission.PRICES_WRITE,
    "price_overrides_update": Permission.PRICES_WRITE,
    "price_settings_get": Permission.PRICES_READ,
    "price_settings_update": Permission.PRICES_WRITE,
    "prices_get": Permission.PRICES_READ,
    "usage_calls_list": Permission.USAGE_READ,
    "usage_export": Permission.USAGE_READ,
    "search_create": Permission.SEARCH_READ,
    "search_evaluations_create": Permission.SEARCH_WRITE,
    "search_evaluations_delete": Permission.SEARCH_WRITE,
    "search_evaluations_get": Permission.SEARCH_READ,
    "search_evaluations_list": Permission.SEARCH_READ,
    "search_evaluations_list_questions": Permission.SEARCH_READ,
    "search_evaluations_restore": Permission.SEARCH_WRITE,
    "search_question_sets_create": Permission.SEARCH_WRITE,
    "search_question_sets_delete": Permission.SEARCH_WRITE,
    "search_question_sets_get": Permission.SEARCH_READ,
    "search_question_sets_list": Permission.SEARCH_READ,
    "search_question_sets_restore": Permission.SEARCH_WRITE,
    "search_question_sets_update": Permission.SEARCH_WRITE,
    "search_suggest": Permission.SEARCH_READ,
    "dictionary_entries_search": Permission.DICTIONARY_READ,
    "usage_list": Permission.USAGE_READ,
    "mailbox_messages_ack": Permission.MAILBOXES_WRITE,
    "mailbox_messages_await": Permission.MAILBOXES_WRITE,
    "mailbox_messages_create": Permission.MAILBOXES_WRITE,
    "mailbox_messages_dead": Permission.MAILBOXES_READ,
    "mailbox_messages_extend": Permission.MAILBOXES_WRITE,
    "mailbox_messages_get": Permission.MAILBOXES_READ,
    "mailbox_messages_lease": Permission.MAILBOXES_WRITE,
    "mailbox_messages_list": Permission.MAILBOXES_READ,
    "mailbox_messages_nack": Permission.MAILBOXES_WRITE,
    "mailbox_messages_redrive": Permission.MAILBOXES_WRITE,
    "mailbox_messages_reply": Permission.MAILBOXES_WRITE,
    "mailbox_rules_create": Permission.MAILBOXES_WRITE,
    "mailbox_rules_delete": Permission.MAILBOXES_WRITE,
    "mailbox_rules_get": Permission.MAILBOXES_READ,
    "mailbox_rules_list": Permission.MAILBOXES_READ,
    "mailbox_rules_restore": Permission.MAILBOXES_WRITE,
    "mailbox_rules_update": Permission.MAILBOXES_WRITE,
    "mailbox_subscriptions_create": Permission.MAILBOXES_WRITE,
    "mailbox_subscriptions_delete": Permission.MAILBOXES_WRITE,
    "mailbox_subscriptions_get": Permission.MAILBOXES_READ,
    "mailbox_subscriptions_list": Permission.MAILBOXES_READ,
    "mailbox_subscriptions_restore": Permission.MAILBOXES_WRITE,
    "mailbox_subscriptions_update": Permission.MAILBOXES_WRITE,
    "mailboxes_broadcast": Permission.MAILBOXES_WRITE,
    "mailboxes_create": Permission.MAILBOXES_WRITE,
    "mailboxes_delete": Permission.MAILBOXES_WRITE,
    "mailboxes_get": Permission.MAILBOXES_READ,
    "mailboxes_list": Permission.MAILBOXES_READ,
    "mailboxes_restore": Permission.MAILBOXES_WRITE,
    "mailboxes_update": Permission.MAILBOXES_WRITE,
    "remote_agents_create": Permission.TOOLS_WRITE,
    "remote_agents_delete": Permission.TOOLS_WRITE,
    "remote_agents_get": Permission.TOOLS_READ,
    "remote_agents_list": Permission.TOOLS_READ,
    "remote_agents_refresh": Permission.TOOLS_WRITE,
    "remote_agents_restore": Permission.TOOLS_WRITE,
    "remote_agents_update": Permission.TOOLS_WRITE,
    "tasks_assign": Permission.WORKFLOW_TASKS_WRITE,
    "tasks_decide": Permission.WORKFLOW_TASKS_WRITE,
    "tasks_get": Permission.WORKFLOWS_READ,
    "tasks_list": Permission.WORKFLOWS_READ,
    "workflow_deliveries_get": Permission.WORKFLOWS_READ,
    "workflow_deliveries_list": Permission.WORKFLOWS_READ,
    "workflow_deliveries_retry": Permission.WORKFLOWS_WRITE,
    "workflow_labels_delete": Permission.WORKFLOWS_WRITE,
    "workflow_labels_put": Permission.WORKFLOWS_WRITE,
    "workflow_node_types_list": Permission.WORKFLOWS_READ,
    "workflow_runs_cancel": Permission.WORKFLOWS_RUN,
    "workflow_runs_compare": Permission.WORKFLOWS_READ,
    "workflow_runs_create": Permission.WORKFLOWS_RUN,
    "workflow_runs_explain": Permission.WORKFLOWS_READ,
    "workflow_runs_get": Permission.WORKFLOWS_READ,
    "workflow_runs_get_graph": Permission.WORKFLOWS_READ,
    "workflow_runs_get_step": Permission.WORKFLOWS_READ,
    "workflow_runs_get_timeline": Permission.WORKFLOWS_READ,
    "workflow_runs_list": Permission.WORKFLOWS_READ,
    "workflow_runs_list_steps": Permission.WORKFLOWS_READ,
    "workflow_runs_pause": Permission.WORKFLOWS_RUN,
    "workflow_runs_rerun": Permission.WORKFLOWS_RUN,
    "workflow_runs_resume": Permission.WORKFLOWS_RUN,
    "workflow_runs_retry": Permission.WORKFLOWS_RUN,
    "workflow_shares_create": Permission.SHARES_WRITE,
    "workflow_shares_delete": Permission.SHARES_WRITE,
    "workflow_shares_get": Permission.SHARES_READ,
    "workflow_shares_list": Permission.SHARES_READ,
    "workflow_shares_update": Permission.SHARES_WRITE,
    "workflow_trigger_forms_get": Permission.WORKFLOWS_RUN,
    "workflow_trigger_forms_submit": Permission.WORKFLOWS_RUN,
    "workflow_trigger_times_list": Permission.WORKFLOWS_READ,
    "workflow_triggers_create": Permission.WORKFLOWS_WRITE,
    "workflow_triggers_delete": Permission.WORKFLOWS_WRITE,
    "workflow_triggers_fire": Permission.WORKFLOWS_WRITE,
    "workflow_triggers_get": Permission.WORKFLOWS_READ,
    "workflow_triggers_list": Permission.WORKFLOWS_READ,
    "workflow_triggers_restore": Permission.WORKFLOWS_WRITE,
    "workflow_triggers_rotate": Permission.WORKFLOWS_WRITE,
    "workflow_triggers_update": Permission.WORKFLOWS_WRITE,
    "workflow_versions_compare": Permission.WORKFLOWS_READ,
    "workflow_versions_get": Permission.WORKFLOWS_READ,
    "workflow_versions_list": Permission.WORKFLOWS_READ,
    "workflow_versions_rollback": Permission.WORKFLOWS_WRITE,
    "workflows_bulk": Permission.WORKFLOWS_WRITE,
    "workflows_create": Permission.WORKFLOWS_WRITE,
    "workflows_delete": Permission.WORKFLOWS_WRITE,
    "workflows_duplicate": Permission.WORKFLOWS_WRITE,
    "workflows_export": Permission.WORKFLOWS_READ,
    "workflows_generate": Permission.WORKFLOWS_WRITE,
    "workflows_get": Permission.WORKFLOWS_READ,
    "workflows_get_statistics": Permission.WORKFLOWS_READ,
    "workflows_import": Permission.WORKFLOWS_WRITE,
    "workflows_list": Permission.WORKFLOWS_READ,
    "workflows_repair": Permission.WORKFLOWS_WRITE,
    "workflows_restore": Permission.WORKFLOWS_WRITE,
    "workflows_suggest": Permission.WORKFLOWS_READ,
    "workflows_update": Permission.WORKFLOWS_WRITE,
    "workflows_validate": Permission.WORKFLOWS_WRITE,
}
DIALECTS = ("/openai/v1", "/scim/v2")
MISSING = {
    "case_id": "dataset_case_not_found",
    "dataset_id": "dataset_not_found",
    "evaluation_id": "evaluation_not_found",
    "experiment_id": "experiment_not_found",
    "database_id": "database_not_found",
    "mcp_server_id": "mcp_server_not_found",
    "pack_name": "template_pack_not_found",
    "template_id": "template_not_found",
    "template_share_id": "share_not_found",
    "tool_credential_id": "tool_credential_not_found",
    "tool_id": "tool_not_found",
    "agent": "agent_not_found",
    "agent_id": "agent_not_found",
    "agent_run_id": "run_not_found",
    "approval_id": "approval_not_found",
    "chat_id": "agent_not_found",
    "agent_share_id": "share_not_found",
    "block_id": "memory_block_not_found",
    "memory_id": "memory_not_found",
    "label": "agent_label_not_found",
    "api_key_id": "api_key_not_found",
    "audit_log_id": "audit_log_not_found",
    "batch_id": "batch_not_found",
    "cache_id": "cache_not_found",
    "certificate_id": "certificate_not_found",
    "comparison_id": "comparison_not_found",
    "conversation_id": "conversation_not_found",
    "erasure_id": "erasure_not_found",
    "export_id": "export_not_found",
    "feedback_id": "feedback_not_found",
    "graph_schema_id": "graph_schema_not_found",
    "merge_id": "graph_merge_not_found",
    "relation_id": "graph_relation_not_found",
    "entity_id": "graph_entity_not_found",
    "guardrail_id": "guardrail_not_found",
    "job_id": "fine_tuning_job_not_found",
    "integration_id": "integration_not_found",
    "route_id": "route_not_found",
    "invitation_id": "invitation_not_found",
    "member_id": "member_not_found",
    "message_id": "message_not_found",
    "passkey_id": "passkey_not_found",
    "role_id": "role_not_found",
    "run_id": "run_not_found",
    "service_account_id": "service_account_not_found",
    "session_id": "session_not_found",
    "share_id": "share_not_found",
    "identity_id": "identity_not_found",
    "scim_token_id": "scim_token_not_found",
    "sso_connection_id": "sso_connection_not_found",
    "sso_domain_id": "sso_domain_not_found",
    "user_id": "avatar_not_found",
    "workspace_id": "workspace_not_found",
    "budget_id": "budget_not_found",
    "customer_id": "customer_not_found",
    "question_set_id": "question_set_not_found",
    "search_evaluation_id": "search_evaluation_not_found",
    "override_id": "price_override_not_found",
    "dictionary_id": "dictionary_not_found",
    "import_id": "import_not_found",
    "peer_id": "dictionary_peer_not_found",
    "suggestion_id": "suggestion_not_found",
    "entry_id": "entry_not_found",
    "version": "revision_not_found",
    "collection_id": "collection_not_found",
    "collection_share_id": "share_not_found",
    "document_id": "document_not_found",
    "number": "version_not_found",
    "snapshot_id": "snapshot_not_found",
    "address": "mailbox_not_found",
    "mailbox_message_id": "mailbox_message_not_found",
    "mailbox_rule_id": "mailbox_rule_not_found",
    "mailbox_subscription_id": "mailbox_subscription_not_found",
    "remote_agent_id": "a2a_agent_not_found",
    "workflow_delivery_id": "workflow_delivery_not_found",
    "form_token": "workflow_form_not_found",
    "hook_token": "workflow_hook_not_found",
    "workflow_form_id": "workflow_form_not_found",
    "workflow": "workflow_not_found",
    "workflow_id": "workflow_not_found",
    "workflow_run_id": "workflow_run_not_found",
    "workflow_step_id": "workflow_step_not_found",
    "task_id": "task_not_found",
    "workflow_share_id": "share_not_found",
    "workflow_trigger_id": "workflow_trigger_not_found",
}


async def ask(http, operation, ids, headers, **more):
    return await http.request(
        operation.method, operation.address(ids), json=operation.example(), headers=headers, **more
    )


def refusal(answer):
    """Status and code of a problem document; anything else does not compare equal to one."""
    if answer.headers.get("content-type") != "application/problem+json":
        return answer.status_code, answer.text[:200]
    problem = answer.json()
    assert problem["status"] == answer.status_code
    assert problem["request_id"] == answer.headers["x-request-id"]
    return answer.status_code, problem["code"]


def told(answer):
    """What a caller learns, without what differs from request to request."""
    unlike = ("request_id", "instance")
    return answer.status_code, {k: v for k, v in answer.json().items() if k not in unlike}


@pytest.fixture
def guarded(operations):
    found = [operation for operation in operations if operation.id not in PUBLIC]
    assert len(found) > 30
    return found


def test_every_operation_is_public_by_name_or_needs_a_permission(operations):
    open_ones = {operation.id for operation in operations if not operation.guarded}
    assert open_ones == PUBLIC
    assert {operation.id for operation in operations if operation.guarded} == set(NEEDS)


def test_every_path_parameter_and_body_is_known_to_this_walk(operations):
    parameters = {name for operation in operations for name in operation.path_parameters}
    assert parameters == set(MISSING)
    assert {operation.id for operation in operations if operation.body} == set(BODIES)


def test_nothing_is_served_beside_the_document_but_its_own_pages(app, operations):
    told = {operation.path for operation in operations}
    served = {route.path for route in every_route(app.routes)}
    beside = {"/openapi.json", "/docs", "/docs/errors", "/docs/assets", "/metrics"}
    # A vendor's dialect is described by the vendor, and has its own tests of who may call it.
    assert {p for p in served - told - beside if not p.startswith(DIALECTS)} == set()
    assert told <= served


def every_route(routes):
    for route in routes:
        inner = getattr(route, "original_router", None)
        if inner is None:
            yield route
        else:
            yield from every_route(inner.routes)


async def all_refused(http, guarded, owner, headers, expected):
    wrong = []
    for operation in guarded:
        answer = await ask(http, operation, owner.ids, headers)
        if refusal(answer) != expected:
            wrong.append((operation.id, *refusal(answer)))
        elif expected[0] == 401 and answer.headers["www-authenticate"] != "Bearer":
            wrong.append((operation.id, "no WWW-Authenticate"))
    assert wrong == []


async def test_no_operation_opens_without_a_credential(http, guarded, owner):
    await all_refused(http, guarded, owner, {}, (401, "credential_missing"))


async def test_no_operation_opens_with_an_expired_access_token(http, guarded, owner, kernel):
    headers = bearer(await expired_token(kernel, owner.person))
    await all_refused(http, guarded, owner, headers, (401, "token_expired"))


async def test_no_operation_opens_with_a_revoked_key(http, guarded, owner):
    headers = bearer(await revoked_key(http, owner.person))
    await all_refused(http, guarded, owner, headers, (401, "api_key_revoked"))


async def test_no_operation_opens_with_an_expired_key(http, guarded, owner, kernel):
    headers = bearer(await expired_key(http, kernel, owner.person))
    await all_refused(http, guarded, owner, headers, (401, "api_key_expired"))


async def test_no_operation_opens_with_a_key_of_all_scopes_but_its_own(http, guarded, owner):
    wrong = []
    for missing in sorted(set(NEEDS.values())):
        scopes = sorted(set(Permission) - {missing})
        headers = bearer((await new_key(http, owner.person, scopes=scopes))["key"])
        for operation in guarded:
            if NEEDS[operation.id] == missing:
                answer = await ask(http, operation, owner.ids, headers)
                if refusal(answer) != (403, "scope_missing"):
                    wrong.append((operation.id, *refusal(answer)))
    assert wrong == []


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def guest(http, owner):
    """Someone in the owner's own workspace, with a role that each test makes what it needs."""
    person, team = await new_person(http), Team(http, owner.person.workspace_id)
    made = await team.call(
        owner.person, "POST", "/v1/roles", {"name": "Guest", "permissions": ["models:read"]}
    )
    await team.take_in(owner.person, person, "custom", role_id=made.json()["id"])
    return Guest(person, team, made.headers["location"])


@dataclass(frozen=True)
class Guest:
    person: Person
    team: Team
    role: str

    @property
    def headers(self):
        return self.team.headers(self.person)


async def test_no_operation_opens_to_a_member_of_the_workspace_whose_role_lacks_it(
    http, guarded, owner, guest
):
    wrong = []
    for missing in sorted(set(NEEDS.values())):
        permissions = sorted(set(Permission) - {missing})
        changed = await guest.team.call(
            owner.person, "PATCH", guest.role, {"permissions": permissions}
        )
        assert changed.status_code == 200, changed.text
        for operation in guarded:
            if NEEDS[operation.id] == missing:
                answer = await ask(http, operation, owner.ids, guest.headers)
                if refusal(answer) != (403, "scope_missing"):
                    wrong.append((operation.id, *refusal(answer)))
    assert wrong == []


async def test_no_operation_opens_to_a_suspended_member(http, guarded, owner, guest):
    member = await guest.team.member_of(owner.person, guest.person)
    path = f"/v1/members/{member['id']}"
    assert (await guest.team.call(owner.person, "POST", f"{path}/suspend")).status_code == 200
    await all_refused(http, guarded, owner, guest.headers, (403, "membership_suspended"))


async def test_chatting_needs_the_permission_to_call_models_too(http, guarded, owner):
    scopes = sorted(set(Permission) - {Permission.MODELS_INVOKE})
    headers = bearer((await new_key(http, owner.person, scopes=scopes))["key"])
    for operation in guarded:
        if operation.id in ("chat_create", "turns_create"):
            answer = await ask(http, operation, owner.ids, headers)
            assert refusal(answer) == (403, "scope_missing")


@pytest.mark.usefixtures("walls")
async def test_another_tenants_ids_are_not_found_on_any_path(http, guarded, owner, stranger):
    wrong = []
    for operation in guarded:
        if not operation.path_parameters:
            continue
        assert operation.path_parameters[0] not in NUMBERED, operation.id
        missing = (404, MISSING[operation.path_parameters[0]])
        # What only a person may do is refused to a key before any id is looked at.
        to_a_key = (missing, (403, "session_required"))
        unknown_ids = {name: str(uuid4()) for name in MISSING} | NUMBERED
        for headers, expected in (
            (stranger.headers, (missing,)),
            (stranger.key_headers, to_a_key),
        ):
            foreign = await ask(http, operation, owner.ids, headers)
            unknown = await ask(http, operation, unknown_ids, headers)
            if refusal(foreign) not in expected or told(foreign) != told(unknown):
                wrong.append((operation.id, foreign.text, unknown.text))
    assert wrong == []


@pytest.mark.usefixtures("walls")
async def test_another_tenants_message_is_not_found_in_ones_own_conversation(
    http, guarded, owner, stranger
):
    nested = [o for o in guarded if "message_id" in o.path_parameters]
    assert nested
    for operation in nested:
        for message_id in (owner.ids["message_id"], str(uuid4())):
            ids = {**stranger.ids, "message_id": message_id}
            answer = await ask(http, operation, ids, stranger.headers)
            assert refusal(answer) == (404, "message_not_found"), operation.id


async def test_another_tenants_workspace_cannot_be_chosen(http, guarded, owner, stranger):
    wrong = []
    for operation in guarded:
        for headers in (stranger.headers, stranger.key_headers):
            foreign, unknown = [
                await ask(http, operation, stranger.ids, {**headers, "X-Workspace-Id": chosen})
                for chosen in (owner.person.workspace_id, str(uuid4()))
            ]
            if refusal(foreign) != (404, "workspace_not_found") or told(foreign) != told(unknown):
                wrong.append((operation.id, foreign.text, unknown.text))
    assert wrong == []


@pytest.mark.usefixtures("walls")
async def test_no_list_shows_anything_of_another_tenant(http, guarded, owner, stranger):
    # A plain number may stand in anybody's answer.
    ids = [value for name, value in owner.ids.items() if name not in NUMBERED]
    theirs = [*ids, owner.question_id, owner.person.user_id, owner.person.email]
    filters = {"runs_list": {"subject_id": owner.ids["conversation_id"]}}
    walked = [o for o in guarded if o.method == "GET" and not o.path_parameters]
    assert len(walked) >= 7
    for operation in walked:
        for more in ({}, filters.get(operation.id, {})):
            query = {**QUERIES.get(operation.id, {}), **more}
            answer = await ask(http, operation, {}, stranger.headers, params=query)
            assert answer.status_code == 200, operation.id
            assert [word for word in theirs if word in answer.text] == [], operation.id


@pytest.mark.parametrize("action", ["delete", "restore"])
@pytest.mark.usefixtures("walls")
async def test_another_tenants_conversation_is_not_found_in_bulk(http, owner, stranger, action):
    ids = [owner.ids["conversation_id"], str(uuid4())]
    answer = await http.post(
        "/v1/conversations/bulk",
        json={"items": [{"action": action, "id": each} for each in ids]},
        headers=stranger.headers,
    )
    outcomes = answer.json()["data"]
    assert [(o["ok"], o["error"]["status"], o["error"]["code"]) for o in outcomes] == [
        (False, 404, "conversation_not_found")
    ] * 2
    assert outcomes[0]["error"] == outcomes[1]["error"]


@pytest.mark.parametrize("field", ["parent_message_id", "edit_message_id", "regenerate_message_id"])
@pytest.mark.usefixtures("walls")
async def test_another_tenants_message_is_not_found_in_a_turn(http, owner, stranger, field):
    path = f"/v1/conversations/{stranger.ids['conversation_id']}/turns"
    content = {} if field.startswith("regenerate") else {"content": "Hello"}
    answers = [
        await http.post(
            path, json={field: each, "model": QUICK, **content}, headers=stranger.headers
        )
        for each in (owner.ids["message_id"], owner.question_id, str(uuid4()))
    ]
    assert [refusal(answer) for answer in answers] == [(404, "message_not_found")] * 3
    assert told(answers[0]) == told(answers[1]) == told(answers[2])


@pytest.mark.usefixtures("walls")
async def test_another_tenants_run_cannot_be_resumed(http, operations, owner, stranger):
    """Wherever Last-Event-ID is taken, naming a foreign run is like naming none."""
    taking = [o for o in operations if any(p["name"] == "last-event-id" for p in o.parameters)]
    assert len(taking) >= 3
    for operation in taking:
        for run_id in (owner.ids["run_id"], str(uuid4())):
            ids = {**stranger.ids, "run_id": run_id}
            headers = {**stranger.headers, "Last-Event-ID": f"{run_id}:1"}
            answer = await ask(http, operation, ids, headers)
            assert refusal(answer) == (404, "run_not_found"), operation.id


async def test_ones_own_run_does_not_take_the_position_of_another_tenants_run(
    http, owner, stranger
):
    path = f"/v1/runs/{stranger.ids['run_id']}/events"
    answers = [
        await http.get(path, headers={**stranger.headers, "Last-Event-ID": f"{run_id}:1"})
        for run_id in (owner.ids["run_id"], str(uuid4()))
    ]
    assert refusal(answers[0]) == (400, "event_id_invalid")
    assert told(answers[0]) == told(answers[1])


@pytest.mark.usefixtures("walls")
async def test_another_tenants_integration_offers_no_model(http, owner, stranger):
    await http.patch(
        f"/v1/integrations/{stranger.ids['integration_id']}",
        json={"enabled": False},
        headers=stranger.headers,
    )
    body = {"messages": [{"role": "user", "content": "Hello"}], "model": "own-demo/chat?tokens=1"}
    refused = await http.post("/v1/chat", json=body, headers=stranger.headers)
    assert refusal(refused) == (422, "model_unknown")
    assert (await http.post("/v1/chat", json=body, headers=owner.headers)).status_code == 200


async def test_the_owner_still_has_everything_after_all_the_refusals(
    http, guarded, owner, stranger
):
    for operation in guarded:
        if operation.method != "GET" and operation.path_parameters:
            await ask(http, operation, owner.ids, stranger.headers)
    shown = {}
    for operation in guarded:
        if operation.method == "GET" and operation.path_parameters:
            answer = await ask(http, operation, owner.ids, owner.headers)
            shown[operation.id] = answer.status_code
    assert set(shown.values()) == {200}, shown
    run = await http.get(f"/v1/runs/{owner.ids['run_id']}", headers=owner.headers)
    assert run.json() == owner.run

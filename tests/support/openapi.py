"""The OpenAPI document as a list of calls that can be made."""

import re
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import httpx2

# Open to everyone; what is not named here needs a credential.
PUBLIC = frozenset(
    {
        "accounts_forgot_password",
        "accounts_reset_password",
        "accounts_restore",
        "accounts_verify_email",
        "health_live",
        "health_ready",
        "jwks_get",
        "privacy_certificates_get",
        "second_factor_prove",
        "sessions_begin_with_passkey",
        "sessions_create",
        "sessions_create_with_passkey",
        "sessions_delete",
        "sessions_refresh",
        "shared_conversations_get",
        "shared_messages_list",
        "saml_metadata_get",
        "saml_receive",
        "sso_callback",
        "sso_complete",
        "sso_providers_list",
        "sso_start",
        "users_register",
        "workflow_forms_get",
        "workflow_forms_submit",
        "workflow_hooks_receive",
        "workflows_schema",
    }
)
QUICK = "demo/chat?tokens=1&delay_ms=0"
# What is counted in what it belongs to: parameters of paths that are no ids, and never the first.
NUMBERED = {"chat_id": "own-chat", "label": "production", "number": "1", "version": "1"}
# What a query must hold to pass, by operation.
QUERIES: dict[str, dict[str, str]] = {
    "dictionary_entries_search": {"q": "cell"},
    "search_suggest": {"q": "ce"},
    "template_versions_compare": {"from": "1"},
}
FLOW = {"dsl": "flow/1", "nodes": [{"id": "a", "type": "transform", "with": {"value": "Hello"}}]}
# A body that passes, by operation; the authorisation or one changed value decides about the rest.
BODIES: dict[str, dict[str, Any]] = {
    "custom_tools_bulk": {
        "items": [{"action": "disable", "id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e11"}]
    },
    "custom_tools_create": {
        "slug": "find-order",
        "description": "Finds an order.",
        "request": {"url": "https://shop.example.com/orders"},
    },
    "custom_tools_import_openapi": {"document": "openapi: 3.1.0\npaths: {}"},
    "custom_tools_test": {"arguments": {}, "send": False},
    "custom_tools_update": {"description": "Finds one order."},
    "mcp_servers_bulk": {
        "items": [{"action": "delete", "id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e11"}]
    },
    "mcp_servers_confirm": {"tools": None},
    "mcp_servers_create": {
        "name": "Company wiki",
        "slug": "company-wiki",
        # Nothing listens there.
        "transport": {"type": "streamable_http", "url": "http://127.0.0.1:9/mcp"},
    },
    "mcp_servers_update": {"name": "Wiki of the company"},
    "databases_bulk": {
        "items": [{"action": "delete", "id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e11"}]
    },
    "databases_create": {
        "slug": "shop",
        "name": "Shop",
        # Nothing listens there.
        "dsn": "postgresql://reader:secret@127.0.0.1:9/shop",
    },
    "databases_update": {"description": "Orders since 2019."},
    "tool_credentials_bulk": {
        "items": [{"action": "delete", "id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e11"}]
    },
    "tool_credentials_create": {
        "name": "shop",
        "hosts": ["shop.example.com"],
        "secret": {"kind": "token", "token": "a secret"},
    },
    "tool_credentials_update": {"description": "For orders."},
    "tasks_assign": {"assignees": ["role:editor"]},
    "tasks_decide": {"decision": "approve"},
    "workflow_forms_submit": {"data": {}},
    "workflow_labels_put": {"version": 1},
    "workflow_runs_cancel": {"compensate": False},
    "workflow_runs_compare": {
        "a": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e11",
        "b": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e12",
    },
    "workflow_runs_create": {"inputs": {}, "stream": False},
    "workflow_runs_explain": {"locale": "en"},
    "workflow_runs_rerun": {"from": ["tell"]},
    "workflow_runs_resume": {"budget_usd": "1"},
    "workflow_runs_retry": {"from": ["tell"]},
    "workflow_shares_create": {"grantee": {"type": "role", "role": "viewer"}},
    "workflow_shares_update": {"level": "read"},
    "workflow_trigger_forms_submit": {"data": {}},
    "workflow_triggers_create": {
        "name": "Every morning",
        "workflow": "no-such-workflow",
        "on": {"kind": "cron", "expression": "0 8 * * *", "time_zone": "Europe/Berlin"},
    },
    "workflow_triggers_fire": {"body": {"city": "Berlin"}},
    "workflow_triggers_rotate": {"what": "secret"},
    "workflow_triggers_update": {"name": "Renamed"},
    "workflow_versions_rollback": {"version": 1},
    "workflows_bulk": {
        "items": [{"action": "delete", "id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e11"}]
    },
    "workflows_create": {"name": "Greeting", "definition": FLOW},
    "workflows_duplicate": {"name": "Greeting, in German"},
    "workflows_generate": {"description": "Greets whoever it is given.", "model": QUICK},
    "workflows_import": {
        "documents": [
            {"content": "dsl: flow/1\nnodes: [{id: a, type: transform, with: {value: 1}}]\n"}
        ]
    },
    "workflows_repair": {"definition": {"dsl": "flow/1", "nodes": []}, "model": QUICK},
    "workflows_suggest": {"from": {"kind": "behaviour", "days": 7}},
    "workflows_update": {"name": "Renamed"},
    "workflows_validate": {"definition": FLOW},
    "agent_labels_put": {"version": 1},
    "agent_shares_create": {"grantee": {"type": "role", "role": "viewer"}},
    "agent_shares_update": {"level": "read"},
    "agent_versions_rollback": {"version": 1},
    "agents_bulk": {
        "items": [{"action": "delete", "id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e11"}]
    },
    "agents_create": {"name": "Support", "definition": {"instructions": "You help."}},
    "agents_duplicate": {"name": "Support, in German"},
    "agents_import": {
        "documents": [{"content": "---\ntype: agent\nname: helper\n---\n\nYou help.\n"}]
    },
    "agents_probe": {"model": QUICK, "capabilities": ["tools"]},
    "agents_update": {"name": "Renamed"},
    "agents_validate": {"definition": {"instructions": "You help."}},
    "accounts_forgot_password": {"email": "nobody@example.com"},
    "accounts_reset_password": {"token": "not-a-token", "new_password": "quite other words"},
    "accounts_restore": {"email": "nobody@example.com", "password": "not this one"},
    "accounts_verify_email": {"token": "not-a-token"},
    "api_keys_bulk": {
        "items": [{"action": "revoke", "id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e11"}]
    },
    "api_keys_create": {"name": "Another"},
    "api_keys_rotate": {"overlap_seconds": 60},
    "api_keys_update": {"name": "Renamed"},
    "batches_create": {
        "requests": [
            {
                "custom_id": "one",
                "url": "/v1/chat/completions",
                "body": {"model": QUICK, "messages": [{"role": "user", "content": "Hello"}]},
            }
        ]
    },
    "budgets_create": {
        "name": "November", "subject": {"type": "workspace"}, "amount": "100", "window": "month"
    },
    "budgets_update": {"amount": "120.5"},
    "caches_create": {"name": "Answers", "similarity": 0.9},
    "caches_update": {"ttl_seconds": 60},
    "dataset_cases_create": {"input": "What is 2 + 2?", "expected": "4"},
    "dataset_cases_create_from_runs": {"filter": {"kinds": ["chat_turn"], "most": 5}},
    "dataset_cases_update": {"expected": "four"},
    "datasets_create": {
        "name": "Sums", "cases": [{"input": "What is 1 + 1?", "expected": "2"}]
    },
    "datasets_update": {"name": "Renamed"},
    "evaluations_create": {
        "name": "Arithmetic",
        "dataset_id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e11",
        "graders": [{"name": "number", "type": "numeric"}],
    },
    "evaluations_gate": {
        "candidate": {"experiment_id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e11"},
        "thresholds": {"min_score": 0.5},
    },
    "evaluations_import": {
        "eval": {
            "testing_criteria": [
                {
                    "type": "string_check",
                    "name": "same",
                    "input": "{{sample.output_text}}",
                    "operation": "eq",
                    "reference": "{{item.label}}",
                }
            ]
        },
        "items": [{"item": {"input": "Hello", "label": "greeting"}}],
    },
    "evaluations_update": {"name": "Renamed"},
    "experiments_create": {
        "name": "One model",
        "targets": [{"type": "model", "name": "demo", "model": QUICK}],
    },
    "dictionaries_create": {"slug": "own-words", "languages": ["en"]},
    "dictionaries_update": {"name": "Our words"},
    "dictionary_bundles_apply": {"bundle": "a.b.c", "strategy": "newest"},
    "dictionary_bundles_create": {"peer_id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e11"},
    "dictionary_peers_create": {
        "name": "Vienna",
        "public_jwk": {
            "kty": "EC",
            "crv": "P-256",
            "x": "MzvPmklX0LnuMq1ztuj83WADg_HDiU5O859NnKKVTVM",
            "y": "ZkgwE2oGe7MwnBCZzrMiwR4bXpGKCa6q0Aro0fZFSI0",
        },
    },
    "dictionary_detect": {"text": "The cell divides.", "senses": "lexical"},
    "dictionary_entries_approve": {"comment": "As we say it."},
    "dictionary_entries_bulk": {
        "items": [{"action": "propose", "id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e11"}]
    },
    "dictionary_entries_create": {
        "dictionary_id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e11",
        "terms": [{"language": "en", "text": "cell", "status": "preferred"}],
    },
    "dictionary_entries_deprecate": {"comment": "Nobody says so any more."},
    "dictionary_entries_propose": {"comment": "Please look at it."},
    "dictionary_entries_reject": {"comment": "It needs a definition."},
    "dictionary_entries_revert": {"version": 1},
    "dictionary_entries_update": {"subject_fields": ["Biology"]},
    "dictionary_policies_update": {"mode": "advise", "token_budget": 400},
    "dictionary_suggestions_accept": {"resolution": "same_as"},
    "dictionary_suggestions_bulk": {
        "items": [{"action": "dismiss", "id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e11"}]
    },
    "dictionary_suggestions_scan": {"dictionary_id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e11"},
    "customer_defaults_update": {"concurrency": 4},
    "customers_create": {"external_id": "shop-user-1"},
    "customers_update": {"blocked": True},
    "price_overrides_create": {"model": "llama-*", "input": "0.2", "output": "0.6"},
    "price_overrides_update": {"output": "0.75"},
    "price_settings_update": {"currency": "EUR", "units_per_usd": "0.92"},
    "graph_entities_bulk": {
        "items": [{"action": "delete", "id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e11"}]
    },
    "graph_entities_create": {"name": "Acme Corporation", "type": "organization"},
    "graph_entities_merge": {
        "into": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e11",
        "from": ["01976f6e-2d3a-7c41-9d52-6a1f0c9b7e12"],
    },
    "graph_entities_split": {"aliases": ["Acme Ltd"]},
    "graph_entities_update": {"description": "It makes anvils."},
    "graph_extractions_create": {"parent_ids": ["01976f6e-2d3a-7c41-9d52-6a1f0c9b7e11"]},
    "graph_paths_find": {
        "source_id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e11",
        "target_id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e12",
    },
    "graph_relations_create": {
        "source_id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e11",
        "target_id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e12",
        "type": "owns",
    },
    "graph_relations_update": {"description": "Since 1999."},
    "graph_schemas_create": {"name": "Firms", "entity_types": [{"name": "firm"}]},
    "graph_schemas_update": {"instructions": "Leave out subsidiaries."},
    "agent_frontends_ag_ui": {
        "threadId": "thread-1", "runId": "run-1", "state": {}, "tools": [], "context": [],
        "messages": [{"id": "m-1", "role": "user", "content": "Hello"}], "forwardedProps": {},
    },
    "agent_frontends_ai_sdk": {
        "id": "own-chat", "trigger": "submit-message",
        "messages": [
            {"id": "m-1", "role": "user", "parts": [{"type": "text", "text": "Hello"}]}
        ],
    },
    "agent_runs_create": {"input": "Hello", "stream": False},
    "agent_runs_resume": {"budget_usd": "1"},
    "agent_runs_retry": {"from_step": 1},
    "agent_runs_fork": {"from_step": 1},
    "approvals_decide": {"decision": "approve"},
    "chat_create": {
        "messages": [{"role": "user", "content": "Hello"}], "model": QUICK, "stream": False,
    },
    "collection_shares_create": {"grantee": {"type": "role", "role": "viewer"}},
    "collection_shares_update": {"level": "read"},
    "collection_snapshots_create": {"name": "Before the move"},
    "collections_bulk": {
        "items": [{"action": "delete", "id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e11"}]
    },
    "collections_create": {"name": "Handbook", "metadata": {"team": "blue"}},
    "collections_preview_chunks": {
        "document_id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e11", "chunking": {"tokens": 100},
    },
    "collections_reindex": {"chunking": {"tokens": 220, "overlap": 30}},
    "collections_update": {"name": "Renamed"},
    "documents_bulk": {
        "items": [{"action": "delete", "id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e11"}]
    },
    "documents_import": {"url": "https://documents.invalid/handbook.pdf"},
    "documents_update": {"name": "renamed.md"},
    "comparisons_choose": {"label": "A"},
    "comparisons_create": {
        "candidates": [{"model": QUICK}, {"model": QUICK}],
        "messages": [{"role": "user", "content": "Hello"}],
    },
    "conversations_bulk": {
        "items": [{"action": "delete", "id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e11"}]
    },
    "conversations_create": {"title": "A title", "metadata": {"team": "blue"}},
    "conversations_update": {"title": "Another title"},
    "feedback_create": {"run_id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e11", "score": 1},
    "fine_tuning_jobs_create": {
        "model": QUICK, "file_id": "file-01976f6e2d3a7c419d526a1f0c9b7e11",
    },
    "guardrails_create": {"name": "No secrets", "checks": [{"kind": "secrets"}]},
    "guardrails_test": {"text": "Write to ann@example.com"},
    "guardrails_update": {"name": "Renamed"},
    "integrations_bulk": {
        "items": [{"action": "delete", "id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e11"}]
    },
    "integrations_create": {"kind": "demo"},
    "integrations_update": {"name": "Renamed"},
    "invitations_accept": {"token": "not-a-token"},
    "invitations_bulk": {"items": [{"email": "nobody@example.com", "role": "viewer"}]},
    "invitations_create": {"email": "nobody@example.com", "role": "viewer"},
    "invitations_create_link": {"role": "viewer"},
    "me_change_email": {"email": "elsewhere@example.com"},
    "me_change_password": {"current_password": "not this one", "new_password": "ten or more"},
    "me_update": {"name": "Ada"},
    "members_update": {"role": "editor"},
    "memories_bulk": {
        "items": [{"action": "forget", "id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e11"}]
    },
    "memories_create": {
        "text": "The user lives in Graz.",
        "subject": "user",
        "predicate": "lives in",
        "object": "Graz",
    },
    "memories_recall": {"question": "Where do I live?", "tokens": 400},
    "memories_update": {"confidence": 0.5},
    "memory_blocks_bulk": {
        "items": [{"action": "delete", "id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e11"}]
    },
    "memory_blocks_create": {"label": "house-style", "text": "We write plain English."},
    "memory_blocks_update": {"text": "We write British English."},
    "memory_extractions_create": {
        "source_id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e11",
        "messages": [{"text": "I moved to Graz in May."}],
    },
    "memory_settings_update": {"review": "propose"},
    "privacy_consents_create": {
        "purpose": "product_news", "text_version": "2026-11-01", "granted": True,
    },
    "privacy_retention_replace": {"runs": 90},
    "roles_create": {"name": "Reader", "permissions": ["runs:read"]},
    "roles_update": {"description": "Reads runs."},
    "routes_create": {"slug": "support", "candidates": [{"model": "demo/chat"}]},
    "routes_explain": {"text": "Hello"},
    "routes_update": {"name": "Renamed"},
    "service_account_keys_create": {"name": "Nightly"},
    "service_accounts_create": {"name": "Import", "role": "viewer"},
    "service_accounts_update": {"name": "Renamed"},
    "sessions_create": {"email": "nobody@example.com", "password": "not this one"},
    "sessions_delete": {"refresh_token": "not-a-token"},
    "sessions_refresh": {"refresh_token": "not-a-token"},
    "shares_create": {"grantee": {"type": "link"}},
    "shares_update": {"level": "read"},
    "identities_create": {"code": "not-a-code", "verifier": "not-a-verifier"},
    "scim_tokens_create": {
        "connection_id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e11", "name": "Directory",
    },
    "sso_complete": {"code": "not-a-code", "verifier": "not-a-verifier"},
    "sso_connections_create": {
        "name": "Example Inc.",
        "settings": {"type": "oidc", "issuer": "https://login.example.com", "client_id": "c"},
        "client_secret": "a secret",
    },
    "sso_connections_update": {"name": "Renamed"},
    "sso_domains_create": {
        "connection_id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e11", "domain": "another.example.com",
    },
    "sso_start": {"provider": "nobody", "redirect_to": "https://app.example/signed-in"},
    "search_create": {"query": "a guest", "mode": "lexical"},
    "search_evaluations_create": {
        "name": "Words",
        "questions": [
            {
                "question": "Hello",
                "relevant": [{"id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e11"}],
            }
        ],
        "configurations": [{"label": "words", "mode": "lexical"}],
    },
    "search_question_sets_create": {
        "name": "Guests",
        "questions": [
            {
                "question": "Hello",
                "relevant": [{"id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e11"}],
            }
        ],
    },
    "search_question_sets_update": {"name": "Renamed"},
    "turns_create": {"content": "Hello", "model": QUICK, "stream": False},
    "users_register": {"email": "nobody@example.com", "password": "a few words"},
    "workspaces_create": {"name": "Team"},
    "workspaces_transfer": {"member_id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e11"},
    "workspaces_update": {"name": "Renamed"},
    "passkeys_create": {
        "name": "Phone", "challenge": "not-a-challenge", "credential": {"id": "eA", "response": {}},
    },
    "passkeys_update": {"name": "Renamed"},
    "second_factor_prove": {
        "challenge": "not-a-challenge", "proof": {"type": "totp", "code": "000000"},
    },
    "sessions_create_with_passkey": {
        "challenge": "not-a-challenge", "credential": {"id": "eA", "response": {}},
    },
    "step_up_prove": {"proof": {"type": "password", "password": "not this one"}, "challenge": None},
    "stream_tickets_create": {"path": "/v1/runs"},
    "totp_confirm": {"code": "000000"},
    "mailbox_messages_ack": {"receipts": ["01976f6e-2d3a-7c41-9d52-6a1f0c9b7e11"]},
    "mailbox_messages_await": {"message_id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e11"},
    "mailbox_messages_create": {"content": {"order": 42}, "type": "order.placed"},
    "mailbox_messages_extend": {"receipts": ["01976f6e-2d3a-7c41-9d52-6a1f0c9b7e11"]},
    "mailbox_messages_lease": {"max": 1, "lease_seconds": 1},
    "mailbox_messages_nack": {"receipts": ["01976f6e-2d3a-7c41-9d52-6a1f0c9b7e11"]},
    "mailbox_messages_redrive": {"ids": ["01976f6e-2d3a-7c41-9d52-6a1f0c9b7e11"]},
    "mailbox_messages_reply": {"content": {"done": True}},
    "mailbox_rules_create": {"name": "Drop it", "enabled": False, "action": {"type": "drop"}},
    "mailbox_rules_update": {"enabled": False},
    "mailbox_subscriptions_create": {"address": "agent:nobody"},
    "mailbox_subscriptions_update": {"paused": True},
    "mailboxes_broadcast": {"tag": "own-team", "content": {"order": 42}},
    "mailboxes_create": {"address": "service:another"},
    "mailboxes_update": {"capacity": 100},
    # Nothing listens there.
    "remote_agents_create": {"slug": "translator", "card_url": "http://127.0.0.1:9/card.json"},
    "remote_agents_update": {"name": "Translator"},
    "template_labels_put": {"version": 1},
    "template_shares_create": {"grantee": {"type": "role", "role": "viewer"}},
    "template_shares_update": {"level": "read"},
    "template_versions_rollback": {"version": 1},
    "templates_bulk": {
        "items": [{"action": "archive", "id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e11"}]
    },
    "templates_create": {
        "name": "Short answers",
        "body": {
            "type": "prompt", "messages": [{"role": "system", "content": "Be brief."}],
        },
    },
    "templates_duplicate": {"name": "A copy"},
    "templates_generate": {"description": "Sums letters of customers up.", "model": QUICK},
    "templates_import": {"content": "{}"},
    "templates_instantiate": {"variables": {}},
    "templates_preview": {"input": "Hello", "model": QUICK},
    "templates_publish": {"version": 1},
    "templates_render": {"variables": {}},
    "templates_update": {"name": "Renamed"},
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path; `body` is the schema of its JSON body, references resolved."""

    id: str
    method: str
    path: str
    guarded: bool
    body: dict[str, Any] | None
    parameters: list[dict[str, Any]] = field(default_factory=list)
    needs_body: bool = False

    @property
    def path_parameters(self) -> list[str]:
        return re.findall(r"{(\w+)}", self.path)

    @property
    def is_list(self) -> bool:
        return any(parameter["name"] == "cursor" for parameter in self.parameters)

    def address(self, values: dict[str, str]) -> str:
        """The path with a value for each of its parameters; raises KeyError for an unknown one."""
        return self.path.format_map(values)

    @property
    def id_places(self) -> list[tuple[str, ...]]:
        """Where a query or a body takes an id: `("query", name)`, `("body", key, …, "0", key)`."""
        queries = [
            ("query", p["name"])
            for p in self.parameters
            if p["in"] == "query" and takes_id(p["schema"])
        ]
        return [*queries, *(("body", *place) for place in _id_places(self.body or {}))]

    def with_id(
        self, place: tuple[str, ...], value: str, **beside: Any
    ) -> tuple[dict[str, Any] | None, dict[str, str]]:
        """A body and a query that pass but for this id; `beside` replaces fields of the body."""
        body, query = self.example(), dict(QUERIES.get(self.id, {}))
        if place[0] == "query":
            query[place[1]] = value
        else:
            told = {**(body or {}), **beside}
            node: Any = deepcopy({key: each for key, each in told.items() if each is not None})
            body = node
            for step, below in pairwise(place[1:]):
                node = _descend(node, step, [] if below.isdigit() else {})
            if isinstance(node, list):
                node[:] = [value]
            else:
                node[place[-1]] = value
        return body, query

    def example(self) -> dict[str, Any] | None:
        """A body that passes, or None for an operation that takes none."""
        return None if self.body is None else dict(BODIES[self.id])


async def read_operations(http: httpx2.AsyncClient) -> list[Operation]:
    document = (await http.get("/openapi.json")).json()
    return list(operations_of(document))


def operations_of(document: dict[str, Any]) -> Iterator[Operation]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            content = operation.get("requestBody", {}).get("content", {})
            schema = content.get("application/json", {}).get("schema")
            yield Operation(
                operation["operationId"],
                method.upper(),
                path,
                bool(operation.get("security")),
                resolve(document, schema) if schema else None,
                [resolve(document, p) for p in operation.get("parameters", [])],
                bool(operation.get("requestBody", {}).get("required")),
            )


def resolve(document: dict[str, Any], node: Any) -> Any:
    """A schema with every reference replaced by what it refers to; none of ours is recursive."""
    if isinstance(node, list):
        return [resolve(document, child) for child in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        name = node["$ref"].rpartition("/")[2]
        return resolve(document, document["components"]["schemas"][name])
    return {key: resolve(document, child) for key, child in node.items() if key != "discriminator"}


EVERY_TYPE = frozenset({"array", "boolean", "null", "number", "object", "string"})


def json_types(schema: dict[str, Any]) -> set[str]:
    """The JSON types that a schema takes."""
    if "type" in schema:
        return {schema["type"]}
    if "const" in schema or "enum" in schema:
        return {"string"}
    options = schema.get("anyOf") or schema.get("oneOf") or []
    if not options and "$ref" not in schema and "allOf" not in schema:
        return set(EVERY_TYPE)  # anything at all is taken
    return set().union(*(json_types(option) for option in options))


def takes_id(schema: dict[str, Any]) -> bool:
    options = schema.get("anyOf") or schema.get("oneOf") or []
    return schema.get("format") == "uuid" or any(takes_id(option) for option in options)


def _descend(node: Any, step: str, missing: Any) -> Any:
    if isinstance(node, list):
        node[:] = node or [missing]
        return node[int(step)]
    return node.setdefault(step, missing)


def _id_places(schema: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    for option in (schema, *schema.get("anyOf", []), *schema.get("oneOf", [])):
        for name, child in option.get("properties", {}).items():
            if takes_id(child):
                yield (name,)
            else:
                yield from ((name, *rest) for rest in _id_places(child))
        items = option.get("items", {})
        if takes_id(items):
            yield ("0",)
        elif items:
            yield from (("0", *rest) for rest in _id_places(items))


def longest(schema: dict[str, Any]) -> int | None:
    """The maxLength of a schema's text, or None where it takes no text or has no bound."""
    if schema.get("type") == "string":
        return schema.get("maxLength")
    options = schema.get("anyOf") or schema.get("oneOf") or []
    return next((found for option in options if (found := longest(option))), None)

"""Ids of another tenant in queries and bodies: like ids that nobody has, on every operation."""

from uuid import uuid4

import pytest

from tests.support.openapi import PUBLIC

# What a place that is not called as a parameter of a path takes, by its last word.
KINDS = {
    "a": "workflow_run_id",
    "agents": "agent_id",
    "api_keys": "api_key_id",
    "b": "workflow_run_id",
    "baseline": "experiment_id",
    "call_id": "run_id",
    "candidate": "experiment_id",
    "collections": "collection_id",
    "connection_id": "sso_connection_id",
    "contributions": "entity_id",
    "dictionaries": "dictionary_id",
    "dictionary_ids": "dictionary_id",
    "documents": "document_id",
    "entries": "entry_id",
    "from": "entity_id",
    "guardrails": "guardrail_id",
    "ids": "mailbox_message_id",
    "into": "entity_id",
    "parent_id": "graph_schema_id",
    "parent_ids": "collection_id",
    "parent_run_id": "workflow_run_id",
    "receipt": "mailbox_message_id",
    "receipts": "mailbox_message_id",
    "replace_with_id": "role_id",
    "replaced_by_id": "entry_id",
    "routes": "route_id",
    "run_ids": "run_id",
    "schema_id": "graph_schema_id",
    "source_id": "entity_id",
    "subject_id": "conversation_id",
    "trigger_id": "workflow_trigger_id",
    "sync_id": "entry_id",
    "target_id": "entity_id",
}
# What `id` is, by the operation.
OF = {
    "agents_bulk": "agent_id",
    "api_keys_bulk": "api_key_id",
    "collections_bulk": "collection_id",
    "custom_tools_bulk": "tool_id",
    "databases_bulk": "database_id",
    "dictionary_entries_bulk": "entry_id",
    "dictionary_suggestions_bulk": "suggestion_id",
    "documents_bulk": "document_id",
    "graph_entities_bulk": "entity_id",
    "integrations_bulk": "integration_id",
    "mcp_servers_bulk": "mcp_server_id",
    "memories_bulk": "memory_id",
    "memory_blocks_bulk": "block_id",
    "templates_bulk": "template_id",
    "tool_credentials_bulk": "tool_credential_id",
    "workflows_bulk": "workflow_id",
}
# What must stand beside an id, or instead of what the example has, for it to be looked at.
GRANTEE = {"grantee": {"type": "role", "role": "custom"}}
BESIDE = {
    ("agent_shares_create", "role_id"): GRANTEE,
    ("collection_shares_create", "role_id"): GRANTEE,
    ("template_shares_create", "role_id"): GRANTEE,
    ("workflow_shares_create", "role_id"): GRANTEE,
    ("agent_shares_create", "member_id"): {"grantee": {"type": "member"}},
    ("collection_shares_create", "member_id"): {"grantee": {"type": "member"}},
    ("template_shares_create", "member_id"): {"grantee": {"type": "member"}},
    ("workflow_shares_create", "member_id"): {"grantee": {"type": "member"}},
    ("dataset_cases_create_from_runs", "0"): {"filter": None},
    ("feedback_create", "call_id"): {"run_id": None},
    ("feedback_create", "message_id"): {"run_id": None},
    ("graph_entities_split", "0"): {"aliases": None},
    ("invitations_create", "role_id"): {"role": "custom"},
    ("invitations_create_link", "role_id"): {"role": "custom"},
    ("members_update", "role_id"): {"role": "custom"},
    ("memories_create", "agent_id"): {"scope": "agent"},
    ("search_evaluations_create", "question_set_id"): {"questions": None},
    ("service_accounts_create", "role_id"): {"role": "custom"},
    ("turns_create", "regenerate_message_id"): {"content": None},
    ("workflows_repair", "run_id"): {"definition": None},
}
# What a tenant does not have, or has of its own kind: the id of an entry does as well as another.
ANY = "entry_id"
# Signed anew each time; `audit_logs_list` takes the same.
UNLIKE = {"audit_logs_export"}


def kind_of(operation, place, ids):
    name = next(step for step in reversed(place) if not step.isdigit())
    kind = OF.get(operation.id, ANY) if name == "id" else name
    return kind if kind in ids else KINDS.get(name, ANY)


async def told(http, operation, tenant, place, value):
    """Status and answer without the id itself, and without what differs each time."""
    beside = BESIDE.get((operation.id, place[-1]), {})
    body, query = operation.with_id(place, value, **beside)
    if any(parameter["name"] == "dry_run" for parameter in operation.parameters):
        query["dry_run"] = "true"
    answer = await http.request(
        operation.method,
        operation.address(tenant.ids),
        params=query,
        json=body,
        headers=tenant.headers,
    )
    if answer.status_code < 400 and operation.method != "GET":
        outcomes = answer.json() if answer.content else {}
        made = [each.get("error") for each in outcomes.get("data", ()) if "ok" in each]
        return answer.status_code, str(made).replace(value, "…")
    text = answer.text.replace(value, "…")
    for name in ("x-request-id", "date"):
        text = text.replace(answer.headers.get(name) or "-", "")
    return answer.status_code, text


@pytest.mark.usefixtures("walls")
async def test_another_tenants_id_is_as_good_as_none(http, operations, owner, stranger):
    asked, wrong = 0, []
    for operation in operations:
        if operation.id in PUBLIC | UNLIKE:
            continue
        for place in operation.id_places:
            asked += 1
            foreign = owner.ids[kind_of(operation, place, owner.ids)]
            seen = [
                await told(http, operation, stranger, place, each)
                for each in (foreign, str(uuid4()))
            ]
            if seen[0] != seen[1] or seen[0][0] >= 500:
                wrong.append((operation.id, place, *seen))
    assert wrong == []
    assert asked > 100

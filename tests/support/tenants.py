"""A tenant with one real resource of each kind, and credentials that no longer open anything."""

import asyncio
import io
import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx2
from jose import jwt
from PIL import Image
from sqlalchemy import update

from app.core.clock import now
from app.core.db import SYSTEM
from app.core.kernel import Kernel
from app.identity.access import IdentityResolver
from app.identity.api_keys.models import ApiKey
from app.identity.sessions import tokens
from app.identity.sessions.models import UserSession
from tests.support.authenticator import Authenticator
from tests.support.factors import new_passkey
from tests.support.identity import Person, bearer, new_key, new_person, sign_in, until
from tests.support.openapi import BODIES, QUICK
from tests.support.privacy import new_export
from tests.support.sso import sso_resources


@dataclass(frozen=True, slots=True)
class Tenant:
    """Someone and what is theirs: the id of a resource by the name of its path parameter."""

    person: Person
    ids: dict[str, str]
    key: str
    run: dict[str, Any]
    question_id: str

    @property
    def headers(self) -> dict[str, str]:
        return self.person.headers

    @property
    def key_headers(self) -> dict[str, str]:
        return bearer(self.key)


# Of this worker: their tokens end after ten minutes, and a slow run takes longer.
MADE: list[Tenant] = []


async def stay_signed_in(kernel: Kernel) -> None:
    """A new token of the same session for everyone whose token is about to end.

    Not by signing in: what a tenant has by now, a passkey among it, would ask for more.
    """
    for tenant in MADE:
        said = jwt.get_unverified_claims(tenant.headers["Authorization"].removeprefix("Bearer "))
        if said["exp"] - now().timestamp() > 300:
            continue
        claims = tokens.Claims(user_id=UUID(said["sub"]), session_id=UUID(said["sid"]))
        resolver = kernel.resolver
        assert isinstance(resolver, IdentityResolver)
        token = await tokens.sign(resolver.signing_keys, kernel.settings, claims)
        tenant.headers.update(bearer(token))
        async with kernel.database.unit(SYSTEM) as session:
            await session.execute(
                update(UserSession)
                .where(UserSession.id == claims.session_id)
                .values(authenticated_at=now())
            )


async def new_tenant(http: httpx2.AsyncClient) -> Tenant:
    person = await new_person(http)
    key = await new_key(http, person, scopes=await _all_scopes(http, person))
    integration = await _made(
        http, person, "/v1/integrations", {"kind": "demo", "slug": "own-demo", "name": "Own demo"}
    )
    route = await _made(
        http,
        person,
        "/v1/routes",
        {"slug": "own-route", "candidates": [{"model": "own-demo/chat"}]},
    )
    await _drawn(http, person)
    erasure = await _made(http, person, "/v1/privacy/erasures")
    chat = await http.post(
        "/v1/chat",
        json={"messages": [{"role": "user", "content": "Hello"}], "model": QUICK},
        headers=person.headers,
    )
    assert chat.status_code == 200, chat.text
    answer = chat.json()
    run = await http.get(f"/v1/runs/{answer['run_id']}", headers=person.headers)
    export = await new_export(http, person)
    judged = {"run_id": answer["run_id"], "score": 1, "comment": "Good."}
    feedback = await _made(http, person, "/v1/feedback", judged)
    audited = (await http.get("/v1/audit-logs", headers=person.headers)).json()
    other_session = await _other_session(http, person)
    passkey = await new_passkey(http, person, Authenticator())
    program = {"name": "Import", "role": "viewer"}
    service_account = await _made(http, person, "/v1/service-accounts", program)
    guest = {"email": f"{uuid4().hex}@example.com", "role": "viewer"}
    invitation = await _made(http, person, "/v1/invitations", guest)
    role = await _made(
        http, person, "/v1/roles", {"name": "Reader", "permissions": ["models:read"]}
    )
    shares = f"/v1/conversations/{answer['conversation_id']}/shares"
    share = await _made(http, person, shares, {"grantee": {"type": "link"}})
    job = await _fine_tuning_job(http, person)
    comparison = await http.post(
        "/v1/compare", json=BODIES["comparisons_create"], headers=person.headers
    )
    assert comparison.status_code == 200, comparison.text
    tenant = Tenant(
        person=person,
        ids={
            "workspace_id": person.workspace_id,
            "api_key_id": key["id"],
            "audit_log_id": audited["data"][0]["id"],
            "integration_id": integration["id"],
            "certificate_id": erasure["certificate_id"],
            "comparison_id": comparison.json()["id"],
            "conversation_id": answer["conversation_id"],
            "erasure_id": erasure["id"],
            "export_id": export["id"],
            "feedback_id": feedback["id"],
            "invitation_id": invitation["id"],
            "job_id": job["id"],
            "member_id": service_account["member_id"],
            "message_id": answer["message"]["id"],
            "passkey_id": passkey["id"],
            "route_id": route["id"],
            "role_id": role["id"],
            "run_id": answer["run_id"],
            "service_account_id": service_account["id"],
            "session_id": other_session,
            "share_id": share["id"],
            "user_id": person.user_id,
            **await _gateway_resources(http, person),
            **await _dictionary_resources(http, person),
            **await _document_resources(http, person),
            **await sso_resources(http, person),
            **await _graph_resources(http, person),
            **await _evaluation_resources(http, person),
            **await _mail_resources(http, person),
            **await _memory_resources(http, person),
            **await _agent_resources(http, person),
            **await _agent_run_resources(http, person),
            **await _template_resources(http, person),
            **await _workflow_resources(http, person),
            **await _workflow_run_resources(http, person),
        },
        key=key["key"],
        run=run.json(),
        question_id=answer["message"]["parent_id"],
    )
    MADE.append(tenant)
    return tenant


async def _mail_resources(http: httpx2.AsyncClient, person: Person) -> dict[str, str]:
    """A mailbox with a message, a rule, and an agent that would answer, were it not paused."""
    box = {"address": f"service:desk-{person.workspace_id[-12:]}", "tags": ["own-team"]}
    address = (await _made(http, person, "/v1/mailboxes", box))["address"]
    letter = {"content": "Hello", "reply_to": address}
    sent = await http.post(f"/v1/mailboxes/{address}/messages", json=letter, headers=person.headers)
    assert sent.status_code == 200, sent.text
    rule = await _made(http, person, "/v1/mailbox-rules", BODIES["mailbox_rules_create"])
    agent = await _made(http, person, "/v1/agents", {"name": "Clerk", "definition": {}})
    # This very service, as another one would know it.
    remote = {"slug": "self", "card_url": str(http.base_url)}
    paused = {"address": f"agent:{agent['id']}", "paused": True}
    subscription = await _made(http, person, "/v1/mailbox-subscriptions", paused)
    return {
        "address": address,
        "mailbox_message_id": sent.json()["deliveries"][0]["id"],
        "mailbox_rule_id": rule["id"],
        "remote_agent_id": (await _made(http, person, "/v1/remote-agents", remote))["id"],
        "mailbox_subscription_id": subscription["id"],
    }


async def _gateway_resources(http: httpx2.AsyncClient, person: Person) -> dict[str, str]:
    """One of each rule of the gateway, and a batch, by their path parameters."""
    made = {
        "batch_id": ("/v1/batches", "batches_create"),
        "budget_id": ("/v1/budgets", "budgets_create"),
        "cache_id": ("/v1/caches", "caches_create"),
        "customer_id": ("/v1/customers", "customers_create"),
        "database_id": ("/v1/databases", "databases_create"),
        "guardrail_id": ("/v1/guardrails", "guardrails_create"),
        "mcp_server_id": ("/v1/mcp-servers", "mcp_servers_create"),
        "override_id": ("/v1/prices/overrides", "price_overrides_create"),
        "question_set_id": ("/v1/search/question-sets", "search_question_sets_create"),
        "search_evaluation_id": ("/v1/search/evaluations", "search_evaluations_create"),
        "tool_credential_id": ("/v1/tools/credentials", "tool_credentials_create"),
        "tool_id": ("/v1/tools/custom", "custom_tools_create"),
    }
    return {
        name: (await _made(http, person, path, BODIES[operation]))["id"]
        for name, (path, operation) in made.items()
    }


async def _dictionary_resources(http: httpx2.AsyncClient, person: Person) -> dict[str, str]:
    """A dictionary, and an entry of it at its first version."""
    dictionary = await _made(http, person, "/v1/dictionaries", BODIES["dictionaries_create"])
    body = {**BODIES["dictionary_entries_create"], "dictionary_id": dictionary["id"]}
    entry = await _made(http, person, "/v1/dictionary/entries", body)
    suggestion_id = await _suggestion(http, person, body)
    return {
        **await _exchange_resources(http, person, dictionary["id"]),
        "dictionary_id": dictionary["id"],
        "entry_id": entry["id"],
        "suggestion_id": suggestion_id,
        "version": "1",
    }


async def _exchange_resources(
    http: httpx2.AsyncClient, person: Person, dictionary_id: str
) -> dict[str, str]:
    """An import into a dictionary, and a peer of it."""
    path = f"/v1/dictionaries/{dictionary_id}"
    started = await http.post(
        f"{path}/imports?format=csv", content=b"language,term\nen,nucleus\n", headers=person.headers
    )
    assert started.status_code == 201, started.text
    imported = f"/v1/dictionary/imports/{started.json()['id']}"

    async def over() -> bool:
        found = await http.get(imported, headers=person.headers)
        return found.json()["status"] != "in_progress"

    await until(over)
    key = {
        "kty": "EC",
        "crv": "P-256",
        "x": "M1dvZiz0EysDd6LPPX_lhId9iK2AQ-bzdCFZ-h1rJb0",
        "y": "9gmei9Q7tZWOICpO091M7MD_y0kd3byzezmHYuKD6Ic",
    }
    peer = await _made(http, person, f"{path}/peers", {"name": "Graz", "public_jwk": key})
    return {"import_id": started.json()["id"], "peer_id": peer["id"]}


async def _suggestion(http: httpx2.AsyncClient, person: Person, entry: dict[str, Any]) -> str:
    """That an entry which is written a second time is a duplicate."""
    await _made(http, person, "/v1/dictionary/entries", entry)
    scan = {"dictionary_id": entry["dictionary_id"]}
    path = "/v1/dictionary/suggestions"
    answer = await http.post(f"{path}/scan", json=scan, headers=person.headers)
    assert answer.status_code == 202, answer.text

    async def found() -> list[dict[str, Any]]:
        return (await http.get(path, headers=person.headers)).json()["data"]

    await until(found)
    return (await found())[0]["id"]


async def _memory_resources(http: httpx2.AsyncClient, person: Person) -> dict[str, str]:
    """A memory, and a block of another label than what others make."""
    memory = await _made(http, person, "/v1/memories", {"text": "We close at five."})
    block = await _made(http, person, "/v1/memory-blocks", {"label": "notes", "text": "Plain."})
    return {"memory_id": memory["id"], "block_id": block["id"]}


async def _agent_resources(http: httpx2.AsyncClient, person: Person) -> dict[str, str]:
    """An agent with a share, whose first version has a label."""
    agent = await _made(http, person, "/v1/agents", BODIES["agents_create"])
    path = f"/v1/agents/{agent['id']}"
    share = await _made(http, person, f"{path}/shares", BODIES["agent_shares_create"])
    label = await http.put(
        f"{path}/labels/production", json=BODIES["agent_labels_put"], headers=person.headers
    )
    assert label.status_code == 200, label.text
    return {"agent_id": agent["id"], "agent_share_id": share["id"], "label": "production"}


async def _agent_run_resources(http: httpx2.AsyncClient, person: Person) -> dict[str, str]:
    """A run of an agent that waits for someone to agree to a call."""
    uses = [{"tool": "calculator", "approval": "always"}]
    definition = {"model": "own-demo/tools", "tools": uses}
    agent = await _made(http, person, "/v1/agents", {"name": "Asks", "definition": definition})
    path = f"/v1/agents/{agent['slug']}/ai-sdk"
    body = BODIES["agent_frontends_ai_sdk"]
    told = await http.post(path, json=body, headers=person.headers)
    assert "tool-approval-request" in told.text, told.text
    run_id = told.headers["x-run-id"]
    path = f"/v1/runs/{run_id}/approvals"
    [approval] = (await http.get(path, headers=person.headers)).json()
    return {
        "agent": agent["slug"],
        "agent_run_id": run_id,
        "approval_id": approval["id"],
        "chat_id": "own-chat",
    }


async def _graph_resources(http: httpx2.AsyncClient, person: Person) -> dict[str, str]:
    """Two entities that are related, one of which a third was merged into; and a schema."""
    entities = [
        (await _made(http, person, "/v1/graph/entities", {"name": name}))["id"]
        for name in ("Acme", "Bolt", "Bolt Ltd")
    ]
    ends = {"source_id": entities[0], "target_id": entities[1], "type": "owns"}
    merged = {"into": entities[1], "from": [entities[2]]}
    done = await _made(http, person, "/v1/graph/entities/merge", merged)
    schema = BODIES["graph_schemas_create"]
    return {
        "entity_id": entities[1],
        "graph_schema_id": (await _made(http, person, "/v1/graph/schemas", schema))["id"],
        "merge_id": done["merge"]["id"],
        "relation_id": (await _made(http, person, "/v1/graph/relations", ends))["id"],
    }


async def _evaluation_resources(http: httpx2.AsyncClient, person: Person) -> dict[str, str]:
    """A dataset with a case, an evaluation with it, and an experiment that has ended."""
    dataset = await _made(http, person, "/v1/datasets", BODIES["datasets_create"])
    cases = f"/v1/datasets/{dataset['id']}/cases"
    case = await _made(http, person, cases, BODIES["dataset_cases_create"])
    body = {**BODIES["evaluations_create"], "dataset_id": dataset["id"]}
    evaluation = await _made(http, person, "/v1/evaluations", body)
    path = f"/v1/evaluations/{evaluation['id']}/experiments"
    experiment = await _made(http, person, path, BODIES["experiments_create"])

    async def over() -> bool:
        path = f"/v1/experiments/{experiment['id']}"
        return (await http.get(path, headers=person.headers)).json()["status"] != "running"

    await until(over)
    return {
        "case_id": case["id"],
        "dataset_id": dataset["id"],
        "evaluation_id": evaluation["id"],
        "experiment_id": experiment["id"],
    }


async def _document_resources(http: httpx2.AsyncClient, person: Person) -> dict[str, str]:
    """A collection with a share, a snapshot and a document that can be found."""
    collection = await _made(http, person, "/v1/collections", BODIES["collections_create"])
    path = f"/v1/collections/{collection['id']}"
    answer = await http.post(
        f"{path}/documents?name=leave.md", content=b"Thirty days.", headers=person.headers
    )
    assert answer.status_code == 202, answer.text
    document = answer.json()
    while document["status"] != "ready":
        await asyncio.sleep(0.1)
        found = await http.get(f"/v1/documents/{document['id']}", headers=person.headers)
        document = found.json()
        assert document["status"] != "failed", found.text
    share = await _made(http, person, f"{path}/shares", BODIES["collection_shares_create"])
    snapshot = await _made(http, person, f"{path}/snapshots", {"name": "As it was"})
    return {
        "collection_id": collection["id"],
        "collection_share_id": share["id"],
        "document_id": document["id"],
        "number": "1",
        "snapshot_id": snapshot["id"],
    }


async def _workflow_resources(http: httpx2.AsyncClient, person: Person) -> dict[str, str]:
    """A workflow with a share, whose first version has a label."""
    workflow = await _made(http, person, "/v1/workflows", BODIES["workflows_create"])
    path = f"/v1/workflows/{workflow['id']}"
    share = await _made(http, person, f"{path}/shares", BODIES["workflow_shares_create"])
    label = await http.put(
        f"{path}/labels/production", json=BODIES["workflow_labels_put"], headers=person.headers
    )
    assert label.status_code == 200, label.text
    return {
        "workflow_id": workflow["id"],
        "workflow_share_id": share["id"],
        **await _trigger_resources(http, person, workflow["id"]),
    }


async def _workflow_run_resources(http: httpx2.AsyncClient, person: Person) -> dict[str, str]:
    """A run that has taken a step and waits for a person."""
    tell = {"id": "tell", "type": "emit", "with": {"type": "test.done"}}
    ask = {"id": "ask", "type": "approval", "with": {"title": "Go on?"}}
    order = [{"from": "tell", "to": "ask"}]
    definition = {"dsl": "flow/1", "nodes": [tell, ask], "edges": order}
    made = {"name": "Asks", "definition": definition}
    workflow = await _made(http, person, "/v1/workflows", made)
    path = f"/v1/workflows/{workflow['slug']}/runs"
    body = BODIES["workflow_runs_create"]
    begun = await http.post(path, json=body, headers=person.headers)
    assert begun.json()["status"] == "paused", begun.text
    run_id = begun.json()["id"]
    path = f"/v1/workflow-runs/{run_id}/steps"
    [step] = (await http.get(path, headers=person.headers)).json()["data"]
    return {
        "workflow": workflow["slug"],
        "workflow_run_id": run_id,
        "workflow_step_id": step["id"],
        "task_id": begun.json()["waits"][0]["id"],
    }


async def _trigger_resources(
    http: httpx2.AsyncClient, person: Person, workflow_id: str
) -> dict[str, str]:
    """A time that fired once, a webhook, and a form for everybody."""
    base, of = "/v1/workflow-triggers", {"workflow": workflow_id}
    body = BODIES["workflow_triggers_create"]
    cron = await _made(http, person, base, {**body, **of})
    unsigned = {"type": "none", "allow_unsigned": True}
    on = {"kind": "webhook", "verification": unsigned}
    hook = await _made(http, person, base, {"name": "Shop", "on": on, **of})
    form = {"kind": "form", "title": "Ask us", "json_schema": {}, "access": "public"}
    asked = await _made(http, person, base, {"name": "Contact", "on": form, **of})
    fired = await http.post(
        f"{base}/{cron['id']}/fire",
        json=BODIES["workflow_triggers_fire"],
        headers=person.headers,
    )
    assert fired.status_code == 202, fired.text
    return {
        "form_token": asked["url"].rpartition("/")[2],
        "hook_token": hook["url"].rpartition("/")[2],
        "workflow_delivery_id": fired.json()["id"],
        "workflow_form_id": asked["id"],
        "workflow_trigger_id": cron["id"],
    }


async def _template_resources(http: httpx2.AsyncClient, person: Person) -> dict[str, str]:
    """A template with a share; packs are everyone's, so the name is of none."""
    template = await _made(http, person, "/v1/templates", BODIES["templates_create"])
    path = f"/v1/templates/{template['id']}"
    share = await _made(http, person, f"{path}/shares", BODIES["template_shares_create"])
    return {
        "pack_name": "no-such-pack",
        "template_id": template["id"],
        "template_share_id": share["id"],
    }


async def _drawn(http: httpx2.AsyncClient, person: Person) -> None:
    """Give someone a picture."""
    drawn = io.BytesIO()
    Image.new("RGB", (8, 8)).save(drawn, "PNG")
    answer = await http.put("/v1/me/avatar", content=drawn.getvalue(), headers=person.headers)
    assert answer.status_code == 200, answer.text


async def _other_session(http: httpx2.AsyncClient, person: Person) -> str:
    """Sign someone in on another device; the id of that session."""
    tokens = await sign_in(http, person.email)
    me = await http.get("/v1/me", headers=bearer(tokens["access_token"]))
    return me.json()["credential"]["id"]


async def _all_scopes(http: httpx2.AsyncClient, person: Person) -> list[str]:
    return (await http.get("/v1/me", headers=person.headers)).json()["permissions"]


async def _made(
    http: httpx2.AsyncClient, person: Person, path: str, body: dict[str, Any] | None = None
) -> dict[str, Any]:
    answer = await http.post(path, json=body, headers=person.headers)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def expired_token(kernel: Kernel, person: Person) -> str:
    """An access token of a living session, out of its time."""
    resolver = kernel.resolver
    assert isinstance(resolver, IdentityResolver)
    claims = await tokens.verify(resolver.signing_keys, kernel.settings, person.access_token)
    yesterday = now() - timedelta(days=1)
    return await tokens.sign(resolver.signing_keys, kernel.settings, claims, at=yesterday)


async def expired_key(http: httpx2.AsyncClient, kernel: Kernel, person: Person) -> str:
    """A key with every scope whose time is over."""
    made = await new_key(http, person, scopes=await _all_scopes(http, person))
    async with kernel.database.unit(SYSTEM) as session:
        await session.execute(
            update(ApiKey)
            .where(ApiKey.id == UUID(made["id"]))
            .values(expires_at=now() - timedelta(minutes=1))
        )
    return made["key"]


async def revoked_key(http: httpx2.AsyncClient, person: Person) -> str:
    """A key with every scope, used once and then revoked."""
    made = await new_key(http, person, scopes=await _all_scopes(http, person))
    used = await http.get("/v1/me", headers=bearer(made["key"]))
    assert used.status_code == 200
    gone = await http.delete(f"/v1/api-keys/{made['id']}", headers=person.headers)
    assert gone.status_code == 204
    return made["key"]


async def _fine_tuning_job(http: httpx2.AsyncClient, person: Person) -> dict[str, Any]:
    """A job at a provider that nobody can reach, and whose integration is gone: it is there."""
    openai = {"kind": "openai", "slug": "away", "base_url": "http://127.0.0.1:9/v1", "api_key": "k"}
    away = await _made(http, person, "/v1/integrations", openai)
    said = [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Good day."}]
    content = "\n".join([json.dumps({"messages": said})] * 10)
    uploaded = await http.post(
        "/openai/v1/files",
        files={"file": ("examples.jsonl", content)},
        data={"purpose": "fine-tune"},
        headers=person.headers,
    )
    assert uploaded.status_code == 200, uploaded.text
    wanted = {"model": "away/gpt-4o-mini", "file_id": uploaded.json()["id"]}
    job = await _made(http, person, "/v1/fine-tuning/jobs", wanted)
    gone = await http.delete(f"/v1/integrations/{away['id']}", headers=person.headers)
    assert gone.status_code == 204, gone.text
    return job

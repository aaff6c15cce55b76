"""The three rails of every write: repeated keys, dry runs, versions."""

import asyncio
import hashlib
from uuid import UUID, uuid4

import orjson
import pytest
from sqlalchemy import event, text

from app.core.audit import REQUEST
from app.core.db import SYSTEM, Scope, sync_engine
from app.tables import Base
from tests.support.identity import new_person
from tests.support.openapi import QUICK

KEY = "Idempotency-Key"
WRITES = ("POST", "PATCH", "PUT", "DELETE")
STALE = '"v999999"'


def keyed(person, key=None):
    return {**person.headers, KEY: key or str(uuid4())}


async def rows_of(kernel, person, table):
    async with kernel.database.unit(Scope(UUID(person.workspace_id))) as session:
        return await session.scalar(
            text(f"select count(*) from {table} where workspace_id = :w"),  # noqa: S608
            {"w": person.workspace_id},
        )


@pytest.fixture
async def person(http):
    return await new_person(http)


async def test_a_hundred_posts_with_one_key_have_one_effect(http, kernel, person):
    headers = keyed(person)

    async def post():
        while True:
            answer = await http.post("/v1/conversations", json={"title": "Once"}, headers=headers)
            if answer.status_code != 409:
                return answer
            assert answer.json()["code"] == "request_under_way"
            assert answer.headers["retry-after"] == "1"
            await asyncio.sleep(0.05)

    answers = await asyncio.gather(*(post() for _ in range(100)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    assert len({answer.headers["location"] for answer in answers}) == 1
    replayed = [answer for answer in answers if answer.headers.get("idempotency-replayed")]
    assert len(replayed) == 99
    assert await rows_of(kernel, person, "conversations") == 1


async def test_a_key_with_another_body_is_refused(http, kernel, person):
    headers = keyed(person)
    await http.post("/v1/conversations", json={"title": "One"}, headers=headers)
    other = await http.post("/v1/conversations", json={"title": "Two"}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert other.json()["errors"][0]["pointer"] == "/header/idempotency-key"
    assert await rows_of(kernel, person, "conversations") == 1


async def test_a_key_belongs_to_its_person_its_method_and_its_path(http, kernel, person):
    other = await new_person(http)
    headers = keyed(person, "the same")
    made = await http.post("/v1/conversations", json={"title": "Mine"}, headers=headers)
    theirs = await http.post(
        "/v1/conversations", json={"title": "Theirs"}, headers=keyed(other, "the same")
    )
    assert (theirs.status_code, theirs.json()["title"]) == (201, "Theirs")
    changed = await http.patch(made.headers["location"], json={"title": "New"}, headers=headers)
    assert changed.json()["title"] == "New"


async def test_a_repeated_patch_gives_the_first_answer_again(http, person):
    made = await http.post("/v1/conversations", json={}, headers=person.headers)
    headers = keyed(person)
    first = await http.patch(made.headers["location"], json={"title": "A"}, headers=headers)
    await http.patch(made.headers["location"], json={"title": "B"}, headers=person.headers)
    again = await http.patch(made.headers["location"], json={"title": "A"}, headers=headers)
    assert again.text == first.text
    assert again.headers["etag"] == first.headers["etag"]
    now = await http.get(made.headers["location"], headers=person.headers)
    assert now.json()["title"] == "B"


async def test_a_refusal_is_not_kept(http, person):
    headers = keyed(person)
    body = {"kind": "openai", "slug": "one"}
    first = await http.post("/v1/integrations", json=body, headers=headers)
    assert first.status_code == 422
    again = await http.post("/v1/integrations", json={"kind": "demo"}, headers=headers)
    assert again.status_code == 201


async def test_a_key_made_for_one_answer_is_shown_again_and_kept_sealed(http, kernel, person):
    headers = keyed(person)
    first = await http.post("/v1/api-keys", json={"name": "K"}, headers=headers)
    again = await http.post("/v1/api-keys", json={"name": "K"}, headers=headers)
    assert again.json()["key"] == first.json()["key"]
    async with kernel.database.unit(SYSTEM) as session:
        kept = await session.scalar(text("select idempotency_keys::text from idempotency_keys"))
    assert first.json()["key"].encode().hex() not in kept


@pytest.mark.parametrize("cut_before", ["record", "commit"])
async def test_a_connection_cut_between_effect_and_record_leaves_neither(
    http, kernel, person, cut_before
):
    """The backend is really terminated, right before the record's statement or the commit."""
    engine, armed = kernel.database.engine.sync_engine, [True]
    headers = keyed(person)

    def before_statement(connection, _cursor, statement, *_):
        if cut_before == "record" and statement.startswith("INSERT INTO idempotency_keys"):
            armed.clear()
            terminate(kernel, connection.exec_driver_sql("select pg_backend_pid()").scalar())

    async def before_commit(session):
        if cut_before == "commit" and armed and REQUEST in session.info:
            armed.clear()
            terminate(kernel, await session.scalar(text("select pg_backend_pid()")))

    event.listen(engine, "before_cursor_execute", before_statement)
    kernel.database.before_commit.append(before_commit)
    try:
        broken = await http.post("/v1/conversations", json={"title": "X"}, headers=headers)
    finally:
        event.remove(engine, "before_cursor_execute", before_statement)
        kernel.database.before_commit.remove(before_commit)
    assert not armed
    assert broken.status_code == 503
    assert await rows_of(kernel, person, "conversations") == 0
    again = await http.post("/v1/conversations", json={"title": "X"}, headers=headers)
    assert again.status_code == 201
    assert "idempotency-replayed" not in again.headers
    assert await rows_of(kernel, person, "conversations") == 1


def terminate(kernel, pid):
    """End a backend, as the role that owns the database."""
    owner = sync_engine(kernel.settings.database_url.get_secret_value())
    with owner.connect() as connection:
        connection.execute(text("select pg_terminate_backend(:pid)"), {"pid": pid})
    owner.dispose()


async def test_a_repeated_turn_attaches_to_the_run_that_is_under_way(http, kernel, person):
    headers = keyed(person)
    body = {
        "messages": [{"role": "user", "content": "Hello"}],
        "model": "demo/chat?tokens=20&delay_ms=20",
        "stream": True,
    }

    async def stream():
        async with http.stream("POST", "/v1/chat", json=body, headers=headers) as answer:
            if answer.status_code == 409:
                return None
            assert answer.status_code == 200, await answer.aread()
            return answer.headers["x-run-id"], b"".join([c async for c in answer.aiter_raw()])

    streams = [s for s in await asyncio.gather(*(stream() for _ in range(10))) if s]
    later = await stream()
    assert len({run_id for run_id, _ in [*streams, later]}) == 1
    ends = {data[data.rindex(b"event: ") :] for _, data in [*streams, later]}
    assert len(ends) == 1
    assert b"run.completed" in ends.pop()
    assert await rows_of(kernel, person, "runs") <= 2  # the turn, and its title
    whole = await http.post("/v1/chat", json={**body, "stream": False}, headers=headers)
    assert whole.json()["code"] == "idempotency_key_reused"


async def test_a_turn_that_begins_between_anothers_look_up_and_its_effect_is_attached_to(
    http, kernel, person
):
    """The second finds no record at first, and one once it is its turn to act."""
    engine, headers = kernel.database.engine.sync_engine, keyed(person)
    body = {"messages": [{"role": "user", "content": "Hello"}], "model": QUICK}
    looked_up, first = [], []

    def before_statement(_connection, _cursor, statement, *_):
        if statement.startswith("SELECT") and "FROM idempotency_keys" in statement:
            looked_up.append(asyncio.current_task())

    async def act_first(_session):
        # Of all that commits meanwhile, that request alone.
        if looked_up[:1] == [asyncio.current_task()] and not first:
            first.append(None)
            first.append(await http.post("/v1/chat", json=body, headers=headers))

    event.listen(engine, "before_cursor_execute", before_statement)
    kernel.database.before_commit.append(act_first)
    try:
        second = await http.post("/v1/chat", json=body, headers=headers)
    finally:
        event.remove(engine, "before_cursor_execute", before_statement)
        kernel.database.before_commit.remove(act_first)
    assert (first[1].status_code, second.status_code) == (200, 200), second.text
    assert second.json() == first[1].json()
    assert second.headers["idempotency-replayed"] == "true"


async def test_a_kept_fingerprint_is_no_hash_that_a_password_can_be_guessed_by(http, kernel):
    body = {"email": f"{uuid4().hex}@example.com", "password": "orchid lamp of the north"}
    content = orjson.dumps(body)
    headers = {KEY: str(uuid4()), "Content-Type": "application/json"}
    made = await http.post("/v1/auth/register", content=content, headers=headers)
    assert made.status_code == 201
    async with kernel.database.unit(SYSTEM) as session:
        kept = await session.scalars(text("select fingerprint from idempotency_keys"))
    assert (found := set(kept))
    assert hashlib.sha256(content).digest() not in found


async def test_a_repeated_turn_without_a_stream_gives_the_same_message(http, person):
    headers = keyed(person)
    body = {"messages": [{"role": "user", "content": "Hello"}], "model": QUICK}
    first = await http.post("/v1/chat", json=body, headers=headers)
    again = await http.post("/v1/chat", json=body, headers=headers)
    assert again.json() == first.json()
    assert again.headers["idempotency-replayed"] == "true"


async def test_a_dry_run_of_a_turn_tells_what_it_would_cost(http, kernel, person):
    body = {
        "messages": [{"role": "user", "content": "x" * 400}],
        "model": QUICK,
        "parameters": {"max_output_tokens": 50},
    }
    answer = await http.post("/v1/chat?dry_run=true", json=body, headers=person.headers)
    assert answer.json() == {
        "object": "turn_estimate",
        "model": "demo/chat?tokens=1&delay_ms=0",
        "route": None,
        "input_tokens": 104,
        "max_output_tokens": 50,
        "input_cost_usd": "0",
        "max_cost_usd": "0",
    }
    assert answer.headers["dry-run"] == "true"
    for table in ("conversations", "messages", "runs", "model_calls"):
        assert await rows_of(kernel, person, table) == 0


CONTENT = (
    "select md5(coalesce(string_agg(t::text, '' order by t::text), '')) "
    "from (select {columns} from {table}) t"
)


# How far what is found has come: jobs go on with it meanwhile, and try again what failed.
PROGRESS = {
    "messages": {"indexed_at", "updated_at"},
    "passages": {"due_at", "attempts", "error", "space", "updated_at"},
}


async def fingerprint(kernel):
    """What every table holds, but for what reading and being asked leaves behind."""
    seen = {}
    async with kernel.database.unit(SYSTEM) as session:
        for table in Base.metadata.sorted_tables:
            if table.name in ("audit_checkpoints", "embedding_cache", "vector_removals"):
                continue
            hidden = PROGRESS.get(table.name, ())
            names = [c.name for c in table.columns if not c.name.startswith("last_used")]
            shown = [f'"{name}"' for name in names if name not in hidden]
            seen[table.name] = await session.scalar(
                text(CONTENT.format(columns=", ".join(shown), table=table.name))
            )
    return seen


async def at_rest(kernel):
    """Wait until what earlier requests started has ended: turns, batches, and what is indexed."""
    before = await fingerprint(kernel)
    for _ in range(60):
        for job in ("messages", "graph", "passages"):
            kernel.nudge(job)
        await asyncio.sleep(1)
        if before == (before := await fingerprint(kernel)):
            return
    pytest.fail("what earlier requests started never ended")


AT_ONCE = 8  # writes between two looks at all tables, which take a second


@pytest.mark.timeout(400)
async def test_no_write_changes_anything_in_a_dry_run(http, kernel, guarded_writes, owner):
    await at_rest(kernel)
    dry = [o for o in guarded_writes if any(each["name"] == "dry_run" for each in o.parameters)]
    wrong, before = [], await fingerprint(kernel)
    for start in range(0, len(dry), AT_ONCE):
        some = dry[start : start + AT_ONCE]
        for operation in some:
            answer = await http.request(
                operation.method,
                operation.address(owner.ids),
                params={"dry_run": "true"},
                json=operation.example(),
                headers=owner.headers,
            )
            if answer.status_code >= 500:
                wrong.append((operation.id, answer.status_code))
            if answer.status_code < 300 and answer.headers.get("dry-run") != "true":
                wrong.append((operation.id, "does not say that it was a dry run"))
        after = await fingerprint(kernel)
        if changed := [table for table in before if before[table] != after[table]]:
            wrong.append(("one of", [operation.id for operation in some], changed))
        before = after
    assert wrong == []


async def test_a_write_off_the_rails_refuses_a_dry_run(http, operations, owner):
    off = [
        operation
        for operation in operations
        if operation.method in WRITES
        and not any(parameter["name"] == "dry_run" for parameter in operation.parameters)
    ]
    assert off
    for operation in off:
        answer = await http.request(
            operation.method,
            operation.address(owner.ids),
            params={"dry_run": "true"},
            json=operation.example(),
            headers=owner.headers,
        )
        assert (answer.status_code, answer.json()["code"]) == (400, "dry_run_refused"), operation.id


@pytest.fixture
def guarded_writes(operations):
    return [o for o in operations if o.method in WRITES and o.guarded]


def test_every_write_is_on_the_rails_or_says_why_not(app):
    """What stands off them is named here, so that it stays a decision."""
    off = {
        route.operation_id
        for route in every_write(app.routes)
        if any(getattr(d.dependency, "luminous_off_rails", None) for d in route.dependencies)
    }
    assert off == OFF_RAILS


OFF_RAILS = {
    "custom_tools_test",
    "agents_probe",
    "agents_validate",
    "collections_preview_chunks",
    "databases_test",
    "dictionary_detect",
    "graph_paths_find",
    "guardrails_test",
    "identities_create",
    "integrations_test",
    "mcp_servers_refresh",
    "memories_recall",
    "passkeys_begin",
    "passkeys_create",
    "routes_explain",
    "saml_receive",
    "search_create",
    "second_factor_prove",
    "sessions_begin_with_passkey",
    "sessions_create",
    "sessions_create_with_passkey",
    "sessions_delete",
    "sessions_refresh",
    "sso_complete",
    "sso_start",
    "step_up_begin",
    "step_up_prove",
    "stream_tickets_create",
    "templates_preview",
    "totp_confirm",
    "workflow_hooks_receive",
    "workflow_runs_compare",
    "workflow_runs_explain",
    "workflows_validate",
}


def every_write(routes):
    for route in routes:
        inner = getattr(route, "original_router", None)
        if inner is not None:
            yield from every_write(inner.routes)
        elif getattr(route, "operation_id", None) and set(route.methods) & set(WRITES):
            dialect = route.path.startswith("/scim/")  # it has rails of its own
            yield from () if dialect else (route,)


def test_every_write_on_the_rails_has_one_unit_of_work(app):
    """The effect, the record of the key and the audit row are one transaction."""
    # All but the first two open the unit that their run begins in (`run_unit`).
    units = {
        "_workspace_unit",
        "_system_unit",
        "_new_start",
        "start_agent_run",
        "start_by_ag_ui",
        "start_by_ai_sdk",
        "start_comparison",
        "start_fork",
        "start_gate",
        "start_retry",
        "start_workflow_generation",
        "start_workflow_repair",
        "start_workflow_rerun",
        "start_workflow_retry",
        "start_workflow_run",
        "start_workflow_suggestion",
    }
    without = [
        route.operation_id
        for route in every_write(app.routes)
        if route.operation_id not in OFF_RAILS and not units & set(names_of(route.dependant))
    ]
    assert without == []


def names_of(dependant):
    yield getattr(dependant.call, "__name__", "")
    for inner in dependant.dependencies:
        yield from names_of(inner)


async def test_every_change_of_a_resource_honours_if_match(http, guarded_writes, owner):
    wrong = []
    for operation in guarded_writes:
        if operation.method == "POST" or not operation.path_parameters:
            continue
        answer = await http.request(
            operation.method,
            operation.address(owner.ids),
            json=operation.example(),
            headers={**owner.headers, "If-Match": STALE},
        )
        code = answer.json().get("code") if answer.status_code >= 400 else ""
        if (answer.status_code, code) != (412, "precondition_failed"):
            wrong.append((operation.id, answer.status_code, answer.text[:200]))
    assert wrong == []


async def test_a_stale_change_is_told_the_current_etag(http, person):
    made = await http.post("/v1/conversations", json={}, headers=person.headers)
    assert made.headers["etag"] == '"v1"'
    path = made.headers["location"]
    stale = await http.patch(
        path, json={"title": "A"}, headers={**person.headers, "If-Match": '"v7"'}
    )
    assert (stale.status_code, stale.headers["etag"]) == (412, '"v1"')
    fresh = await http.patch(
        path, json={"title": "A"}, headers={**person.headers, "If-Match": '"v1"'}
    )
    assert (fresh.status_code, fresh.headers["etag"]) == (200, '"v2"')
    assert fresh.json()["version"] == 2


async def test_whatever_has_a_version_has_an_etag(http, operations, owner):
    versioned, wrong = [], []
    for operation in operations:
        if operation.method != "GET" or not operation.path.endswith("_id}"):
            continue
        answer = await http.get(operation.address(owner.ids), headers=owner.headers)
        if "version" in (told := answer.json()):
            versioned.append(operation.id)
            if answer.headers.get("etag") != f'"v{told["version"]}"':
                wrong.append(operation.id)
    assert {"conversations_get", "templates_get"} <= set(versioned)
    assert wrong == []


async def test_of_two_writers_with_one_etag_one_is_refused(http, person):
    made = await http.post("/v1/conversations", json={}, headers=person.headers)
    headers = {**person.headers, "If-Match": made.headers["etag"]}
    answers = await asyncio.gather(
        *(
            http.patch(made.headers["location"], json={"title": str(i)}, headers=headers)
            for i in range(20)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [200, *[412] * 19]


async def test_an_unchanged_resource_is_not_sent_again(http, person):
    made = await http.post("/v1/conversations", json={}, headers=person.headers)
    path, etag = made.headers["location"], made.headers["etag"]
    for known in (etag, f'"other", {etag}', f"W/{etag}", "*"):
        answer = await http.get(path, headers={**person.headers, "If-None-Match": known})
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", etag)
    changed = await http.get(path, headers={**person.headers, "If-None-Match": '"v0"'})
    assert changed.status_code == 200


async def test_a_merge_patch_may_say_that_it_is_one(http, person):
    made = await http.post("/v1/conversations", json={"title": "A"}, headers=person.headers)
    answer = await http.patch(
        made.headers["location"],
        content=b'{"title": "B"}',
        headers={**person.headers, "Content-Type": "application/merge-patch+json"},
    )
    assert answer.json()["title"] == "B"

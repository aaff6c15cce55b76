"""What waits for people: who sees it, who decides it, and what the run does then."""

import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

import pytest_asyncio
from sqlalchemy import select, update

from app.agents.runtime.models import Execution, ToolApproval
from app.automation.engine.models import WorkflowWait
from app.automation.tasks import crud
from app.core.clock import now
from app.core.db import SYSTEM
from app.identity.users.models import User
from app.runs.runs.models import Run
from tests.support.identity import new_person
from tests.support.kept_runs import Keeper, at, edge, flow, node, step, wait
from tests.support.teams import code, new_team

FORM = {
    "type": "object",
    "properties": {"amount": {"type": "number", "maximum": 100}},
    "required": ["amount"],
}
ASK = node("ask", type="approval")
SHOWN = {"title": "Pay?", "description": "An invoice.", "form": FORM, "data": {"amount": 90}}
DEFINITION = flow(
    node("fetch"), ASK, node("shape", type="transform", **{"with": {"value": 1}}), node("pay"),
    edges=[edge("fetch", "ask"), edge("ask", "shape"), edge("shape", "pay")],
)  # fmt: skip


async def asked(keeper, *waits, **more):
    """A run that waits for people, and its waits' ids by path."""
    workflow = await keeper.workflow(**more)
    run_id = await keeper.run(
        workflow, DEFINITION, status="paused", steps=[step("fetch", 0, 1)], waits=waits
    )
    async with keeper.kernel.database.unit(SYSTEM) as session:
        rows = await session.execute(
            select(WorkflowWait.path, WorkflowWait.id).where(WorkflowWait.run_id == run_id)
        )
        return run_id, {path: str(wait_id) for path, wait_id in rows}


async def tasks(talker, **query):
    answer = await talker.call("GET", "/v1/tasks", params=query)
    assert answer.status_code == 200, answer.text
    return [each["title"] for each in answer.json()["data"]]


async def decide(talker, task_id, **body):
    return await talker.call("POST", f"/v1/tasks/{task_id}/decide", json=body)


async def test_tasks_are_listed_with_agents_calls_among_them(talker, keeper):
    soon, over = now() + timedelta(hours=1), now() - timedelta(hours=1)
    run_id, _ = await asked(
        keeper,
        wait("a", 1, until=soon),
        wait("b", 2, until=over),
        wait("c", 3, 4, brought={"decision": "reject", "comment": "No."}),
        wait("nap", 5, kind="time"),
        name="Payments",
    )
    await call_of_an_agent(keeper, at(2.5))
    everything = ["Agree to c?", "clerk wants to use pay", "Agree to b?", "Agree to a?"]
    assert await tasks(talker) == everything
    for query, expected in (
        ({"order": "asc"}, everything[::-1]),
        ({"status": "open"}, everything[1:2] + everything[3:]),
        ({"status": "expired"}, everything[2:3]),
        ({"status": "rejected"}, everything[:1]),
        ({"kind": "tool_approval"}, everything[1:2]),
        ({"kind": "approval"}, everything[:1] + everything[2:]),
        ({"workflow": "payments"}, []),
        ({"run_id": str(run_id)}, everything[:1] + everything[2:]),
        ({"q": "TO A"}, everything[3:]),
        ({"due_before": now().isoformat()}, everything[2:3]),
    ):
        assert await tasks(talker, **query) == expected, query
    seen, cursor = [], None
    for _ in range(4):
        query = {"limit": 1, "include": "total", **({"cursor": cursor} if cursor else {})}
        page = (await talker.call("GET", "/v1/tasks", params=query)).json()
        assert page["total"] == 4
        seen += [each["title"] for each in page["data"]]
        cursor = page["next_cursor"]
    assert (seen, cursor) == (everything, None)


async def call_of_an_agent(keeper, created_at):
    """An agent's run that waits for someone to agree to a call."""
    ids = {"workspace_id": keeper.workspace_id, "user_id": keeper.user_id}
    run_id = uuid4()
    rows = (
        Run(id=run_id, kind="agent_run", status="paused", input={}, cost_usd=0, **ids),
        Execution(
            id=run_id, agent_slug="clerk", agent_name="Clerk", definition={}, messages=[],
            purpose="agent_run", labels={}, **ids,
        ),
        ToolApproval(
            id=uuid4(), execution_id=run_id, number=1, call_id="1", agent_slug="clerk",
            tool="pay", arguments={"to": "Ann"}, digest="d", reason="always", status="pending",
            expires_at=now() + timedelta(days=7), created_at=created_at, **ids,
        ),
    )  # fmt: skip
    for row in rows:
        async with keeper.kernel.database.unit(SYSTEM) as session:
            session.add(row)
    return str(rows[2].id)


async def test_a_task_shows_its_form_and_what_is_around_it(talker, keeper):
    _, ids = await asked(keeper, wait("ask", 1, shown=SHOWN))
    task = (await talker.call("GET", f"/v1/tasks/{ids['ask']}")).json()
    assert (task["form"], task["data"], task["given"]) == (FORM, {"amount": 90}, None)
    assert [(each["node_id"], each["status"]) for each in task["depends_on"]] == [("fetch", "ok")]
    followed = [(each["node_id"], each["status"]) for each in task["followed_by"]]
    assert followed == [("shape", "computed")]
    # What is computed on the spot does not count.
    assert task["progress"] == {"nodes_done": 1, "nodes_known": 3, "tasks_open": 1}


async def test_data_has_to_fit_the_form(talker, keeper):
    _, ids = await asked(keeper, wait("ask", 1, shown=SHOWN))
    too_much = await decide(talker, ids["ask"], decision="approve", data={"amount": 101})
    assert code(too_much) == (422, "task_data_invalid")
    assert too_much.json()["errors"][0]["pointer"] == "/body/data/amount"
    missing = await decide(talker, ids["ask"], decision="reject", data={})
    assert code(missing) == (422, "task_data_invalid")
    done = await decide(talker, ids["ask"], decision="reject", comment="Too dear.")
    assert (done.status_code, done.json()["status"]) == (200, "rejected")
    assert (done.json()["comment"], done.json()["given"]) == ("Too dear.", {"amount": 90})


async def test_it_is_decided_once_and_in_time(talker, keeper, kernel):
    run_id, ids = await asked(keeper, wait("ask", 1), wait("late", 1, until=at(2)))
    both = await asyncio.gather(
        decide(talker, ids["ask"], decision="approve"),
        decide(talker, ids["ask"], decision="reject"),
    )
    assert sorted(each.status_code for each in both) == [200, 409]
    late = await decide(talker, ids["late"], decision="approve")
    assert code(late) == (409, "task_not_open")
    tried = await talker.call(
        "POST", f"/v1/tasks/{ids['late']}/assign", json={"assignees": ["role:owner"]}
    )
    assert code(tried) == (409, "task_not_open")
    async with kernel.database.unit(SYSTEM) as session:
        row = await session.scalar(select(WorkflowWait).where(WorkflowWait.id == UUID(ids["ask"])))
    assert row.brought["decided_by"] == talker.person.user_id
    assert row.brought["decision"] in ("approve", "reject")
    assert str(row.run_id) == str(run_id)


async def test_an_agents_call_is_decided_as_it_is(talker, keeper):
    task_id = await call_of_an_agent(keeper, now())
    edited = await decide(talker, task_id, decision="approve", data={"to": "Bob"})
    assert code(edited) == (422, "task_data_invalid")
    done = await decide(talker, task_id, decision="reject", comment="Not Ann.")
    assert (done.json()["status"], done.json()["comment"]) == ("rejected", "Not Ann.")
    approval = (await talker.call("GET", f"/v1/approvals/{task_id}")).json()
    assert (approval["status"], approval["note"]) == ("declined", "Not Ann.")
    assert code(await decide(talker, task_id, decision="approve")) == (409, "task_not_open")


@pytest_asyncio.fixture(loop_scope="session")
async def team(client, kernel):
    """An owner whose private workflow asks, an editor, another one, and a viewer."""
    people = [await new_person(client) for _ in range(4)]
    owner, *others = people
    team = await new_team(client, owner)
    for person, role in zip(others, ("editor", "editor", "viewer"), strict=True):
        await team.take_in(owner, person, role)
    return team, people, Keeper(kernel, UUID(team.id), UUID(owner.user_id))


async def test_who_may_decide(team, kernel):
    team, (owner, editor, other, viewer), keeper = team
    _, ids = await asked(
        keeper,
        wait("anyone", 1),
        wait("by_id", 2, assignees=[editor.user_id]),
        wait("by_mail", 3, assignees=[other.email.upper()]),
        wait("by_role", 4, assignees=["role:Editor"]),
        visibility="private",
    )

    async def titles(person, **query):
        found = await team.call(person, "GET", "/v1/tasks", params=query)
        return {each["node_id"] for each in found.json()["data"]}

    every = {"anyone", "by_id", "by_mail", "by_role"}
    # Whoever began the run sees all of it, and decides what is given to them.
    assert (await titles(owner), await titles(owner, mine=True)) == (every, {"anyone"})
    assert await titles(editor) == {"anyone", "by_id", "by_role"}
    # An address counts once it is known to be theirs.
    assert await titles(other) == {"anyone", "by_role"}
    async with kernel.database.unit(SYSTEM) as session:
        await session.execute(
            update(User).where(User.id == UUID(other.user_id)).values(email_verified_at=now())
        )
    assert await titles(other, mine=True) == {"anyone", "by_mail", "by_role"}
    assert await titles(viewer) == set()

    async def tried(person, name):
        path = f"/v1/tasks/{ids[name]}/decide"
        return await team.call(person, "POST", path, {"decision": "approve"})

    assert code(await tried(owner, "by_id")) == (403, "task_not_yours")
    assert code(await tried(other, "by_id")) == (404, "task_not_found")
    assert code(await tried(viewer, "anyone")) == (403, "scope_missing")
    assert (await tried(editor, "by_id")).status_code == 200
    assert (await tried(other, "by_mail")).status_code == 200


async def test_giving_a_task_to_others(team):
    team, (owner, editor, other, viewer), keeper = team
    _, ids = await asked(keeper, wait("ask", 1, assignees=[editor.user_id]), visibility="private")
    path = f"/v1/tasks/{ids['ask']}"

    async def given(person, *assignees):
        return await team.call(person, "POST", f"{path}/assign", {"assignees": assignees})

    nobody = await given(editor, "role:editor", "role:nobody", str(uuid4()), "someone")
    assert code(nobody) == (422, "assignee_unknown")
    pointers = [each["pointer"] for each in nobody.json()["errors"]]
    assert pointers == [f"/body/assignees/{place}" for place in (1, 2, 3)]
    assert code(await given(other, other.user_id)) == (404, "task_not_found")
    # The one who has it gives it away, and does not see it any more.
    passed = await given(editor, other.user_id)
    assert (passed.status_code, passed.json()["assignees"]) == (200, [other.user_id])
    assert passed.json()["may_decide"] is False
    assert (await team.call(editor, "GET", path)).status_code == 404
    assert (await team.call(other, "GET", path)).status_code == 200
    # The workflow's owner may too, also one that was given to somebody else.
    assert (await given(owner)).json()["assignees"] == []
    assert (await team.call(viewer, "GET", path)).status_code == 404


async def test_who_may_change_the_workflow_does_not_come_by_the_decision(team):
    team, (owner, editor, other, _), keeper = team
    _, ids = await asked(keeper, wait("ask", 1, assignees=[editor.user_id]))
    path = f"/v1/tasks/{ids['ask']}"

    async def given(person, *assignees):
        return await team.call(person, "POST", f"{path}/assign", {"assignees": assignees})

    for assignees in (
        [other.user_id],
        [other.email],
        ["role:editor"],
        [],
        [editor.user_id, "role:editor"],
    ):
        assert code(await given(other, *assignees)) == (403, "task_not_yours"), assignees
    shown = (await team.call(other, "GET", path)).json()
    assert (shown["assignees"], shown["may_decide"]) == ([editor.user_id], False)
    decided = await team.call(other, "POST", f"{path}/decide", {"decision": "approve"})
    assert code(decided) == (403, "task_not_yours")
    assert (await given(other, "role:admin")).status_code == 200
    # Who gives people their roles could come by it in any case.
    assert (await given(owner, owner.user_id)).json()["may_decide"] is True


async def test_a_role_of_ones_own_is_not_taken_for_a_built_in_one(team):
    team, (owner, *_), keeper = team
    allowed = ["workflows:read", "workflow_tasks:write"]
    person = await new_person(team.http)
    role = {"name": "Admin", "permissions": allowed}
    made = (await team.call(owner, "POST", "/v1/roles", role)).json()
    await team.take_in(owner, person, "custom", role_id=made["id"])
    _, ids = await asked(keeper, wait("ask", 1, assignees=["role:admin"]))
    assert code(await team.call(person, "GET", f"/v1/tasks/{ids['ask']}")) == (
        404,
        "task_not_found",
    )


async def test_what_was_given_to_others_meanwhile_is_not_decided(talker, keeper, kernel):
    _, ids = await asked(keeper, wait("ask", 1, assignees=["role:owner"]))
    workspace_id, user_id = keeper.workspace_id, keeper.user_id
    waiting = workspace_id, UUID(ids["ask"]), user_id
    async with kernel.database.unit(SYSTEM) as session:
        assert not await crud.decide(session, *waiting, [str(user_id)], {"decision": "approve"})
        assert await crud.decide(session, *waiting, ["role:owner"], {"decision": "approve"})


async def test_the_run_goes_on_with_what_was_decided(talker):
    ask = {
        "id": "ask",
        "type": "approval",
        "with": {"title": "Pay {{ inputs.amount }}?", "form": FORM, "data": "{{ inputs }}"},
    }
    paid, refused = (
        {"id": name, "type": "transform", "with": {"value": value}}
        for name, value in (
            ("paid", "{{ nodes.ask.output.data.amount }}"),
            ("refused", "{{ nodes.ask.output.comment }}"),
        )
    )
    edges = [edge("ask", "paid"), edge("ask", "refused", port="rejected")]
    definition = flow(ask, paid, refused, edges=edges)
    body = {"name": "Pay", "slug": f"pay-{uuid4().hex[:8]}", "definition": definition}
    made = await talker.call("POST", "/v1/workflows", json=body)
    assert made.status_code == 201, made.text
    ends = []
    for decision in (
        {"decision": "approve", "data": {"amount": 80}},
        {"decision": "reject", "comment": "Too dear."},
    ):
        path = f"/v1/workflows/{body['slug']}/runs"
        started = await talker.call("POST", path, json={"inputs": {"amount": 90}})
        run = started.json()
        assert run["status"] == "paused", started.text
        found = await talker.call("GET", "/v1/tasks", params={"run_id": run["id"], "mine": True})
        [task] = found.json()["data"]
        assert (task["title"], task["status"]) == ("Pay 90?", "open")
        assert (await decide(talker, task["id"], **decision)).status_code == 200
        await talker.stream("GET", f"/v1/runs/{run['id']}/events")
        ended = (await talker.call("GET", f"/v1/workflow-runs/{run['id']}")).json()
        assert ended["status"] == "completed", ended
        ends.append(ended["output"])
    assert ends == [{"paid": 80, "refused": None}, {"paid": None, "refused": "Too dear."}]


async def with_address(kernel, person, email, *, verified=True):
    """As they are once they have changed their address, and proved that it is theirs."""
    async with kernel.database.unit(SYSTEM) as session:
        await session.execute(
            update(User)
            .where(User.id == UUID(person.user_id))
            .values(email=email, email_verified_at=now() if verified else None)
        )


def address():
    return f"{uuid4().hex[:12]}@example.com"


async def test_who_comes_by_an_address_later_does_not_come_by_its_tasks(team, kernel):
    team, (_, editor, other, _), keeper = team
    free, given, proved = address(), address(), address()
    await with_address(kernel, other, given)
    unheard_of = wait("later", 1, assignees=[free])
    _, ids = await asked(keeper, unheard_of, wait("given", 2, assignees=[given.upper()]))
    await with_address(kernel, other, proved)

    async def tried(person, name):
        path = f"/v1/tasks/{ids[name]}/decide"
        return await team.call(person, "POST", path, {"decision": "approve"})

    for name, email in (("later", free), ("given", given)):
        await with_address(kernel, editor, email)
        assert code(await tried(editor, name)) == (403, "task_not_yours")
        shown = (await team.call(editor, "GET", f"/v1/tasks/{ids[name]}")).json()
        assert (shown["may_decide"], shown["assignees"][0].lower()) == (False, email)
    # Whose it was when it was given to them still has it.
    assert (await tried(other, "given")).status_code == 200


async def test_an_address_that_is_yet_to_be_verified_counts_while_it_is_theirs(team, kernel):
    team, (_, editor, other, _), keeper = team
    first, second = address(), address()
    await with_address(kernel, other, first, verified=False)
    _, ids = await asked(keeper, wait("ask", 1, assignees=[first]))
    await with_address(kernel, other, second)
    await with_address(kernel, editor, first)
    for person in (other, editor):
        shown = (await team.call(person, "GET", f"/v1/tasks/{ids['ask']}")).json()
        assert shown["may_decide"] is False
    await with_address(kernel, editor, address())
    await with_address(kernel, other, first)
    shown = (await team.call(other, "GET", f"/v1/tasks/{ids['ask']}")).json()
    assert shown["may_decide"] is True


async def test_a_task_is_given_to_no_address_of_nobody(team, kernel):
    team, (owner, editor, other, _), keeper = team
    email = address()
    await with_address(kernel, other, email)
    _, ids = await asked(keeper, wait("ask", 1, assignees=[editor.user_id]))
    path = f"/v1/tasks/{ids['ask']}"

    async def given(*assignees):
        return await team.call(editor, "POST", f"{path}/assign", {"assignees": assignees})

    nobody = await given(email, address(), owner.email)
    assert code(nobody) == (422, "assignee_unknown")
    assert [each["pointer"] for each in nobody.json()["errors"]] == ["/body/assignees/1"]
    passed = await given(email.upper())
    assert (passed.status_code, passed.json()["assignees"]) == (200, [email.upper()])
    await with_address(kernel, other, address())
    await with_address(kernel, editor, email)
    decided = [
        await team.call(person, "POST", f"{path}/decide", {"decision": "approve"})
        for person in (editor, other)
    ]
    assert [each.status_code for each in decided] == [403, 200]


async def test_a_step_means_whoever_has_the_address_when_it_asks(talker, kernel):
    person = talker.person
    email, free = address(), address()
    await with_address(kernel, person, email)
    slug, path = f"pay-{uuid4().hex[:8]}", "/v1/workflows"
    asks = [
        {"id": name, "type": "approval", "with": {"title": name, "assignees": [to]}}
        for name, to in (("mine", email), ("nobodys", free))
    ]
    body = {"name": "Pay", "slug": slug, "definition": flow(*asks)}
    assert (await talker.call("POST", path, json=body)).status_code == 201
    run = (await talker.call("POST", f"{path}/{slug}/runs", json={})).json()
    await with_address(kernel, person, free)
    found = (await talker.call("GET", "/v1/tasks", params={"run_id": run["id"]})).json()["data"]
    assert {each["title"]: each["may_decide"] for each in found} == {"mine": True, "nobodys": False}

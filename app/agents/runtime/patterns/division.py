"""Side by side: parallel, and an orchestrator with its workers."""

from typing import Any, Final

from app.agents.definitions.definition import Orchestrator, Parallel
from app.agents.runtime.patterns.stage import Stage, quoted, said, together
from app.agents.runtime.performing import Result

SUM_UP: Final = (
    "Several agents have worked on the user's request. Answer it yourself out of what they gave; "
    "where they differ, say so."
)
PLAN: Final = (
    "You lead these agents:\n{agents}\n\nEither give them tasks (they work at the same time and "
    "know nothing but their task), or answer when you know enough. You have {left} more rounds."
)
MOST_TASKS: Final = 16


async def parallel(stage: Stage, pattern: Parallel) -> Result:
    """All work on the same; what they give is joined, or summed up by this agent."""
    roles = [await stage.member(each) for each in pattern.agents]
    places = [stage.place(role.slug) for role in roles]
    results = await together(
        [
            stage.ask(reference, stage.messages, place=place)
            for reference, place in zip(pattern.agents, places, strict=True)
        ]
    )
    given = [(role.name, result.text) for role, result in zip(roles, results, strict=True)]
    if pattern.combine == "model":
        asked = said(f"# Request\n{stage.question}\n\n# What was given\n{quoted(given)}")
        own = stage.role.definition.instructions
        told = "\n\n".join(part for part in (own, SUM_UP) if part)
        return await stage.decide(told, asked, stage.role.definition.output_schema)
    text = quoted(given)
    output = {role.slug: result.output for role, result in zip(roles, results, strict=True)}
    structured = any(not isinstance(each, str) for each in output.values())
    return Result(output if structured else text, text, sum(each.steps for each in results))


async def orchestrator(stage: Stage, pattern: Orchestrator) -> Result:
    """This agent plans; workers do the parts; it sums up when it knows enough."""
    members = {(await stage.member(each)).slug: each for each in pattern.agents}
    about = "\n".join(
        [f"- {slug}: {(await stage.member(each)).about}" for slug, each in members.items()]
    )
    known: list[tuple[str, str]] = []
    for left in range(pattern.rounds, 0, -1):
        told = _told(stage, PLAN.format(agents=about, left=left - 1))
        asked = said(f"# Request\n{stage.question}\n\n# Results so far\n{quoted(known) or '-'}")
        plan = (await stage.decide(told, asked, _plan(members, may_ask=left > 1))).output
        tasks = plan.get("tasks") or []
        if plan.get("answer") or not tasks:
            answer = str(plan.get("answer") or "")
            return Result(answer, answer, pattern.rounds - left + 1)
        stage.tell(f"{len(tasks)} tasks.", tasks=len(tasks))
        known += await _worked(stage, members, tasks[:MOST_TASKS])
    raise AssertionError("the last round must answer")


async def _worked(
    stage: Stage, members: dict[str, str], tasks: list[dict[str, str]]
) -> list[tuple[str, str]]:
    places = [stage.place(task["agent"]) for task in tasks]
    results = await together(
        [
            stage.ask(members[task["agent"]], said(task["task"]), place=place)
            for task, place in zip(tasks, places, strict=True)
        ]
    )
    return [
        (f"{task['agent']}: {task['task'][:200]}", result.text)
        for task, result in zip(tasks, results, strict=True)
    ]


def _told(stage: Stage, more: str) -> str:
    own = stage.role.definition.instructions
    return "\n\n".join(part for part in (own, more) if part)


def _plan(members: dict[str, str], *, may_ask: bool) -> dict[str, Any]:
    task = {
        "type": "object",
        "properties": {
            "agent": {"type": "string", "enum": list(members)},
            "task": {"type": "string", "minLength": 1},
        },
        "required": ["agent", "task"],
        "additionalProperties": False,
    }
    answer = {"type": "string", "description": "The answer to the request, once it is known."}
    if not may_ask:
        return {
            "type": "object",
            "properties": {"answer": {**answer, "minLength": 1}},
            "required": ["answer"],
            "additionalProperties": False,
        }
    tasks = {"type": "array", "items": task, "maxItems": MOST_TASKS}
    return {
        "type": "object",
        "properties": {"answer": answer, "tasks": tasks},
        "additionalProperties": False,
        "minProperties": 1,
    }

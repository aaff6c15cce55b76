"""Workflows as what searches find: one passage or more for each, in step with its draft."""

from collections.abc import Iterator
from typing import Final

from app.automation.language.flow import Flow, Scope
from app.automation.workflows.models import Workflow
from app.core.auth import Access
from app.core.db import AsyncSession
from app.knowledge.passages import service as passages
from app.knowledge.passages.draft import Draft, Subject

KIND: Final = "workflow"
LONGEST: Final = 1000
MOST_PIECES: Final = 20


async def index(session: AsyncSession, access: Access, workflow: Workflow, flow: Flow) -> None:
    """Have a workflow found by what it is about, and by what its nodes are called."""
    payer_id = workflow.owner_id or access.user_id
    subject = Subject(workflow.workspace_id, KIND, workflow.id, payer_id, parent_id=workflow.id)
    steps = ", ".join(dict.fromkeys(_names(flow)))
    text = "\n\n".join(filter(None, [workflow.description, " ".join(workflow.tags), steps]))
    pieces = [text[start : start + LONGEST] for start in range(0, len(text), LONGEST)]
    drafts = [
        Draft(piece, title=workflow.name) for piece in pieces[:MOST_PIECES] or [workflow.name]
    ]
    await passages.put(session, subject, drafts)


async def forget(session: AsyncSession, workflow: Workflow) -> None:
    await passages.remove(session, workflow.workspace_id, KIND, workflow.id)


def _names(scope: Scope) -> Iterator[str]:
    for node in scope.nodes:
        yield node.name or node.id
        for inner in (node.body, node.catch, node.finally_, *(node.branches or {}).values()):
            if inner is not None:
                yield from _names(inner)

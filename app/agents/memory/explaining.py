"""What a prompt was shown of memories, in the words of then, as long as they are remembered."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from app.agents.memory import finding_crud as crud
from app.agents.memory.facts import author_of
from app.core.auth import Access, Permission
from app.core.db import AsyncSession


async def explained(
    session: AsyncSession, access: Access, contexts: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """The contexts with the `text` of each memory in them.

    It is null of one that is forgotten, or that whoever asks may not read.
    """
    named = {_place(each) for context in contexts for each in _memories(context)}
    texts: dict[tuple[UUID, int], str] = {}
    if named and Permission.MEMORIES_READ in access.permissions:
        texts = await crud.texts(session, author_of(access), named)

    def told(item: Mapping[str, Any]) -> dict[str, Any]:
        return {**item, "text": texts.get(_place(item))}

    def shown(section: Mapping[str, Any]) -> dict[str, Any]:
        if section["section"] != "memory":
            return dict(section)
        return {**section, "items": [told(each) for each in section["items"]]}

    return [
        {
            **context,
            "sections": [shown(each) for each in context.get("sections", ())],
            "left_out": [
                told(each) if each["section"] == "memory" else each
                for each in context.get("left_out", ())
            ],
        }
        for context in contexts
    ]


def _memories(context: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for section in context.get("sections", ()):
        if section["section"] == "memory":
            yield from section["items"]
    yield from (each for each in context.get("left_out", ()) if each["section"] == "memory")


def _place(item: Mapping[str, Any]) -> tuple[UUID, int]:
    return UUID(item["id"]), item["revision"]

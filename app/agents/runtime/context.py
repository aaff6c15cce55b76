"""The prompt of one agent of a run, and what the log is told of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.agents.context.composing import Composer, Sources, recalled_in
from app.agents.definitions.rendering import render
from app.agents.runtime.prompt import Prompt, asked_of, text_asked
from app.agents.runtime.tree import Role, Tree
from app.core.clock import now
from app.inference.providers.types import ImagePart, Message, TextPart


@dataclass(frozen=True, slots=True)
class ContextBuilder:
    """Composes prompts, and notes which addresses stood in them."""

    composer: Composer

    async def build(
        self,
        tree: Tree,
        role: Role,
        messages: Sequence[Mapping[str, Any]],
        path: str,
        instructions: str | None,
    ) -> Prompt:
        """`instructions` take the place of the definition's own, rendered."""
        definition = role.definition
        own = tree.instructions if instructions is None and not path else instructions
        if own is None:
            own = render(definition, {}, agent_name=role.name, today=now().date())
        question = text_asked(messages)
        sources = Sources(
            own,
            definition.collections,
            definition.dictionaries,
            definition.memory,
            role.agent_id,
            guarded=True,
        )
        payer = tree.payer(role.agent_id)
        composed = await self.composer.compose(tree.access, payer, question, sources)
        tree.see([own, composed.grounding.prompt])
        tree.confide(composed.system)
        if not path:
            tree.hear(question)
        for warning in composed.warnings:
            tree.tell("log", warning["code"], step="context", path=path, level="warning", **warning)
        tell_sources(tree, path, 1, composed.grounding.sources)
        for memory in recalled_in(composed.sections):
            message_id, mark = tree.message_id(path, 1), memory["memory_id"]
            tree.tell("memory.recalled", mark, message_id=message_id, path=path, **memory)
        asked = asked_of(messages)
        images = any(isinstance(part, ImagePart) for each in asked for part in each.parts)
        report = {"sections": composed.sections, "left_out": composed.left_out}
        head = Message("system", (TextPart(composed.system),))
        return Prompt(head, asked, question, images, report, definition.compaction)


def tell_sources(tree: Tree, path: str, number: int, sources: Sequence[Mapping[str, Any]]) -> None:
    """Say which passages the model is shown; each once."""
    for source in sources:
        tree.keep_number(path, source)
        mark = f"{source['passage_id']}:{source['number']}"
        message_id = tree.message_id(path, number)
        tree.tell("source.added", mark, message_id=message_id, path=path, **source)

"""One agent at work: with tools in a loop, without them in steps of its own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import orjson

from app.agents.runtime.answer import Partial
from app.agents.runtime.asking import Asking, said
from app.agents.runtime.errors import OutputInvalid
from app.agents.runtime.inert import InertText
from app.agents.runtime.prompt import Prompt
from app.agents.runtime.toolbox import Held, Toolbox
from app.agents.runtime.tree import Role, Tree
from app.agents.runtime.words import calls_of, restored, text_of
from app.core.json_schemas import validator_of
from app.inference.providers.types import Message, TextPart, ToolSpec

MENDS = 3
MEND = (
    "Your answer does not satisfy the required JSON schema ({why}). "
    "Answer again with JSON alone that satisfies it."
)


@dataclass(frozen=True, slots=True)
class Result:
    """What an agent gave: `output` is an object where its definition has a schema, else `text`."""

    output: Any
    text: str
    steps: int


@dataclass(slots=True)
class Performance:
    """One agent of the tree."""

    tree: Tree
    role: Role
    path: str
    prompt: Prompt
    tools: Mapping[str, Held]
    partials: dict[tuple[str, int], Partial]
    fixed_model: str | None = None
    mended: int = 0

    async def perform(self) -> Result:
        """Work until there is a result; raises Waits where the agent cannot go on for now."""
        asking = Asking(
            self.tree,
            self.role,
            self.path,
            self.prompt,
            specs_of(self.tools),
            self.partials,
            self.fixed_model,
        )
        if not self.tools and (alone := await self._alone(asking)) is not None:
            return alone
        from app.agents.runtime.looping import Loop  # noqa: PLC0415 - 69 MB

        toolbox = Toolbox(self.tree, self.role, self.path, self.tools)
        loop = Loop(asking, toolbox, self._mend, MENDS)
        return self._result(await loop.run(MEND.format(why="…")))

    async def _alone(self, asking: Asking) -> Result | None:
        """Work without tools needs no loop; None where the model called one all the same."""
        shown: list[Message] = []
        for number in count(1):
            step = await asking.asked(number, shown)
            parts = restored((step.outcome or {})["parts"])
            if calls_of(parts):
                return None
            text = text_of(parts)
            # What was asked again was asked within the limits of then, by a process that is gone.
            is_past = (self.path, number + 1, "") in self.tree.journal.steps
            mend = self._mend(text, is_past=is_past)
            if mend is None:
                return self._result(text)
            shown += [Message("assistant", parts), Message("user", (TextPart(mend),))]
        return None

    def _result(self, text: str) -> Result:
        answers = self.tree.journal.answers(self.path)
        whole = said(answers[-1]) if answers else text
        if self.role.definition.output_schema is not None:
            return Result(orjson.loads(_bare(whole)), whole, len(answers))
        inert = InertText(self.role.definition.output)
        shown = inert.feed(whole) + inert.finish()
        return Result(shown, shown, len(answers))

    def _mend(self, text: str, *, is_past: bool = False) -> str | None:
        """What the model is told of an answer that will not do; raises OutputInvalid at last.

        `is_past` says that it was told already.
        """
        schema = self.role.definition.output_schema
        why = None if schema is None else _why_not(schema, text)
        if why is None:
            return None
        self.mended += 1
        if not is_past and (self.mended > MENDS or self.tree.is_last_step):
            raise OutputInvalid(why)
        return MEND.format(why=why)


def specs_of(tools: Mapping[str, Held]) -> tuple[ToolSpec, ...]:
    return tuple(
        ToolSpec(name, held.tool.description, held.tool.parameters) for name, held in tools.items()
    )


def _why_not(schema: dict[str, Any], text: str) -> str | None:
    try:
        value = orjson.loads(_bare(text))
    except orjson.JSONDecodeError as error:
        return f"it is not JSON: {error}"
    mistakes: Sequence[Any] = list(validator_of(schema, only_2020=True).iter_errors(value))
    if not mistakes:
        return None
    first = mistakes[0]
    where = "/".join(["", *map(str, first.instance_path)]) or "/"
    return f"{where}: {first.message[:300]}"


def _bare(text: str) -> str:
    """The text without the fence that models like to put around JSON."""
    bare = text.strip()
    if bare.startswith("```") and bare.endswith("```"):
        bare = bare.removeprefix("```json").removeprefix("```").removesuffix("```").strip()
    return bare

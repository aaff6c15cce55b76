"""The slow checks of an answer under way: made beside it, so that it does not wait for them."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

from app.inference.guardrails.compiled import Policy, RemoteCheck
from app.inference.guardrails.findings import Finding
from app.inference.guardrails.watchers import Watch

WINDOW: Final = 4000
OVERLAP: Final = 400


class Background:
    """Judges an answer piece by piece while it is written, and whole at its end."""

    def __init__(
        self, policies: Sequence[Policy], watch: Watch, note: Callable[[Finding], None]
    ) -> None:
        checked = [(policy, policy.output.remote) for policy in policies if policy.output.remote]
        self._by_piece = [(p, [c for c in checks if not c.at_end]) for p, checks in checked]
        self._at_end = [(p, [c for c in checks if c.at_end]) for p, checks in checked]
        self._watch, self._note = watch, note
        self._piece = ""
        self._fresh = 0
        self._whole: list[str] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self.active = bool(checked)

    def feed(self, text: str) -> None:
        """Take what the model has written; raises what a check made of what came before."""
        self.look()
        self._piece += text
        self._fresh += len(text)
        if self._fresh >= WINDOW:
            self._judge_piece()

    def keep(self, text: str) -> None:
        """Take what the client reads, for the checks of the whole."""
        if any(checks for _, checks in self._at_end):
            self._whole.append(text)

    def look(self) -> None:
        """Raise what a check that has ended says, if it says anything."""
        for task in [task for task in self._tasks if task.done()]:
            self._tasks.discard(task)
            task.result()

    async def finish(self) -> None:
        """Wait for every check; raises GuardrailRefused and GuardrailUnavailable."""
        if self._fresh:
            self._judge_piece()
        if whole := "".join(self._whole):
            self._start(self._at_end, whole)
        try:
            if self._tasks:
                await asyncio.gather(*self._tasks)
        finally:
            self.close()

    def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        self._tasks.clear()

    def _judge_piece(self) -> None:
        self._start(self._by_piece, self._piece)
        self._piece, self._fresh = self._piece[-OVERLAP:], 0

    def _start(self, checked: list[tuple[Policy, list[RemoteCheck]]], text: str) -> None:
        for policy, checks in checked:
            if checks:
                judging = self._watch.judge_all(policy, checks, "output", text, self._note)
                self._tasks.add(asyncio.create_task(judging, name="guardrail"))

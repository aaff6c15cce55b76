"""An answer under way: checked, masked, and with the values of the request put back."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from app.inference.guardrails.background import Background
from app.inference.guardrails.compiled import Policy
from app.inference.guardrails.findings import Finding
from app.inference.guardrails.placeholders import Placeholders, Restorer
from app.inference.guardrails.screen import Screen
from app.inference.guardrails.watchers import Watch
from app.inference.guardrails.window import Window
from app.inference.providers.types import (
    CitationDelta,
    Finished,
    ReasoningDelta,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
    ToolCallStart,
)


class Channel:
    """One run of text: what the model writes goes in, what the client may read comes out."""

    def __init__(
        self,
        screen: Screen,
        placeholders: Placeholders,
        heard: Callable[[str], None],
        *,
        is_json: bool = False,
    ) -> None:
        self._window = Window(screen, placeholders, is_json=is_json) if screen else None
        self._restorer = Restorer(placeholders, escaped=is_json)
        self._heard = heard

    def feed(self, text: str) -> str:
        return self._out(self._window.feed(text) if self._window else text)

    def end(self) -> str:
        left = self._out(self._window.end()) if self._window else ""
        return left + self._restorer.end()

    def _out(self, checked: str) -> str:
        if checked:
            self._heard(checked)
        return self._restorer.feed(checked)


class AnswerGuard:
    """Watches over one answer. Every method raises GuardrailRefused as soon as it is known.

    `feed` takes each event of the model and gives those that may leave; `end` gives what is left of
    a stream that ended without its closing event. `close` when the answer is given up.
    """

    def __init__(
        self,
        policies: Sequence[Policy],
        placeholders: Placeholders,
        watch: Watch,
        note: Callable[[Finding], None],
        *,
        escapes: bool = False,
    ) -> None:
        self._screen = Screen(policies, "output", note)
        self._placeholders = placeholders
        self._slow = Background(policies, watch, note)
        self._rewrites = bool(self._screen) or bool(placeholders)
        self._text = self._channel(is_json=escapes)
        self._reasoning = self._channel()
        self._refuses = False
        self._calls: dict[int, Channel] = {}

    async def feed(self, event: StreamEvent) -> Sequence[StreamEvent]:
        self._slow.look()
        match event:
            case TextDelta():
                return self._on_text(event)
            case ReasoningDelta():
                return self._on_reasoning(event)
            case ToolCallDelta():
                return self._on_arguments(event)
            case ToolCallStart():
                return (*self._flush(), event)
            case Finished():
                return (*await self.end(), event)
        return (self._on_citation(event) if isinstance(event, CitationDelta) else event,)

    async def end(self) -> Sequence[StreamEvent]:
        """Give what is held, once every check has been made."""
        left = self._flush()
        for index, channel in self._calls.items():
            if rest := channel.end():
                left.append(ToolCallDelta(index, rest))
        self._calls.clear()
        await self.judge()
        return left

    async def judge(self) -> None:
        """Wait for the slow checks of all that has been heard."""
        if self._slow.active:
            await self._slow.finish()

    def close(self) -> None:
        self._slow.close()

    def whole_text(self, text: str) -> str:
        """A whole text at once."""
        ready = self._text.feed(text) + self._text.end()
        self._slow.keep(ready)
        return ready

    def whole_arguments(self, arguments: str) -> str:
        """The whole arguments of a call at once."""
        channel = self._channel(is_json=True)
        return channel.feed(arguments) + channel.end()

    def _on_text(self, event: TextDelta) -> Sequence[StreamEvent]:
        left = self._flush_reasoning()
        if event.refusal is not self._refuses:
            left += self._flush_text()
            self._refuses = event.refusal
        ready = self._text.feed(event.text)
        self._slow.keep(ready)
        if not self._rewrites:
            return (*left, event)
        # Its tokens could tell what is masked.
        return (*left, TextDelta(ready, refusal=event.refusal)) if ready else left

    def _on_reasoning(self, event: ReasoningDelta) -> Sequence[StreamEvent]:
        ready = self._reasoning.feed(event.text)
        if event.signature is not None or event.redacted is not None:
            ready += self._reasoning.end()
        if ready or event.signature is not None or event.redacted is not None:
            return (*self._flush_text(), replace(event, text=ready))
        return ()

    def _on_citation(self, event: CitationDelta) -> CitationDelta:
        quote = event.citation.quote
        if not quote or not self._rewrites:
            return event
        masked = self._screen.mask(quote, self._placeholders)
        restored = self._placeholders.restore(masked)
        return CitationDelta(replace(event.citation, quote=restored))

    def _on_arguments(self, event: ToolCallDelta) -> Sequence[StreamEvent]:
        channel = self._calls.get(event.index)
        if channel is None:
            channel = self._calls[event.index] = self._channel(is_json=True)
        ready = channel.feed(event.arguments)
        return (ToolCallDelta(event.index, ready),) if ready else ()

    def _flush(self) -> list[StreamEvent]:
        return [*self._flush_reasoning(), *self._flush_text()]

    def _flush_text(self) -> list[StreamEvent]:
        rest = self._text.end()
        self._slow.keep(rest)
        return [TextDelta(rest, refusal=self._refuses)] if rest else []

    def _flush_reasoning(self) -> list[StreamEvent]:
        rest = self._reasoning.end()
        return [ReasoningDelta(rest)] if rest else []

    def _channel(self, *, is_json: bool = False) -> Channel:
        return Channel(self._screen, self._placeholders, self._slow.feed, is_json=is_json)

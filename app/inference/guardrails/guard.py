"""The guard of one call: its request, and its answer, by the policies that apply to it."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from prometheus_client import Counter

from app.core.metrics import REGISTRY
from app.inference.guardrails.answer import AnswerGuard
from app.inference.guardrails.compiled import Outside, Policy
from app.inference.guardrails.errors import GuardrailRefused
from app.inference.guardrails.findings import Finding
from app.inference.guardrails.placeholders import Placeholders
from app.inference.guardrails.screen import Screen
from app.inference.guardrails.texts import new_messages, rewrite, rewrite_parts, texts_of
from app.inference.guardrails.watchers import Watch
from app.inference.providers.types import ChatRequest, ChatResult, Message, Role, TextPart
from app.inference.usage.payer import Payer

FINDINGS: Final = Counter(
    "luminous_guardrail_findings",
    "What guardrails found, by check, action and stage.",
    ("check", "action", "stage"),
    registry=REGISTRY,
)
# From here on a request is looked through in a thread, so that other calls go on meanwhile.
LONG_CHARACTERS = 20_000


class Guard:
    """Checks one call; every attempt of it is checked by the same guard.

    `findings` grows with what was masked and flagged; `digest` tells two sets of policies apart.
    """

    def __init__(self, payer: Payer, policies: Sequence[Policy], outside: Outside) -> None:
        self.findings: list[Finding] = []
        self.digest = ",".join(f"{policy.id}:{policy.version}" for policy in policies)
        self._policies = policies
        self._placeholders = Placeholders()
        self._watch = Watch(payer, outside)
        self._seen: dict[tuple[str, Role], str] = {}
        self._judged: str | None = None
        self._escapes = False
        self._local = Screen(policies, "input", self._noted)

    @property
    def flagged(self) -> bool:
        """Whether anything was flagged; such an answer is not cached."""
        return any(finding.action == "flag" for finding in self.findings)

    @property
    def needs_events(self) -> bool:
        """Whether the request or the answer may be another than what passes as bytes."""
        return bool(self._local) or any(policy.output for policy in self._policies)

    async def check_request(self, request: ChatRequest) -> ChatRequest:
        """Give the request with values masked.

        Raises GuardrailRefused, and GuardrailUnavailable for a check that fails closed.
        """
        self._escapes = request.response_format is not None
        if self._local:
            texts = list(texts_of(request.messages))
            for text in texts:
                self._placeholders.spare(text)
            if sum(map(len, texts)) < LONG_CHARACTERS:
                request = self._rewritten(request, self._local)
            else:
                request = await asyncio.to_thread(self._rewritten, request, self._local)
        await self._judge(request)
        return request

    async def check_words(self, words: Sequence[str]) -> None:
        """Check texts that cannot be masked where they stand: what would be is refused."""
        asked = ChatRequest(model="", messages=(Message("user", tuple(map(TextPart, words))),))
        if words and await self.check_request(asked) is not asked:
            hit = next(f for f in self.findings if f.action in ("mask", "replace"))
            raise GuardrailRefused(hit.policy, hit.check, hit.label, stage="input")

    def masked(self, request: ChatRequest) -> ChatRequest:
        """The same request once more, for another model: what was checked is known by now."""
        return self._rewritten(request, self._local) if self._local else request

    def answer(self) -> AnswerGuard:
        """What watches over one stream."""
        return AnswerGuard(
            self._policies,
            self._placeholders,
            self._watch,
            self._noted,
            escapes=self._escapes,
        )

    async def check_result(self, result: ChatResult) -> ChatResult:
        """Give a whole answer masked and restored; raises as `check_request` does."""
        guard = self.answer()
        parts = rewrite_parts(result.parts, guard.whole_text, guard.whole_arguments)
        await guard.judge()
        return replace(result, parts=parts)

    def _rewritten(self, request: ChatRequest, screen: Screen) -> ChatRequest:
        def screened(text: str, role: Role) -> str:
            if (text, role) not in self._seen:
                self._seen[text, role] = screen.mask(text, self._placeholders, role)
            return self._seen[text, role]

        return rewrite(request, screened)

    async def _judge(self, request: ChatRequest) -> None:
        text = "\n".join(texts_of(new_messages(request)))
        if text == self._judged or not text:
            return
        for policy in self._policies:
            await self._watch.judge_all(policy, policy.input.remote, "input", text, self._noted)
        self._judged = text

    def _noted(self, finding: Finding) -> None:
        self.findings.append(finding)
        FINDINGS.labels(finding.check, finding.action, finding.stage).inc()

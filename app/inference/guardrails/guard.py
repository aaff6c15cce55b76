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
from app.inference.guardrails.judged import Judged
from app.inference.guardrails.placeholders import Placeholders
from app.inference.guardrails.screen import Screen
from app.inference.guardrails.texts import rewrite, rewrite_parts, texts_of
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
# What looking through a text takes beside its length.
TEXT_CHARACTERS: Final = 100


class Guard:
    """Checks one call; every attempt of it is checked by the same guard.

    `findings` grows with what was masked and flagged; `digest` tells two sets of policies apart.
    A request is screened by this machine before it is admitted, and judged once it is: what judges
    cost is not paid for one that a limit refuses.
    """

    def __init__(
        self,
        payer: Payer,
        policies: Sequence[Policy],
        outside: Outside,
        judged: Judged | None = None,
    ) -> None:
        self.findings: list[Finding] = []
        self.digest = ",".join(f"{policy.id}:{policy.version}" for policy in policies)
        self._policies = policies
        self._placeholders = Placeholders()
        self._watch = Watch(payer, outside)
        self._seen: dict[tuple[str, Role, bool], str] = {}
        self._judged = Judged() if judged is None else judged
        self._scope = f"{payer.workspace_id} {self.digest}"
        self._escapes = False
        self._local = Screen(policies, "input", self._noted)

    @property
    def told(self) -> tuple[dict[str, str], ...]:
        """The findings so far as the ledger keeps them, each once."""
        return tuple({finding.key: finding.told for finding in self.findings}.values())

    @property
    def flagged(self) -> bool:
        """Whether anything was flagged; such an answer is not cached."""
        return any(finding.action == "flag" for finding in self.findings)

    @property
    def needs_events(self) -> bool:
        """Whether the request or the answer may be another than what passes as bytes."""
        return bool(self._local) or any(policy.output for policy in self._policies)

    @property
    def judges(self) -> bool:
        """Whether others are asked about the request."""
        return any(policy.input.remote for policy in self._policies)

    async def check_request(self, request: ChatRequest) -> ChatRequest:
        """Give the request with values masked, screened and judged."""
        request = await self.screen(request)
        await self.judge(request)
        return request

    async def screen(self, request: ChatRequest) -> ChatRequest:
        """Give the request with values masked; raises GuardrailRefused."""
        self._escapes = request.response_format is not None
        if not self._local:
            return request
        texts = texts_of(request)
        for text in texts:
            self._placeholders.spare(text)
        if sum(len(text) + TEXT_CHARACTERS for text in texts) < LONG_CHARACTERS:
            return self._rewritten(request, self._local)
        return await asyncio.to_thread(self._rewritten, request, self._local)

    async def screen_words(self, words: Sequence[str]) -> ChatRequest:
        """Screen texts that cannot be masked where they stand: what would be is refused."""
        asked = ChatRequest(model="", messages=(Message("user", tuple(map(TextPart, words))),))
        if await self.screen(asked) is not asked:
            hit = next(f for f in self.findings if f.action in ("mask", "replace"))
            raise GuardrailRefused(hit.policy, hit.check, hit.label, stage="input")
        return asked

    async def judge(self, request: ChatRequest) -> None:
        """Ask others about a screened request.

        Raises GuardrailRefused, and GuardrailUnavailable for a check that fails closed.
        """
        if not self.judges:
            return
        text, beginning = self._judged.unjudged(request, self._scope)
        found = len(self.findings)
        if text:
            for policy in self._policies:
                await self._watch.judge_all(policy, policy.input.remote, "input", text, self._noted)
        if len(self.findings) == found and not self._watch.failed:
            self._judged.keep(beginning)

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
        def screened(text: str, role: Role, /, *, is_json: bool = False) -> str:
            key = (text, role, is_json)
            if key not in self._seen:
                self._seen[key] = screen.mask(text, self._placeholders, role, is_json=is_json)
            return self._seen[key]

        return rewrite(request, screened)

    def _noted(self, finding: Finding) -> None:
        self.findings.append(finding)
        FINDINGS.labels(finding.check, finding.action, finding.stage).inc()

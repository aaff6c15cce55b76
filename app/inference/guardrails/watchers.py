"""The checks that take time: made with a deadline each, and what a failure of one means."""

import asyncio
from collections.abc import Callable, Sequence

from app.core.errors import AppError
from app.core.log import get_logger
from app.inference.guardrails.compiled import Asked, Outside, Policy, RemoteCheck, Verdict
from app.inference.guardrails.errors import GuardrailRefused, GuardrailUnavailable
from app.inference.guardrails.findings import Finding, Stage
from app.inference.usage.payer import Payer

log = get_logger(__name__)


class Watch:
    """Makes the checks of one call's policies; the payer pays for what they ask of models.

    A `strict` one tells of every check that fails, whatever its policy makes of that. `failed`
    tells that one could not be made.
    """

    def __init__(self, payer: Payer, outside: Outside, *, strict: bool = False) -> None:
        self._payer = payer
        self._outside = outside
        self._strict = strict
        self.failed = False

    async def judge_all(
        self,
        policy: Policy,
        checks: Sequence[RemoteCheck],
        stage: Stage,
        text: str,
        note: Callable[[Finding], None],
    ) -> None:
        """Make these checks at the same time.

        Raises GuardrailRefused, and GuardrailUnavailable for one that fails closed.
        """
        if not checks:
            return
        tasks = [asyncio.create_task(self._judge(policy, c, stage, text, note)) for c in checks]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()

    async def _judge(
        self,
        policy: Policy,
        check: RemoteCheck,
        stage: Stage,
        text: str,
        note: Callable[[Finding], None],
    ) -> None:
        verdict = await self._verdict(policy, check, stage, text)
        if verdict is None:
            return
        note(
            Finding(
                policy.id, policy.name, check.kind, verdict.label, check.action, stage,
                verdict.score, verdict.reason,
            )
        )  # fmt: skip
        if check.action == "refuse":
            raise GuardrailRefused(policy.name, check.kind, verdict.label, stage=stage)

    async def _verdict(
        self, policy: Policy, check: RemoteCheck, stage: Stage, text: str
    ) -> Verdict | None:
        try:
            async with asyncio.timeout(check.seconds):
                return await check.judge(text, Asked(stage, self._payer, self._outside))
        except (AppError, TimeoutError) as error:
            self.failed = True
            code = error.code if isinstance(error, AppError) else "timed_out"
            log.warning("guardrail_check_failed", policy=str(policy.id), kind=check.kind, code=code)
            if check.fails_closed or self._strict:
                raise GuardrailUnavailable(policy.name, check.kind) from None
            return None

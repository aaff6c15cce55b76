"""Trying a guardrail on a text, without a call."""

from dataclasses import dataclass

from app.inference.guardrails.compiled import Checks, Outside, Policy
from app.inference.guardrails.errors import GuardrailRefused, GuardrailUnavailable
from app.inference.guardrails.findings import Finding, Span, Stage
from app.inference.guardrails.placeholders import Placeholders
from app.inference.guardrails.putting import AsIs
from app.inference.guardrails.screen import Screen, apply
from app.inference.guardrails.watchers import Watch
from app.inference.usage.payer import Payer


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of it: findings with their places, where they have one."""

    refused: bool
    text: str
    findings: list[tuple[Finding, Span | None]]
    failed: list[str]


async def try_out(
    policy: Policy, text: str, stage: Stage, *, payer: Payer, outside: Outside
) -> Trial:
    """Make every check, also after one that refuses. What a judging model costs is billed."""
    hits = Screen([policy], stage, lambda _: None).find(text)
    masked = apply(text, hits, Placeholders(), AsIs(), restored=False)
    findings: list[tuple[Finding, Span | None]] = [(hit.finding, hit.span) for hit in hits]
    failed: list[str] = []
    checks: Checks = policy.input if stage == "input" else policy.output
    watch = Watch(payer, outside, strict=True)
    for check in checks.remote:
        try:
            await watch.judge_all(
                policy, [check], stage, masked, lambda found: findings.append((found, None))
            )
        except GuardrailRefused:
            continue
        except GuardrailUnavailable:
            failed.append(check.kind)
    refused = any(finding.action == "refuse" for finding, _ in findings)
    return Trial(refused, masked, findings, failed)

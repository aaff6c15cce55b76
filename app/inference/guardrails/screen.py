"""The checks of some policies over one text: what they find, and the text without it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from app.inference.guardrails.compiled import LocalCheck, Policy
from app.inference.guardrails.errors import GuardrailRefused
from app.inference.guardrails.findings import Finding, Span, Stage
from app.inference.guardrails.placeholders import Placeholders
from app.inference.guardrails.putting import AsIs, InJson, Putting
from app.inference.guardrails.tails import open_tail
from app.inference.guardrails.unseen import folded
from app.inference.providers.types import Role

Note = Callable[[Finding], None]


@dataclass(frozen=True, slots=True)
class Hit:
    """A span that a check found, and what is to be done about it."""

    span: Span
    policy: Policy
    check: LocalCheck
    finding: Finding

    def at(self, start: int, end: int) -> "Hit":
        """The same, elsewhere."""
        return Hit(Span(start, end, self.span.label), self.policy, self.check, self.finding)


@dataclass(slots=True)
class Screen:
    """The checks of this machine for one stage."""

    policies: Sequence[Policy]
    stage: Stage
    note: Note
    _checks: list[tuple[Policy, LocalCheck]] = field(init=False)

    def __post_init__(self) -> None:
        self._checks = [
            (policy, check)
            for policy in self.policies
            for check in (policy.input if self.stage == "input" else policy.output).local
        ]

    def __bool__(self) -> bool:
        return bool(self._checks)

    def find(self, text: str, role: Role = "user", *, is_json: bool = False) -> list[Hit]:
        """What the checks find; nothing is noted or refused yet."""
        read = folded(_encodable(text), is_json=is_json)
        return [
            Hit(span, policy, check, finding)
            for policy, check in self._checks
            if check.looks_at(role)
            for span, finding in check.find(read, policy, self.stage)
        ]

    def open_from(self, text: str) -> int:
        """From where on a match could still come of what has not been written yet."""
        reach = max((check.reach for _, check in self._checks), default=0)
        return min(len(text) - reach, open_tail(text)) if text else 0

    def take(self, hits: Iterable[Hit]) -> None:
        """Note what was found; raises GuardrailRefused for what is not let pass."""
        refused: Finding | None = None
        for hit in hits:
            self.note(hit.finding)
            if hit.finding.action == "refuse":
                refused = refused or hit.finding
        if refused is not None:
            raise GuardrailRefused(refused.policy, refused.check, refused.label, stage=self.stage)

    def mask(
        self,
        text: str,
        placeholders: Placeholders,
        role: Role = "user",
        *,
        is_json: bool = False,
    ) -> str:
        """The text without what is masked or replaced; raises GuardrailRefused."""
        hits = self.find(text, role, is_json=is_json)
        self.take(hits)
        putting = InJson(text) if is_json else AsIs()
        return apply(text, hits, placeholders, putting, restored=self.stage == "input")


def apply(
    text: str,
    hits: Iterable[Hit],
    placeholders: Placeholders,
    putting: Putting,
    *,
    restored: bool,
) -> str:
    """Put placeholders and replacements in; spans that overlap are one, named by the first."""
    pieces: list[str] = []
    at = 0
    for start, end, hit in united(hits):
        if hit.check.action == "replace":
            put = hit.check.replacement
        else:
            keeps = restored and hit.check.restores
            value = putting.value(text[start:end])
            put = placeholders.token(value, hit.span.label, restored=keeps)
        pieces += (text[at:start], putting.put(start, put))
        at = end
    return "".join((*pieces, text[at:]))


def united(hits: Iterable[Hit]) -> list[tuple[int, int, Hit]]:
    """The spans that change the text, in order; those that overlap as one."""
    changing = [hit for hit in hits if hit.check.action in ("mask", "replace")]
    merged: list[tuple[int, int, Hit]] = []
    for hit in sorted(changing, key=lambda hit: (hit.span.start, -hit.span.end)):
        start, end = hit.span.start, hit.span.end
        if merged and start < merged[-1][1]:
            first, last, kept = merged[-1]
            merged[-1] = (first, max(last, end), kept)
        else:
            merged.append((start, end, hit))
    return merged


def _encodable(text: str) -> str:
    """The text with half a surrogate pair as a question mark, which RE2 cannot read."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode(errors="replace").decode()
    return text

"""Stored policies, built into what calls use."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from pydantic import TypeAdapter

from app.core.errors import FieldError
from app.core.json_schemas import validator_of
from app.inference.guardrails import check_schemas as wire
from app.inference.guardrails import remote_checks as remote
from app.inference.guardrails.compiled import (
    Checks,
    LocalCheck,
    Policy,
    RemoteCheck,
)
from app.inference.guardrails.detectors import personal
from app.inference.guardrails.detectors.rules import BadPattern, Rule, compile_pattern
from app.inference.guardrails.detectors.secrets import find_secrets
from app.inference.guardrails.errors import GuardrailInvalid
from app.inference.guardrails.findings import Span, Stage
from app.inference.guardrails.local_checks import InjectionCheck, SpanCheck
from app.inference.guardrails.models import Guardrail
from app.inference.usage.call_scope import applies_to

Built = LocalCheck | RemoteCheck
_CHECKS: Final[TypeAdapter[list[wire.GuardrailCheck]]] = TypeAdapter(list[wire.GuardrailCheck])


def compile_policy(row: Guardrail) -> Policy:
    """Raises GuardrailInvalid."""
    checks = _CHECKS.validate_python(row.checks)
    return Policy(
        row.id,
        row.version,
        row.name,
        applies_to(row.applies_to),
        _stage(checks, "input"),
        _stage(checks, "output"),
    )


def check_policy(checks: Sequence[wire.GuardrailCheck]) -> None:
    """Raises GuardrailInvalid, naming the check that cannot work."""
    for number, check in enumerate(checks):
        try:
            list(_build(check))
        except (BadPattern, ValueError) as error:
            said = str(error).split("\n", 1)[0][:300]
            pointer = f"/body/checks/{number}"
            raise GuardrailInvalid(
                f"Check {number + 1} cannot work: {said}",
                errors=(FieldError(pointer, "invalid_check", said),),
            ) from None


def _stage(checks: Sequence[wire.GuardrailCheck], stage: Stage) -> Checks:
    built = [each for c in checks if _is_of(c, stage) for each in _build(c)]
    local = tuple(each for each in built if isinstance(each, (SpanCheck, InjectionCheck)))
    slow = tuple(each for each in built if not isinstance(each, (SpanCheck, InjectionCheck)))
    return Checks(local, slow)


def _is_of(check: wire.GuardrailCheck, stage: Stage) -> bool:
    if isinstance(check, wire.PromptInjectionCheck):
        return stage == "input"
    if isinstance(check, wire.JsonSchemaCheck):
        return stage == "output"
    return check.stage in (stage, "both")


def _build(check: wire.GuardrailCheck) -> Iterator[Any]:
    """Raises BadPattern and ValueError."""
    match check:
        case wire.SecretsCheck():
            yield SpanCheck("secrets", check.action, find_secrets, restores=check.restore)
        case wire.PersonalDataCheck():
            find = personal.finder(tuple(check.entities), tuple(check.regions))
            yield SpanCheck("personal_data", check.action, find, restores=check.restore)
        case wire.PromptInjectionCheck():
            yield InjectionCheck(check.action, check.threshold)
        case wire.RegexCheck():
            yield _regex(check)
        case wire.TopicCheck():
            yield from _topic(check)
        case wire.JudgeCheck() | wire.ModerationCheck() | wire.JsonSchemaCheck():
            yield _remote(check)


def _regex(check: wire.RegexCheck) -> SpanCheck:
    found = Rule(check.label, compile_pattern(check.pattern, ignore_case=check.ignore_case))
    return SpanCheck(
        "regex",
        check.action,
        found.find,
        replacement=check.replacement,
        restores=check.restore,
        reach=check.reach,
    )


def _topic(check: wire.TopicCheck) -> Iterator[Any]:
    if not check.keywords and not check.topics:
        raise ValueError("give `keywords`, `topics`, or both")
    if check.keywords and check.mode == "allow":
        raise ValueError("`keywords` are only for `mode` deny; describe allowed ones in `topics`")
    if check.keywords:
        reach = max(map(len, check.keywords)) + 2
        yield SpanCheck("topic", check.action, keyword_finder(check.keywords), reach=reach)
    if check.topics:
        yield remote.TopicCheck(
            check.action,
            tuple(check.topics),
            check.mode == "allow",
            check.threshold,
            check.timeout_seconds,
            check.on_error == "closed",
        )


def keyword_finder(keywords: Sequence[str]) -> Callable[[str], Iterator[Span]]:
    """What finds these words and phrases, as words of their own, in any case."""
    quoted = (r"\s+".join(_quoted(word) for word in phrase.split()) for phrase in keywords)
    edge = r"[^\pL\pN_]"
    pattern = rf"(?:^|{edge})((?:{'|'.join(quoted)}))(?:{edge}|\z)"
    return Rule("DENIED_KEYWORD", compile_pattern(pattern, ignore_case=True)).find


def _quoted(word: str) -> str:
    return "".join(c if c.isalnum() else f"\\x{{{ord(c):x}}}" for c in word)


def _remote(check: wire.JudgeCheck | wire.ModerationCheck | wire.JsonSchemaCheck) -> Any:
    match check:
        case wire.JudgeCheck():
            return remote.JudgeCheck(
                check.action, check.model, check.policy, check.threshold,
                check.timeout_seconds, check.on_error == "closed",
            )  # fmt: skip
        case wire.ModerationCheck():
            return remote.ModerationCheck(
                check.action, check.model, check.threshold, frozenset(check.categories),
                check.timeout_seconds, check.on_error == "closed",
            )  # fmt: skip
        case wire.JsonSchemaCheck():
            validator_of(check.json_schema)
            return remote.SchemaCheck(check.action, check.json_schema)

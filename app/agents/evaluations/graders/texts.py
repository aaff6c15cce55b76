"""Graders that read text: exact, contains, regex, and those of similarity that need no model."""

from typing import Any

import re2  # type: ignore[import-untyped]

from app.agents.evaluations.graders.grade import Ungradable, Verdict, yes_or_no
from app.agents.evaluations.graders.kinds import (
    ContainsGrader,
    ExactGrader,
    RegexGrader,
    SimilarityGrader,
)
from app.agents.evaluations.graders.rendering import TemplateInvalid, render
from app.agents.evaluations.graders.sample import Case, Sample, as_text, known_of
from app.agents.evaluations.graders.similarity import METRICS

SHOWN = 200


def actual_of(template: str | None, case: Case, sample: Sample) -> str:
    """The text that is looked at; raises Ungradable."""
    return sample.text if template is None else rendered(template, case, sample)


def expected_of(template: str | None, case: Case, sample: Sample) -> Any:
    """What it should be; raises Ungradable where nobody says."""
    if template is not None:
        return rendered(template, case, sample)
    if case.expected is None:
        raise Ungradable("nothing_expected", "The case has no expected value.")
    return case.expected


def rendered(template: str, case: Case, sample: Sample) -> str:
    try:
        return render(template, known_of(case, sample))
    except TemplateInvalid as error:
        raise Ungradable("template_unfit", f"The template cannot be filled: {error}.") from None


def exact(grader: ExactGrader, case: Case, sample: Sample) -> Verdict:
    expected = expected_of(grader.expected, case, sample)
    if not isinstance(expected, str) and grader.actual is None:
        try:
            same = sample.document == expected
        except ValueError:
            same = False
    else:
        first, second = actual_of(grader.actual, case, sample), as_text(expected)
        if grader.trim:
            first, second = first.strip(), second.strip()
        if grader.ignore_case:
            first, second = first.casefold(), second.casefold()
        same = first == second
    told = f"expected {_short(as_text(expected))}"
    if grader.negate:
        return yes_or_no(not same, "It is something else.", f"It is just that: {told}.")
    return yes_or_no(same, "It is what is expected.", f"It is something else: {told}.")


def contains(grader: ContainsGrader, case: Case, sample: Sample) -> Verdict:
    text = actual_of(grader.actual, case, sample)
    phrases = grader.values
    if phrases is None:
        expected = expected_of(grader.expected, case, sample)
        phrases = [as_text(one) for one in expected] if isinstance(expected, list) else None
        phrases = phrases or [as_text(expected)]
    if grader.ignore_case:
        text = text.casefold()
    there = [p for p in phrases if (p.casefold() if grader.ignore_case else p) in text]
    if grader.mode == "none":
        return yes_or_no(not there, "It has none of them.", f"It has {_list(there)}.", there)
    if grader.mode == "any":
        return yes_or_no(bool(there), f"It has {_list(there)}.", "It has none of them.", there)
    missing = [phrase for phrase in phrases if phrase not in there]
    reason = f"It lacks {_list(missing)}." if missing else "It has all of them."
    return Verdict(len(there) / len(phrases), reason, missing)


def regex(grader: RegexGrader, case: Case, sample: Sample) -> Verdict:
    text = actual_of(grader.actual, case, sample)
    pattern = re2.compile(grader.pattern)
    found = pattern.fullmatch(text) if grader.whole else pattern.search(text)
    if grader.negate:
        return yes_or_no(found is None, "It does not match.", f"It matches: {_found(found)}.")
    return yes_or_no(found is not None, f"It matches: {_found(found)}.", "It does not match.")


def alike(grader: SimilarityGrader, case: Case, sample: Sample) -> Verdict:
    """By characters or words; `cosine` is the embedder's."""
    text, reference = pair_of(grader, case, sample)
    score = METRICS[grader.metric](text, reference)
    return Verdict(score, f"{grader.metric} is {score:.3f}.")


def pair_of(grader: SimilarityGrader, case: Case, sample: Sample) -> tuple[str, str]:
    expected = as_text(expected_of(grader.expected, case, sample))
    return actual_of(grader.actual, case, sample), expected


def _found(found: Any) -> str:
    return _short(found[0]) if found is not None else ""


def _list(phrases: list[str]) -> str:
    return ", ".join(_short(phrase) for phrase in phrases[:5]) + (", …" if phrases[5:] else "")


def _short(text: str) -> str:
    return f"“{text[:SHOWN]}{'…' if len(text) > SHOWN else ''}”"

"""Graders that read JSON and numbers."""

import math
import re
from typing import Any, Final

from app.agents.evaluations.graders.grade import Ungradable, Verdict, yes_or_no
from app.agents.evaluations.graders.kinds import JsonPathGrader, JsonSchemaGrader, NumericGrader
from app.agents.evaluations.graders.paths import found_at
from app.agents.evaluations.graders.sample import Case, Sample, as_text
from app.agents.evaluations.graders.schemas_of_json import mistakes_of
from app.core.json_schemas import validator_of

NUMBER: Final = re.compile(
    r"[-+]?(?:\d{1,3}(?:,\d{3})+|\d+)?(?:\.\d+|(?<=\d))(?:[eE][-+]?\d{1,3})?"
)
NOT_JSON: Final = Verdict(0.0, "The output is not JSON.")


def json_schema(grader: JsonSchemaGrader, case: Case, sample: Sample) -> Verdict:  # noqa: ARG001
    try:
        document = sample.document
    except ValueError:
        return NOT_JSON
    mistakes = mistakes_of(validator_of(grader.json_schema), document)
    return yes_or_no(not mistakes, "It satisfies the schema.", "; ".join(mistakes), mistakes)


def json_path(grader: JsonPathGrader, case: Case, sample: Sample) -> Verdict:
    wanted = _wanted(grader, case)
    try:
        found = found_at(grader.path, sample.document)
    except ValueError:
        return NOT_JSON
    if not found:
        return Verdict(0.0, f"There is nothing at {grader.path}.")
    # Several values are as many equalities.
    same = [each == wanted for each in found]
    share = sum(same) / len(same)
    told = as_text(found[same.index(False)])[:200] if share < 1 else ""
    reason = f"It is so at {grader.path}." if share == 1 else f"{grader.path} has {told}."
    return Verdict(share, reason, found[:10])


def _wanted(grader: JsonPathGrader, case: Case) -> Any:
    if "equals" in grader.model_fields_set:
        return grader.equals
    found = found_at(grader.expected_path or grader.path, case.expected)
    if not found and grader.expected_path is None and not isinstance(case.expected, dict | list):
        found = [] if case.expected is None else [case.expected]
    if not found:
        raise Ungradable("nothing_expected", "The case expects nothing at this path.")
    return found[0]


def numeric(grader: NumericGrader, case: Case, sample: Sample) -> Verdict:
    wanted = grader.value if grader.value is not None else _number(case.expected)
    if wanted is None:
        raise Ungradable("nothing_expected", "The case expects no number.")
    found = _number_in(grader, sample)
    if found is None:
        return Verdict(0.0, "The output has no number there.")
    allowed = max(grader.absolute, grader.relative * abs(wanted))
    away = abs(found - wanted)
    told = f"{found:g} is {away:g} from {wanted:g}; {allowed:g} is allowed."
    return yes_or_no(away <= allowed + 1e-12 * abs(wanted), told, told, found)


def _number_in(grader: NumericGrader, sample: Sample) -> float | None:
    if grader.path is None:
        return _last_number(sample.text)
    try:
        found = found_at(grader.path, sample.document)
    except ValueError:
        return None
    return _number(found[0]) if found else None


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return float(value) if math.isfinite(value) else None
    return _last_number(value) if isinstance(value, str) else None


def _last_number(text: str) -> float | None:
    """The last one that a text names; commas may stand between its thousands."""
    found = NUMBER.findall(text[-20_000:])
    for written in reversed(found):
        try:
            number = float(written.replace(",", ""))
        except ValueError:
            continue
        if math.isfinite(number):
            return number
    return None

"""OpenAI's evals in our words: criteria as graders, items as cases, messages as a prompt.

Templates are alike: `{{item.x}}` and `{{sample.output_text}}` mean the same here.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from app.agents.evaluations.experiments.schemas import PromptTarget
from app.agents.evaluations.graders.kinds import Grader
from app.agents.evaluations.graders.sample import as_text
from app.agents.evaluations.importing.schemas import NotImported

INPUTS: Final = ("input", "question", "prompt", "query", "text", "message", "user_input")
EXPECTED: Final = (
    "expected", "ideal", "reference", "answer", "expected_output", "ground_truth", "correct_label",
    "label", "target",
)  # fmt: skip
METRICS: Final = {
    "fuzzy_match": "levenshtein",
    "cosine": "cosine",
    "bleu": "bleu",
    "gleu": "gleu",
    "rouge_l": "rouge_l",
    **{f"rouge_{n}": f"rouge_{n}" for n in range(1, 6)},
}
OUTPUT: Final = "{{sample.output_text}}"
_GRADER: TypeAdapter[Grader] = TypeAdapter(Grader)


class NotTaken(Exception):
    """Why a criterion has no grader."""


def grader_of(criterion: Mapping[str, Any], models: Mapping[str, str], place: int) -> Grader:
    """Raises NotTaken."""
    kind = str(criterion.get("type"))
    make = KINDS.get(kind)
    if make is None:
        raise NotTaken(f"`{kind[:60]}` has no grader here.")
    name = _name(str(criterion.get("name") or kind), place)
    try:
        return _GRADER.validate_python({"name": name, **make(criterion, models)})
    except (ValidationError, KeyError, TypeError, ValueError) as error:
        told = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
        raise NotTaken(f"It is not as it should be: {told[:200]}") from None


def _name(name: str, place: int) -> str:
    """As graders are called, each otherwise."""
    plain = "".join(each if each.isascii() and (each.isalnum() or each in " _.:/+-") else "_"
                    for each in name).strip(" _.:/+-")  # fmt: skip
    return f"{plain[:56] or 'criterion'} {place}"


def _string_check(criterion: Mapping[str, Any], _: Mapping[str, str]) -> dict[str, Any]:
    operation = criterion["operation"]
    both = {"actual": criterion["input"], "expected": criterion["reference"]}
    if operation in ("eq", "ne"):
        return {"type": "exact", **both, "trim": False, "negate": operation == "ne"}
    if operation in ("like", "ilike"):
        return {"type": "contains", **both, "ignore_case": operation == "ilike"}
    raise ValueError(f"the operation {operation!r} is unknown")


def _text_similarity(criterion: Mapping[str, Any], _: Mapping[str, str]) -> dict[str, Any]:
    metric = METRICS.get(criterion["evaluation_metric"])
    if metric is None:
        raise ValueError(f"the metric {criterion['evaluation_metric']!r} has none here")
    return {
        "type": "similarity",
        "metric": metric,
        "actual": criterion["input"],
        "expected": criterion["reference"],
        "threshold": criterion.get("pass_threshold") or 0.0,
    }


def _score_model(criterion: Mapping[str, Any], models: Mapping[str, str]) -> dict[str, Any]:
    """On whole numbers: a range from 0 to 1 becomes one from 0 to 100."""
    low, high = criterion.get("range") or (0, 1)
    if high <= low:
        raise ValueError("its range does not rise")
    whole = float(low).is_integer() and float(high).is_integer() and high - low >= 2
    scale = {"lowest": int(low), "highest": int(high)} if whole else {"lowest": 0, "highest": 100}
    asked = criterion.get("pass_threshold")
    threshold = 0.5 if asked is None else (asked - low) / (high - low)
    note = "" if whole else f"\n\n(Map {low:g} to 0 and {high:g} to 100.)"
    return {
        "type": "model_judge",
        "model": _model(criterion, models),
        "rubric": _rubric(criterion) + note,
        "scale": scale,
        "threshold": min(max(threshold, 0.0), 1.0),
    }


def _label_model(criterion: Mapping[str, Any], models: Mapping[str, str]) -> dict[str, Any]:
    return {
        "type": "model_judge",
        "model": _model(criterion, models),
        "rubric": _rubric(criterion),
        "labels": criterion["labels"],
        "passing_labels": criterion["passing_labels"],
        "threshold": 1.0,
    }


def _python(_: Mapping[str, Any], __: Mapping[str, str]) -> dict[str, Any]:
    raise ValueError("code is never run; put a grader in its place")


KINDS: Final[dict[str, Callable[[Mapping[str, Any], Mapping[str, str]], dict[str, Any]]]] = {
    "string_check": _string_check,
    "text_similarity": _text_similarity,
    "score_model": _score_model,
    "label_model": _label_model,
    "python": _python,
}


def _model(criterion: Mapping[str, Any], models: Mapping[str, str]) -> str:
    name = str(criterion["model"])
    return models.get(name) or (name if "/" in name else f"openai/{name}")


def _rubric(criterion: Mapping[str, Any]) -> str:
    """The grader's own messages as one text, each under its role."""
    return "\n\n".join(f"[{role}]\n{content}" for role, content in _messages(criterion["input"]))


def _messages(told: Any) -> list[tuple[str, str]]:
    """Raises ValueError for what is no text: images and recordings."""
    return [(str(each["role"]), _content(each["content"])) for each in told]


def _content(content: Any) -> str:
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "\n".join(map(_content, content))
    if isinstance(content, Mapping) and isinstance(content.get("text"), str):
        return str(content["text"])
    raise ValueError("a message holds what is no text")


def row_of(item: Any, input_field: str | None, expected_field: str | None) -> Any:
    """A line of an export as a row of a file of cases; ValueError in place of what is none."""
    held = item.get("item") if isinstance(item, Mapping) else None
    if not isinstance(held, Mapping):
        return ValueError("has no object `item`")
    name = input_field or next((each for each in INPUTS if each in held), None)
    if input_field is not None and input_field not in held:
        return ValueError(f"has no `{input_field[:60]}` in its item")
    row: dict[str, Any] = {
        "input": as_text(held[name]) if name is not None else as_text(dict(held)),
        "variables": dict(held),
    }
    wanted = expected_field or next((each for each in EXPECTED if each in held), None)
    if wanted is not None and held.get(wanted) is not None:
        row["expected"] = held[wanted]
    return row


def target_of(run: Mapping[str, Any], models: Mapping[str, str]) -> PromptTarget | NotImported:
    """How a run prompted: its `input_messages.template`, with its model."""
    told = run.get("input_messages")
    if not isinstance(told, Mapping) or told.get("type") != "template":
        return NotImported(name="run", type="data_source", reason="It has no template of messages.")
    try:
        messages = [
            {"role": "system" if role == "developer" else role, "content": content}
            for role, content in _messages(told["template"])
        ]
        return PromptTarget.model_validate(
            {
                "type": "prompt",
                "name": "imported",
                "model": _model(run, models),
                "messages": messages,
                "parameters": _parameters(run.get("sampling_params")),
            }
        )
    except (ValidationError, KeyError, TypeError, ValueError) as error:
        return NotImported(name="run", type="data_source", reason=str(error)[:300])


def _parameters(told: Any) -> dict[str, Any]:
    if not isinstance(told, Mapping):
        return {}
    names = {
        "temperature": "temperature",
        "top_p": "top_p",
        "seed": "seed",
        "max_completion_tokens": "max_output_tokens",
        "max_completions_tokens": "max_output_tokens",
    }
    return {ours: told[name] for name, ours in names.items() if told.get(name) is not None}

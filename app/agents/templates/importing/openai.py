"""What people saved of OpenAI's prompts, as templates.

OpenAI has no export of prompts. What is there to save: a prompt object (`pmpt_…`, alone or with
its `versions`), the body of a request to the Responses or Chat Completions API (the dashboard's
"code"), and a Response that was made with a prompt, whose `instructions` are the prompt's messages
with the variables already filled in.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from app.agents.templates.filling import inert
from app.agents.templates.importing.found import FoundTemplate, FoundVersion, NotATemplate

PLACE: Final = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_.-]*)\s*\}\}")
NUMBER: Final = re.compile(r"[1-9][0-9]{0,8}")
ROLES: Final = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant"}
EFFORTS: Final = ("none", "minimal", "low", "medium", "high")
TEXTS: Final = ("input_text", "output_text", "text")
# What is read, or says nothing of the prompt itself.
KNOWN: Final = frozenset(
    [
        "id",
        "object",
        "name",
        "title",
        "description",
        "version",
        "versions",
        "default_version",
        "is_default",
        "variables",
        "prompt",
        "messages",
        "input",
        "instructions",
        "model",
        "temperature",
        "top_p",
        "max_output_tokens",
        "max_completion_tokens",
        "max_tokens",
        "reasoning",
        "reasoning_effort",
        "text",
        "response_format",
        "seed",
        "stop",
        "stream",
        "store",
        "status",
        "created_at",
        "completed_at",
        "updated_at",
        "output",
        "output_text",
        "usage",
        "error",
        "incomplete_details",
        "prompt_id",
        "background",
        "user",
    ]
)
WORDS: Final = ("messages", "input", "instructions", "prompt")


def is_prompt(document: Mapping[str, Any]) -> bool:
    """Whether it is anything of the kinds above."""
    if str(document.get("id", "")).startswith("pmpt_") or document.get("object") == "prompt":
        return True
    return "model" in document and any(name in document for name in WORDS)


def prompt_id(document: Mapping[str, Any]) -> str | None:
    """The id of the prompt that it is, or that it was made with."""
    used = document.get("prompt")
    candidates = [document.get("id"), document.get("prompt_id")]
    if isinstance(used, dict):
        candidates += [used.get("id"), used.get("prompt_id")]
    return next((str(each) for each in candidates if str(each or "").startswith("pmpt_")), None)


def read_prompt(documents: Sequence[Mapping[str, Any]]) -> FoundTemplate:
    """One prompt out of all objects of a file that are about it; raises NotATemplate."""
    states = sorted((each for document in documents for each in _states(document)), key=_number)
    first = documents[0]
    name = _first(documents, "name", "title")
    known = prompt_id(first)
    found = FoundTemplate(
        f"openai:{known}" if known else "",
        str(name or known or "").strip()[:200] or "Imported prompt",
        [],
        description=str(_first(documents, "description") or "")[:2000],
    )
    kept: dict[str, Any] = {}
    for position, state in enumerate(states, 1):
        reading = _Reading(state)
        number = _number(state) or position
        found.versions.append(FoundVersion(reading.content(), number, f"Version {number} there."))
        if reading.kept:
            kept[str(number)] = reading.kept
        found.left_out += [f"version {number}: {each}" for each in reading.left_out]
    if not found.versions:
        raise NotATemplate("It has no messages: only the prompt's id was saved.")
    default = _first(documents, "default_version")
    marked = next((each for each in states if each.get("is_default")), None)
    if default is None and marked is not None:
        default = _number(marked)
    if (wanted := _whole(default)) is not None:
        found.labels["production"] = wanted
    found.metadata = {"openai": {"prompt_id": known, "versions": kept}}
    return found


def _first(documents: Sequence[Mapping[str, Any]], *names: str) -> Any:
    return next((each[name] for each in documents for name in names if each.get(name)), None)


def _states(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Its versions, each whole, or the one that it is itself."""
    listed = document.get("versions")
    versions = (
        [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    )
    shared = {
        key: value
        for key, value in document.items()
        if key not in ("versions", "id", "name", "version", *WORDS)
    }
    if versions:
        yield from ({**shared, **each} for each in versions)
    elif any(document.get(name) for name in WORDS):
        yield dict(document)


def _number(state: Mapping[str, Any]) -> int:
    used = state.get("prompt")
    for value in (state.get("version"), used.get("version") if isinstance(used, dict) else None):
        if (number := _whole(value)) is not None:
            return number
    return 0


def _whole(value: Any) -> int | None:
    """A version's number, however it is written."""
    return int(str(value)) if NUMBER.fullmatch(str(value)) else None


class _Reading:
    """One version: what has a place here, what is kept beside it, and what is left out."""

    def __init__(self, state: Mapping[str, Any]) -> None:
        self._state = state
        self._names: dict[str, str] = {}
        self.left_out: list[str] = []
        self.kept = {key: value for key, value in state.items() if key not in KNOWN}
        for name in self.kept:
            self.left_out.append(f"`{name}` is kept in the metadata alone")

    def content(self) -> dict[str, Any]:
        """Raises NotATemplate where there is nothing to say."""
        messages = list(self._messages())
        if not messages:
            raise NotATemplate("It has no messages with text.")
        return {
            "variables": self._variables(),
            "body": {
                "type": "prompt",
                "messages": messages,
                "model": self._state.get("model") or None,
                "parameters": self._parameters(),
                "output_schema": self._schema(),
            },
        }

    def _messages(self) -> Iterator[dict[str, str]]:
        for name, role in (("instructions", "system"), ("prompt", "system")):
            yield from self._of(self._state.get(name), role)
        for name in ("messages", "input"):
            yield from self._of(self._state.get(name), "user")

    def _of(self, value: Any, role: str) -> Iterator[dict[str, str]]:
        if isinstance(value, str) and value:
            yield {"role": role, "content": self._jinja(value)}
        for item in value if isinstance(value, list) else ():
            said = self._message(item) if isinstance(item, dict) else None
            if said is not None:
                yield said

    def _message(self, item: Mapping[str, Any]) -> dict[str, str] | None:
        role = ROLES.get(str(item.get("role")))
        if role is None or item.get("type", "message") != "message":
            self.left_out.append(f"an item of type `{item.get('type') or item.get('role')}`")
            return None
        content = item.get("content")
        parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
        texts = []
        for part in parts if isinstance(parts, list) else ():
            if isinstance(part, dict) and part.get("type") in TEXTS:
                texts.append(str(part.get("text") or ""))
            else:
                kind = part.get("type") if isinstance(part, dict) else "unknown"
                self.left_out.append(f"a part of type `{kind}` of a message")
        text = "\n".join(texts)
        return {"role": role, "content": self._jinja(text)} if text else None

    def _jinja(self, text: str) -> str:
        """The same text for Jinja: places stay, and nothing else of it means anything."""
        written, at = [], 0
        for place in PLACE.finditer(text):
            written += [inert(text[at : place.start()]), f"{{{{ {self._name(place[1])} }}}}"]
            at = place.end()
        return "".join([*written, inert(text[at:])])

    def _name(self, name: str) -> str:
        known = self._names.get(name)
        if known is not None:
            return known
        plain = first = re.sub(r"[^A-Za-z0-9_]", "_", name)
        taken, number = set(self._names.values()), 2
        while plain in taken:
            plain, number = f"{first}_{number}", number + 1
        if plain != name:
            self.left_out.append(f"the variable `{name}` is called `{plain}` here")
        self._names[name] = plain
        return plain

    def _variables(self) -> dict[str, Any]:
        """All variables that are named, as texts, with the defaults that were saved."""
        used = self._state.get("prompt")
        told = self._state.get("variables")
        if told is None and isinstance(used, dict):
            told = used.get("variables")
        defaults = _defaults(told)
        for name in defaults:
            self._name(name)
        properties: dict[str, Any] = {}
        for name, plain in self._names.items():
            rule: dict[str, Any] = {"type": "string"}
            if isinstance(defaults.get(name), str):
                rule["default"] = defaults[name]
            elif defaults.get(name) is not None:
                self.left_out.append(f"the value of `{name}`, which is no text")
            properties[plain] = rule
        required = [name for name, rule in properties.items() if "default" not in rule]
        return {"type": "object", "properties": properties, "required": required}

    def _parameters(self) -> dict[str, Any]:
        state = self._state
        longest = next(
            (
                state[name]
                for name in ("max_output_tokens", "max_completion_tokens", "max_tokens")
                if state.get(name)
            ),
            None,
        )
        reasoning = state.get("reasoning")
        effort = reasoning.get("effort") if isinstance(reasoning, dict) else None
        effort = effort or state.get("reasoning_effort")
        if effort is not None and effort not in EFFORTS:
            self.left_out.append(f"the reasoning effort `{effort}`")
            effort = None
        stop = state.get("stop")
        return {
            "temperature": state.get("temperature"),
            "top_p": state.get("top_p") or None,
            "max_output_tokens": longest,
            "reasoning_effort": effort,
            "seed": state.get("seed"),
            "stop": [stop] if isinstance(stop, str) else stop or None,
        }

    def _schema(self) -> dict[str, Any] | None:
        told = self._state.get("text")
        shape = told.get("format") if isinstance(told, dict) else self._state.get("response_format")
        if not isinstance(shape, dict) or shape.get("type", "text") == "text":
            return None
        named = shape.get("json_schema")
        schema = (named if isinstance(named, dict) else shape).get("schema")
        if isinstance(schema, dict):
            return schema
        self.left_out.append(f"the text format `{shape.get('type')}`")
        return None


def _defaults(told: Any) -> dict[str, Any]:
    """Variables by their names: as a map of values or of rules, as rules in a list, as names."""
    if isinstance(told, dict):
        return {
            str(name): rule.get("default", rule.get("value")) if isinstance(rule, dict) else rule
            for name, rule in told.items()
        }
    found: dict[str, Any] = {}
    for each in told if isinstance(told, list) else ():
        if isinstance(each, dict) and each.get("name"):
            found[str(each["name"])] = each.get("default", each.get("value"))
        elif isinstance(each, str):
            found[each] = None
    return found

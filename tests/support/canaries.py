"""Canaries: secrets made up for one run, planted wherever one is taken, looked for everywhere."""

import base64
import re
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from functools import cache
from itertools import islice
from typing import Any
from uuid import uuid4

import ahocorasick
import httpx2

Place = tuple[str, ...]
# What takes or shows a secret although its schema does not say so.
NAMED = re.compile(r"(?:^|_)(password|secret|token|ticket|verifier|code|codes|key|credential)$")
# `credential` is the name of one that is kept apart.
NO_SECRET = frozenset({"credential", "idempotency_key", "error_code", "country_code"})
SHOWN = re.compile(r"(?:^|_)(secret|token|ticket|verifier|codes|key)$")
ITEM = "[]"


def made(kind: str) -> str:
    """A secret that looks like none, so that no pattern of the log's own hides it."""
    return f"cnry{kind.replace('_', '')}{uuid4().hex}"


@dataclass(slots=True)
class Aviary:
    """Every canary, and where each may be seen: in the one answer that showed it first."""

    homes: dict[str, httpx2.Response | None] = field(default_factory=dict)
    answers: list[httpx2.Response] = field(default_factory=list)
    _known: int = 0
    _automaton: ahocorasick.Automaton = field(default_factory=ahocorasick.Automaton)

    def new(self, kind: str) -> str:
        canary = made(kind)
        self.homes[canary] = None
        return canary

    def record(self, answer: httpx2.Response) -> None:
        """Keep an answer, and take up the secrets that it makes known."""
        answer.read()
        self.answers.append(answer)
        if answer.is_success and answer.request.url.path != "/openapi.json":
            for secret in shown_in(answer):
                self.homes.setdefault(secret, answer)

    def seen_in(self, text: str, *, but: httpx2.Response | None = None) -> set[str]:
        """The canaries in a text, as they are, in hexadecimal or in base64."""
        return {
            canary
            for _, canary in self._all_forms().iter(text)
            if canary in self.homes
            and (self.homes[canary] is None or self.homes[canary] is not but)
        }

    def _all_forms(self) -> ahocorasick.Automaton:
        """Every form of the canaries there are, to be looked for in one go."""
        if self._known < len(self.homes):
            for canary in islice(self.homes, self._known, None):
                for form in forms_of(canary):
                    self._automaton.add_word(form, canary)
            self._known = len(self.homes)
            self._automaton.make_automaton()
        return self._automaton


@cache
def forms_of(canary: str) -> tuple[str, ...]:
    """A canary as it is, as bytes that Postgres shows, and as base64 at each alignment."""
    raw = canary.encode()
    aligned = (raw[skipped : len(raw) - (len(raw) - skipped) % 3] for skipped in range(3))
    return canary, raw.hex(), *(base64.b64encode(part).decode() for part in aligned)


def shown_in(answer: httpx2.Response) -> Iterator[str]:
    """The secrets that an answer hands out: by the names of its fields, and its cookies."""
    for value in answer.cookies.values():
        if len(value) >= 20:
            yield value
    if answer.content and answer.headers.get("content-type", "").startswith("application/json"):
        yield from _named(answer.json())


def _named(node: Any, name: str = "") -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            yield from _named(value, key)
    elif isinstance(node, list):
        for value in node:
            yield from _named(value, name)
    elif isinstance(node, str) and SHOWN.search(name) and len(node) >= 10:
        yield node


def around(text: str, canary: str) -> str:
    """What stands about the first place of a canary, in whichever form."""
    at = min(found for form in forms_of(canary) if (found := text.find(form)) >= 0)
    return text[max(at - 160, 0) : at + 80].replace("\n", " ")


def text_of(answer: httpx2.Response) -> str:
    headers = "\n".join(f"{name}: {value}" for name, value in answer.headers.items())
    return f"{headers}\n\n{answer.text}"


def secret_places(schema: dict[str, Any], name: str = "") -> set[Place]:
    """Where a schema takes a secret: by its format, or by its field's name."""
    found: set[Place] = set()
    if schema.get("format") == "password" or (
        schema.get("type") == "string" and NAMED.search(name) and name not in NO_SECRET
    ):
        found.add(())
    for option in _options(schema):
        found |= secret_places(option, name)
    for key, child in schema.get("properties", {}).items():
        found |= {(key, *rest) for rest in secret_places(child, key)}
    if "items" in schema:
        found |= {(ITEM, *rest) for rest in secret_places(schema["items"], name)}
    return found


def planted(schema: dict[str, Any], place: Place, canary: str, example: Any) -> Any:
    """A value of the schema with the canary at its place, and the example's values elsewhere."""
    if not place:
        return canary
    for option in _options(schema):
        if place in secret_places(option):
            return planted(option, place, canary, example)
    head, *rest = place
    if head == ITEM:
        return [planted(schema["items"], tuple(rest), canary, None)]
    properties = schema["properties"]
    value = deepcopy(example) if isinstance(example, dict) else {}
    for name in schema.get("required", ()):
        value.setdefault(name, sample(properties[name]))
    value[head] = planted(properties[head], tuple(rest), canary, value.get(head))
    return value


def sample(schema: dict[str, Any]) -> Any:
    """Some value of a schema."""
    for given in ("const", "default"):
        if given in schema:
            return schema[given]
    for several in ("enum", "examples"):
        if schema.get(several):
            return schema[several][0]
    if options := _options(schema):
        return sample(options[0])
    if schema.get("type") == "object":
        properties = schema.get("properties", {})
        return {name: sample(properties[name]) for name in schema.get("required", ())}
    return _sample_of_type(schema)


def _sample_of_type(schema: dict[str, Any]) -> Any:
    texts = {
        "email": f"{uuid4().hex}@example.com",
        "uuid": str(uuid4()),
        "date-time": "2030-01-01T00:00:00Z",
        "uri": "https://example.com",
    }
    plain = "x" * max(schema.get("minLength", 1), 1)
    samples = {
        "array": [sample(schema["items"]) for _ in range(schema.get("minItems", 0))],
        "integer": schema.get("minimum", 1),
        "number": schema.get("minimum", 1),
        "boolean": True,
        "string": texts.get(schema.get("format", ""), plain),
    }
    return samples.get(schema.get("type", ""))


def _options(schema: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        *schema.get("anyOf", ()), *schema.get("oneOf", ()), *schema.get("allOf", ()),
    ]  # fmt: skip

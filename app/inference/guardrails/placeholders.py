"""Placeholders (`[EMAIL_1]`) in the place of values, and the values back in the place of them."""

import json
import re
from collections import Counter
from typing import Final

PLACEHOLDER: Final = re.compile(r"\[[A-Z][A-Z0-9_]{0,60}_[0-9]{1,6}\]")
MOST_LENGTH: Final = 70


class Placeholders:
    """The placeholders of one call: the same value has the same one wherever it stands.

    Values of the answer have placeholders, too, but are never put back.
    """

    def __init__(self) -> None:
        self._tokens: dict[tuple[str, bool], str] = {}
        self._values: dict[str, str] = {}
        self._counts: Counter[str] = Counter()
        self._taken: set[str] = set()

    def __bool__(self) -> bool:
        return bool(self._values)

    def spare(self, text: str) -> None:
        """Never give out a placeholder that somebody has written there themselves."""
        if "[" in text:
            self._taken.update(PLACEHOLDER.findall(text))

    def token(self, value: str, label: str, *, restored: bool) -> str:
        """The placeholder of a value; `restored` ones are put back in the answer."""
        token = self._tokens.get((value, restored)) or self._tokens.get((value, True))
        if token is None:
            token = self._new(label)
            self._tokens[value, restored] = token
            if restored:
                self._values[token] = value
        return token

    def restore(self, text: str, *, escaped: bool = False) -> str:
        """Put values back; `escaped` where the text is JSON and they stand in its strings."""
        if not self._values or "[" not in text:
            return text

        def value_of(match: re.Match[str]) -> str:
            value = self._values.get(match[0])
            if value is None:
                return match[0]
            return json.dumps(value, ensure_ascii=False)[1:-1] if escaped else value

        return PLACEHOLDER.sub(value_of, text)

    def may_continue(self, tail: str) -> bool:
        """Tell whether a placeholder that is put back can begin with this."""
        return any(token.startswith(tail) for token in self._values)

    def _new(self, label: str) -> str:
        while True:
            self._counts[label] += 1
            token = f"[{label}_{self._counts[label]}]"
            if token not in self._taken:
                return token


class Restorer:
    """Puts values back in a stream: only what may be the beginning of a placeholder waits."""

    def __init__(self, placeholders: Placeholders, *, escaped: bool = False) -> None:
        self._placeholders = placeholders
        self._escaped = escaped
        self._held = ""

    def feed(self, text: str) -> str:
        text = self._held + text
        at = text.rfind("[")
        if at >= 0 and len(text) - at <= MOST_LENGTH and self._placeholders.may_continue(text[at:]):
            # A whole placeholder begins with itself, too, and must not wait.
            self._held = "" if text[at:].endswith("]") else text[at:]
        else:
            self._held = ""
        ready = text[: len(text) - len(self._held)]
        return self._placeholders.restore(ready, escaped=self._escaped)

    def end(self) -> str:
        held, self._held = self._held, ""
        return held

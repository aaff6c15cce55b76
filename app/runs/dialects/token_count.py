"""Tokens as AG-UI counts them: by model, and of each stretch of a run alone."""

from typing import Any, Final

from app.runs.dialects.encoder import Body

_NAMES: Final = (("inputTokens", "input_tokens"), ("outputTokens", "output_tokens"))


class TokenCount:
    """What the calls of models have used that the log tells of."""

    def __init__(self) -> None:
        self._by_model: dict[str, dict[str, int]] = {}
        self._all = dict.fromkeys(("inputTokens", "outputTokens"), 0)

    def begin(self) -> None:
        """Another stretch begins."""
        self._by_model.clear()

    def count(self, model: str, usage: Body) -> None:
        entry = self._by_model.setdefault(model, dict.fromkeys(self._all, 0))
        for new, old in _NAMES:
            entry[new] += usage[old]
            self._all[new] += usage[old]

    def told(self, body: Body | None = None) -> list[dict[str, Any]]:
        """Of this stretch; with the run's last event also what answers used that were lost."""
        usage: list[dict[str, Any]] = [
            {**_model(name), **counts} for name, counts in self._by_model.items()
        ]
        if body is not None:
            rest = {new: max(body["usage"][old] - self._all[new], 0) for new, old in _NAMES}
            if any(rest.values()):
                usage.append(rest)
        return [{**one, "totalTokens": one["inputTokens"] + one["outputTokens"]} for one in usage]


def _model(reference: str) -> dict[str, str]:
    provider, _, model = reference.partition("/")
    if model:
        return {"provider": provider, "model": model}
    return {"model": reference} if reference else {}

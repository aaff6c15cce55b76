"""The node types that definitions can use, by name and version."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from pydantic import ValidationError

from app.automation.language.marks import CEL, marks_of
from app.automation.language.templates import MOST, copied, rendered, templates_in
from app.automation.nodes.node_type import NodeType, StepFault
from app.core.schema import Input, sentence

# What a step that is kept may be given; what is computed on the spot may be as large as an output.
MOST_KEPT: Final = 1024 * 1024
_MOST_SHOWN: Final = 3


class NodeTypes:
    """Instances, with their collaborators; the last of a name and version wins."""

    def __init__(self, types: Iterable[NodeType[Any]]) -> None:
        self._types = {(each.name, each.version): each for each in types}

    def __iter__(self) -> Iterator[NodeType[Any]]:
        """In the order of names and versions."""
        return iter([self._types[key] for key in sorted(self._types)])

    def find(self, name: str, version: int = 1) -> NodeType[Any] | None:
        return self._types.get((name, version))

    def get(self, name: str, version: int = 1) -> NodeType[Any]:
        """Raises StepFault where the type is not there (any more)."""
        found = self._types.get((name, version))
        if found is None:
            raise StepFault("node_type_unknown", f"There is no node type `{name}` v{version} here.")
        return found

    def versions(self, name: str) -> list[int]:
        """Empty for a name that no type has."""
        return sorted(version for known, version in self._types if known == name)

    def configured(
        self, node_type: NodeType[Any], settings: Mapping[str, Any], names: Mapping[str, Any]
    ) -> Input:
        """The settings with the values of their templates.

        Raises StepFault: `expression_failed`, `prompt_failed`, `template_too_large`,
        `settings_invalid`.
        """
        most = MOST_KEPT if node_type.kind in ("task", "waiting") else MOST
        given = rendered(dict(settings), names, most, marks_of(node_type.config))
        return self.checked(node_type, given)

    def fixed(self, node_type: NodeType[Any], settings: Mapping[str, Any]) -> Input | None:
        """The settings, where they are the same in every run; None where they are not, or unfit.

        A bare expression is as it stands: the node evaluates it.
        """
        found = templates_in(settings, marks=marks_of(node_type.config))
        if any(each.kind != CEL for each in found):
            return None
        try:
            return self.checked(node_type, copied(dict(settings)))
        except StepFault:
            return None

    def checked(self, node_type: NodeType[Any], settings: Mapping[str, Any]) -> Input:
        """Settings without templates; raises StepFault `settings_invalid`."""
        try:
            return node_type.config.model_validate(settings)
        except ValidationError as error:
            said = "; ".join(_mistakes(error))
            raise StepFault("settings_invalid", f"The step cannot begin: {said}.") from None


def _mistakes(error: ValidationError) -> list[str]:
    told = error.errors(include_url=False, include_context=False, include_input=False)
    return [
        f"`{'.'.join(map(str, each['loc'])) or 'with'}`: " + sentence(each["msg"])
        for each in told[:_MOST_SHOWN]
    ]

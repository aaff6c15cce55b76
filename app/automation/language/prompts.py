"""The templates of prompts: Jinja, in the sandbox that agents' instructions have."""

from collections.abc import Iterator, Mapping
from typing import Any

from jinja2 import Environment, nodes

from app.agents.definitions.templates import TemplateUnfit as PromptUnfit
from app.agents.definitions.templates import names_in
from app.agents.definitions.templates import rendered as rendered_jinja
from app.automation.language.cel.parts import Chain
from app.automation.language.faults import StepFault

__all__ = ["PromptUnfit", "chains_in", "rendered_prompt"]


def rendered_prompt(source: str, names: Mapping[str, Any]) -> str:
    """Raises StepFault `prompt_failed`, with what is wrong."""
    try:
        return rendered_jinja(source, names)
    except PromptUnfit as error:
        raise StepFault("prompt_failed", f"The prompt cannot be written: {error}.") from None


def chains_in(source: str) -> list[Chain]:
    """What a prompt refers to, such as `("nodes", "a", "output")`; raises PromptUnfit."""
    if "{" not in source:
        return []
    free = names_in(source)
    tree = Environment(autoescape=True).parse(source)
    return list(dict.fromkeys(chain for chain in _chains(tree) if chain[0] in free))


def _chains(node: nodes.Node) -> Iterator[Chain]:
    chain = _chain(node)
    if chain is not None:
        yield chain
        return
    for child in node.iter_child_nodes():
        yield from _chains(child)


def _chain(node: nodes.Node) -> Chain | None:
    if isinstance(node, nodes.Name):
        return (node.name,) if node.ctx == "load" else None
    if isinstance(node, nodes.Getattr):
        owner = _chain(node.node)
        return None if owner is None else (*owner, node.attr)
    if isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const):
        owner = _chain(node.node)
        step = node.arg.value
        return (*owner, step) if owner is not None and isinstance(step, str | int) else None
    return None

"""What a chain such as `nodes.a.output[0]` leads to, and why it may lead nowhere."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import orjson

from app.automation.language.cel.parts import Chain

_KINDS: Final[tuple[tuple[type | tuple[type, ...], str], ...]] = (
    (bool, "true or false"),
    ((int, float), "a number"),
    (str, "a text"),
    ((list, tuple), "a list"),
    (Mapping, "an object"),
)
_A_LOT: Final = 2**31


class Missing(Exception):
    """A chain leads nowhere; the message says where it ends."""


def found(chain: Chain, names: Mapping[str, Any]) -> Any:
    """What the chain leads to; raises Missing."""
    value: Any = names
    for place, step in enumerate(chain):
        if _is_object(value) if isinstance(step, str) else isinstance(value, list):
            try:
                value = value[step]
            except LookupError:
                raise Missing(_said(chain, place, value)) from None
        else:
            raise Missing(_said(chain, place, value))
    return value


def bind(tree: dict[str, Any], chain: tuple[str, ...], names: Mapping[str, Any]) -> Any:
    """Put what the chain leads to into `tree`, at the same place, and give it.

    Where it leads nowhere, what it comes to on the way is there, and None is given.
    """
    node, place = names, tree
    last = len(chain) - 1
    for number, step in enumerate(chain):
        if step not in node:
            return None
        value = node[step]
        if number == last or not _is_object(value):
            place[step] = value
            return value
        node, place = value, place.setdefault(step, {})
    return None


def _is_object(value: Any) -> bool:
    return type(value) is dict or isinstance(value, Mapping)


def shortest(chains: Mapping[Chain, int]) -> tuple[tuple[tuple[str, ...], int], ...]:
    """The chains and how often each is read.

    Those that lead to a part of what another leads to are counted there; so are positions in lists.
    """
    cut: dict[tuple[str, ...], int] = {}
    for chain, count in chains.items():
        named = _named(chain)
        cut[named] = cut.get(named, 0) + count
    kept: dict[tuple[str, ...], int] = {}
    for chain in sorted(cut, key=len):
        whole = next((chain[:n] for n in range(1, len(chain)) if chain[:n] in kept), chain)
        kept[whole] = kept.get(whole, 0) + cut[chain]
    return tuple(kept.items())


def _named(chain: Chain) -> tuple[str, ...]:
    names: list[str] = []
    for step in chain:
        if not isinstance(step, str):
            break
        names.append(step)
    return tuple(names)


def why_not(chains: Iterable[Chain], names: Mapping[str, Any]) -> str | None:
    """Which of the chains leads nowhere, as a sentence."""
    for chain in chains:
        try:
            found(chain, names)
        except Missing as missing:
            return str(missing)
    return None


def kind_of(value: Any) -> str:
    """`a list`, `null`: as messages say it."""
    return next((said for kind, said in _KINDS if isinstance(value, kind)), "null")


def written(chain: Chain) -> str:
    """As it stands in an expression."""
    first, *rest = chain
    return str(first) + "".join(_step(step) for step in rest)


def _step(step: str | int) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    return f".{step}" if step.isidentifier() else f'["{step}"]'


def _said(chain: Chain, place: int, value: Any) -> str:
    step = chain[place]
    if place == 0:
        return f"there is no `{step}` here"
    owner = written(chain[:place])
    if isinstance(value, list) and isinstance(step, int):
        return f"`{owner}` has {len(value)} items, so no [{step}]"
    if isinstance(value, Mapping):
        return f"`{owner}` has no `{step}`"
    return f"`{owner}` is {kind_of(value)}: it has no `{step}`"


def weight(value: Any) -> int:
    """About how much there is to a value: the bytes of its JSON; a lot for what has none."""
    if isinstance(value, str):
        return len(value)
    try:
        return len(orjson.dumps(value, default=_as_json, option=orjson.OPT_NON_STR_KEYS))
    except TypeError:
        return _A_LOT


def _as_json(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else str(value)

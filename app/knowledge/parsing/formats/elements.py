"""The elements of a page that are shown, as they open and close."""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

Event = tuple[Literal["open", "close", "text"], "LexborNode"]


@dataclass(frozen=True, slots=True)
class Shown:
    """What a reader of a page is after: not these tags, nor what such a style hides."""

    left_out: Collection[str]
    invisible: re.Pattern[str]

    def events(self, root: "LexborNode") -> Iterator[Event]:
        """Elements as they open and close, and the text between, without what is not shown."""
        node = root.first_child
        while node is not None:
            if node.tag == "-text":
                yield "text", node
            elif not self._hides(node):
                yield "open", node
                if node.first_child is not None:
                    node = node.first_child
                    continue
                yield "close", node
            while node.next is None:
                parent = node.parent
                if parent is None or parent.mem_id == root.mem_id:
                    return
                node = parent
                yield "close", node
            node = node.next

    def _hides(self, node: "LexborNode") -> bool:
        if node.tag in self.left_out:
            return True
        attributes = node.attributes
        if not attributes:
            return False
        if "hidden" in attributes or attributes.get("aria-hidden") == "true":
            return True
        return bool(self.invisible.search(attributes.get("style") or ""))

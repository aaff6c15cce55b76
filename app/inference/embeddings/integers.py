"""The local model with its arithmetic in integers, as its weights are.

Its file holds weights as int8, and makes float32 of them as it is loaded. Here each multiplication
by a weight becomes ONNX Runtime's `DynamicQuantizeMatMul`, which takes the int8 themselves: less
than half the time, and vectors that are the same but for a hundredth. The file is known by its
checksum, so its names are relied on: weight `x` is `x_q` times `x_scale`.
"""

from collections import defaultdict
from collections.abc import Iterator
from typing import Final

# Fields of ONNX's messages, by their numbers.
_GRAPH, _OPSET = 7, 8
_NODE, _INITIALIZER = 1, 5
_INPUT, _OUTPUT, _KIND, _DOMAIN = 1, 2, 4, 7
_NAME: Final = 8

_MICROSOFT: Final = b"com.microsoft"
_BYTES: Final = 2


def in_integers(model: bytes) -> bytes:
    """An ONNX file in, another out."""
    graph = next(content for number, content, _ in _fields(model) if number == _GRAPH)
    names = {
        bytes(content)
        for number, tensor, _ in _fields(graph)
        if number == _INITIALIZER
        for field, content, _ in _fields(tensor)
        if field == _NAME
    }
    changed = b"".join(
        _node(content, names) if number == _NODE else whole
        for number, content, whole in _fields(graph)
    )
    others = b"".join(whole for number, _, whole in _fields(model) if number != _GRAPH)
    opset = _field(1, _MICROSOFT) + b"\x10\x01"
    return others + _field(_OPSET, opset) + _field(_GRAPH, changed)


def _node(node: bytes, names: set[bytes]) -> bytes:
    """The node as it is from now on. What made float32 of a weight is read by none any more."""
    read: dict[int, list[bytes]] = defaultdict(list)
    for number, content, _ in _fields(node):
        read[number].append(content)
    inputs = read[_INPUT]
    if read[_KIND] != [b"MatMul"] or inputs[1] + b"_q" not in names:
        return _field(_NODE, node)
    factors = (inputs[0], inputs[1] + b"_q", inputs[1] + b"_scale")
    fields = [(_INPUT, name) for name in factors]
    fields += [
        (_OUTPUT, read[_OUTPUT][0]),
        (_KIND, b"DynamicQuantizeMatMul"),
        (_DOMAIN, _MICROSOFT),
    ]
    return _field(_NODE, b"".join(_field(number, content) for number, content in fields))


def _fields(message: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Each field's number, content (of what has a length) and whole encoding."""
    at = 0
    while at < len(message):
        begin = at
        tag, at = _varint(message, at)
        start = at
        size, at = _varint(message, at)
        if tag & 7 == _BYTES:
            start, at = at, at + size
        yield tag >> 3, message[start:at], message[begin:at]


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        value |= (message[at] & 127) << shift
        at, shift = at + 1, shift + 7
        if message[at - 1] < 128:
            return value, at


def _field(number: int, content: bytes) -> bytes:
    return _encoded(number << 3 | _BYTES) + _encoded(len(content)) + content


def _encoded(value: int) -> bytes:
    found = bytearray()
    while value > 127:
        found.append(value & 127 | 128)
        value >>= 7
    found.append(value)
    return bytes(found)

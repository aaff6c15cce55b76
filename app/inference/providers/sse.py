"""An incremental reader of server-sent events, on bytes."""

import re

MAX_EVENT_BYTES = 4 * 1024 * 1024
# An event as vendors write them: one line of data, and perhaps its name.
USUAL = re.compile(rb"(?:\A|(?<=\n\n))(?:event: [^\n]*\n)?data: ([^\n]*)\n\n")


class EventTooLarge(Exception):
    pass


class SseReader:
    """Turns chunks, cut anywhere, into the `data` of each event.

    It works on bytes, so a character cut in two needs no care. Event names and ids are left out:
    every dialect here says in its data what it is.
    """

    __slots__ = ("_buffer", "_fresh", "_limit", "_skip_newline")

    def __init__(self, limit: int = MAX_EVENT_BYTES) -> None:
        self._buffer = bytearray()
        self._limit = limit
        self._skip_newline = False
        self._fresh = True

    def feed(self, chunk: bytes) -> list[bytes]:
        if self._skip_newline or b"\r" in chunk:
            chunk = self._unify_newlines(chunk)
        if self._buffer:
            start = len(self._buffer) - 1
            self._buffer += chunk
            if self._buffer.find(b"\n\n", start) < 0:
                self._check_size()
                return []
            chunk = bytes(self._buffer)
            self._buffer.clear()
        end = chunk.rfind(b"\n\n") + 2
        if end < 2:
            end = 0
        self._buffer += chunk[end:]
        self._check_size()
        usual = USUAL.findall(chunk, 0, end)
        if len(usual) == chunk.count(b"\n\n"):
            self._fresh = self._fresh and not usual
            return usual
        blocks = chunk[:end].split(b"\n\n")
        blocks.pop()
        return [found for block in blocks if (found := self._read(block)) is not None]

    def end(self) -> list[bytes]:
        """Give the last event of a stream that ended without its blank line."""
        block = bytes(self._buffer)
        self._buffer.clear()
        found = self._read(block)
        return [] if found is None else [found]

    def _check_size(self) -> None:
        if len(self._buffer) > self._limit:
            raise EventTooLarge

    def _unify_newlines(self, chunk: bytes) -> bytes:
        if self._skip_newline and chunk.startswith(b"\n"):
            chunk = chunk[1:]
            self._skip_newline = False
        if chunk:
            self._skip_newline = chunk.endswith(b"\r")
        return chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

    def _read(self, block: bytes) -> bytes | None:
        if self._fresh:
            self._fresh = False
            block = block.removeprefix(b"\xef\xbb\xbf")
        if b"\n" not in block and block.startswith(b"data: "):
            return block[6:]
        if block.startswith(b"event: "):
            _, _, rest = block.partition(b"\n")
            if b"\n" not in rest and rest.startswith(b"data: "):
                return rest[6:]
        found = None
        for line in block.split(b"\n"):
            name, _, value = line.partition(b":")
            if name == b"data":
                value = value.removeprefix(b" ")
                found = value if found is None else found + b"\n" + value
        return found

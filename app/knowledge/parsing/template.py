"""The process that readers are forked from: what they all need is loaded once, in here.

It talks on descriptor 0, a stream socket. For each document it is sent a line (a socket of that
document's own), the open file and a request; it forks a reader, which writes to the line, and when
the reader has ended it adds how. A line that its other end closes ends its reader; so does the end
of the service. It has one thread and opens no file of a stranger itself.
"""

import gc
import importlib
import os
import resource
import selectors
import signal
import socket
from dataclasses import dataclass
from typing import Final

import orjson

from app.knowledge.parsing.child import tell
from app.knowledge.parsing.language import identifier
from app.knowledge.parsing.limits import ParseLimits
from app.knowledge.parsing.reading import READERS
from app.knowledge.parsing.wire import BEGUN, END_MARK, ENDED, HEAD

_LIBRARIES: Final = (
    "docx", "pptx", "lxml.etree", "pypdfium2", "python_calamine", "selectolax.lexbor",
    "markdown_it", "charset_normalizer", "striprtf.striprtf", "docx.parts.document",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Request:
    """A document to read; it comes with its line and its file."""

    filename: str
    media_type: str | None
    limits: ParseLimits


class Template:
    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._lines: dict[int, socket.socket] = {}
        self._selector = selectors.DefaultSelector()
        self._wakes, self._woken = socket.socketpair()

    def run(self) -> None:
        """Serve until the control line ends."""
        self._wakes.setblocking(False)
        self._woken.setblocking(False)
        signal.set_wakeup_fd(self._wakes.fileno())
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self._selector.register(self._control, selectors.EVENT_READ)
        self._selector.register(self._woken, selectors.EVENT_READ)
        while True:
            readable = {key.fileobj: key.data for key, _ in self._selector.select()}
            # Those that end go before one that begins: no more are at work than have a turn.
            for pid in readable.values():
                if pid is not None:
                    self._end(pid)
            if self._woken in readable:
                self._woken.recv(4096)
            self._reap()
            if self._control in readable and not self._take():
                return

    def stop(self) -> None:
        for pid in self._lines:
            os.kill(pid, signal.SIGKILL)

    def _take(self) -> bool:
        head, descriptors, _, _ = socket.recv_fds(self._control, HEAD.size, 2)
        if len(descriptors) != 2:
            return False
        body = _exactly(self._control, HEAD.unpack(head)[0])
        told = orjson.loads(body)
        limits = ParseLimits(**told.pop("limits"))
        self._fork(Request(**told, limits=limits), *descriptors)
        return True

    def _fork(self, request: Request, line: int, file: int) -> None:
        pid = os.fork()
        if pid == 0:
            _be_reader(request, line, file)
        os.close(file)
        self._lines[pid] = socket.socket(fileno=line)
        self._selector.register(self._lines[pid], selectors.EVENT_READ, pid)

    def _end(self, pid: int) -> None:
        """Nothing is ever sent on a line: it can be read once its other end is closed."""
        os.kill(pid, signal.SIGKILL)
        with self._lines.pop(pid) as line:
            self._selector.unregister(line)
        os.waitpid(pid, 0)

    def _reap(self) -> None:
        for pid in [*self._lines]:
            ended, status, used = os.wait4(pid, os.WNOHANG)
            if not ended:
                continue
            line = self._lines.pop(pid)
            self._selector.unregister(line)
            _tell_end(line, status, used)


def _tell_end(line: socket.socket, status: int, used: resource.struct_rusage) -> None:
    milliseconds = int((used.ru_utime + used.ru_stime) * 1000)
    with line:
        try:
            line.settimeout(5)
            line.sendall(ENDED.pack(END_MARK, status, used.ru_maxrss, milliseconds))
        except OSError:
            # Nobody listens any more.
            return


def _be_reader(request: Request, line: int, file: int) -> None:
    """Become the reader of one document; never returns."""
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.dup2(file, 0)
        os.dup2(line, 1)
        os.closerange(3, 4096)
        os.write(1, BEGUN)
        tell(request.filename, request.media_type, request.limits)
        os._exit(0)
    finally:
        os._exit(70)


def _exactly(control: socket.socket, size: int) -> bytes:
    received = b""
    while len(received) < size:
        piece = control.recv(size - len(received))
        if not piece:
            raise ConnectionError("the control line ended within a request")
        received += piece
    return received


def main() -> None:
    identifier()
    for library in (
        *_LIBRARIES,
        *(f"app.knowledge.parsing.formats.{m}" for m, _ in READERS.values()),
    ):
        importlib.import_module(library)
    gc.collect()
    gc.freeze()
    template = Template(socket.socket(fileno=0))
    try:
        template.run()
    finally:
        template.stop()

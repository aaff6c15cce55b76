"""The world outside of workflows: a server that works, and fails as often as it is told to."""

import json
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Outside(ThreadingHTTPServer):
    """Does the steps that come to `<address>/<name>/work`.

    `calls` counts how often each came, by its `Idempotency-Key` (`<run>:<path>`), and `ended` how
    often it was answered that it is done.
    """

    daemon_threads = True
    # All that was under way comes again at the same moment, once another process has it.
    request_queue_size = 1024

    def __init__(self, pause: float = 0.0) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.pause = pause
        self._changed = threading.Condition()
        self._after: dict[str, int] = {}
        self._turn = 0
        self._answered: dict[str, set[str]] = {}
        self._held: set[str] = set()
        self.calls: Counter[str] = Counter()
        self.ended: Counter[str] = Counter()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def hold(self, after: dict[str, int]) -> None:
        """Keep the runs of each name waiting once so many of their steps were answered."""
        self._keep_waiting(self._after | after)

    def release(self) -> None:
        """Answer whatever waits, if anyone is still there to hear it, and whatever comes."""
        self._keep_waiting({})

    def wait_for_held(self, runs: int, seconds: float = 60.0) -> None:
        """Wait until so many runs are kept waiting; raises AssertionError where they are not."""
        with self._changed:
            came = self._changed.wait_for(lambda: len(self._held) >= runs, seconds)
            assert came, f"{len(self._held)} of {runs} runs wait"

    def wait_for(self, count: int, seconds: float = 60.0) -> None:
        """Wait until so many steps were done; raises AssertionError where they are not."""
        with self._changed:
            assert self._changed.wait_for(lambda: sum(self.ended.values()) >= count, seconds)

    def steps_of(self, run_id: str) -> int:
        """How many steps of a run came here, each counted once."""
        with self._changed:
            return sum(key.startswith(f"{run_id}:") for key in self.calls)

    def came(self, key: str) -> int:
        """Count that a step came; which time it is."""
        with self._changed:
            self.calls[key] += 1
            return self.calls[key]

    def wait_turn(self, name: str, key: str) -> None:
        """Return once the step may be answered."""
        run_id = key.partition(":")[0]
        with self._changed:
            while len(self._answered.get(run_id, ())) >= self._after.get(name, 1_000_000):
                turn = self._turn
                self._held.add(run_id)
                self._changed.notify_all()
                self._changed.wait_for(lambda turn=turn: self._turn != turn)

    def note_answered(self, key: str, *, done: bool) -> None:
        with self._changed:
            self._answered.setdefault(key.partition(":")[0], set()).add(key)
            self.ended[key] += done
            self._changed.notify_all()

    def _keep_waiting(self, after: dict[str, int]) -> None:
        with self._changed:
            self._after, self._turn = after, self._turn + 1
            self._held.clear()
            self._changed.notify_all()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients here die in mid-request."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Outside

    def log_message(self, *_: Any) -> None:
        pass

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        key = self.headers["idempotency-key"]
        failing = self.server.came(key) <= body.get("fails", 0)
        time.sleep(self.server.pause)
        self.server.wait_turn(self.path.split("/")[1], key)
        if self._is_left():
            self.close_connection = True
            return
        with suppress(OSError):  # whoever asked has died
            self._send(503 if failing else 200, {"v": body.get("value")})
            self.server.note_answered(key, done=not failing)

    def _is_left(self) -> bool:
        """Whether the process that asked is gone."""
        try:
            return self.connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
        except BlockingIOError:
            return False
        except OSError:
            return True

    def _send(self, status: int, answer: Any) -> None:
        content = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@contextmanager
def open_outside(pause: float = 0.0) -> Iterator[Outside]:
    with Outside(pause) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.release()
            server.shutdown()
            thread.join()

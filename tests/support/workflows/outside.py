"""The world outside of workflows: a server that works, and fails as often as it is told to."""

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Outside(ThreadingHTTPServer):
    """`calls` counts how often each step of a run came, by its `Idempotency-Key`."""

    daemon_threads = True

    def __init__(self, pause: float = 0.0) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.pause = pause
        self._changed = threading.Condition()
        self.calls: Counter[str] = Counter()
        self.ended: Counter[str] = Counter()

    def note_ended(self, key: str) -> None:
        with self._changed:
            self.ended[key] += 1
            self._changed.notify_all()

    def wait_for(self, count: int, seconds: float = 60.0) -> None:
        """Wait until so many steps were done; raises AssertionError where they are not."""
        with self._changed:
            assert self._changed.wait_for(lambda: sum(self.ended.values()) >= count, seconds)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients here die in mid-request."""

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Outside

    def log_message(self, *_: Any) -> None:
        pass

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        key = self.headers["idempotency-key"]
        self.server.calls[key] += 1
        failing = self.server.calls[key] <= body.get("fails", 0)
        time.sleep(self.server.pause)
        with suppress(OSError):  # whoever asked is dead
            self._send(503 if failing else 200, {"v": body.get("value")})
            if not failing:
                self.server.note_ended(key)

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
            server.shutdown()
            thread.join()

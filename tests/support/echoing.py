"""A provider that repeats the caller's credential in everything it says, as some do in errors."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread


class EchoingProvider(ThreadingHTTPServer):
    """Answers with `status`; `form` is json, html or stream (an error amid a begun stream)."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status = 401
        self.form = "json"
        self.heard: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, *_: object) -> None:
        """Leave a client that went away unremarked."""


class _Handler(BaseHTTPRequestHandler):
    server: EchoingProvider

    def do_GET(self) -> None:
        self._answer("")

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode())

    def _answer(self, body: str) -> None:
        said = " ".join([*self.headers.values(), body])
        self.server.heard.append(said)
        message = f"Incorrect API key provided: {said}."
        error = {"error": {"message": message, "type": "invalid_request_error", "code": said}}
        if self.server.form == "stream":
            delta = {"choices": [{"index": 0, "delta": {"content": "Hel"}}]}
            frames = f"data: {json.dumps(delta)}\n\ndata: {json.dumps(error)}\n\n"
            self._send(200, "text/event-stream", frames)
        elif self.server.form == "html":
            self._send(self.server.status, "text/html", f"<h1>{message}</h1>")
        else:
            self._send(self.server.status, "application/json", json.dumps(error))

    def _send(self, status: int, kind: str, text: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("X-Echo", self.headers.get("Authorization", "")[:200])
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@contextmanager
def echoing_provider() -> Iterator[EchoingProvider]:
    with EchoingProvider() as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()

"""A server with the wire format of the Transit engine of HashiCorp Vault and OpenBao."""

import base64
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

TOKEN = "hvs.CAESIJ-transit-token"
PREFIX = "/v1/transit/"


class Transit(ThreadingHTTPServer):
    """Keys by name, each with its versions; `sealed` answers as a sealed Vault does."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.keys: dict[str, list[bytes]] = {"luminous": [os.urandom(32)]}
        self.sealed = False
        self.answer: tuple[int, bytes] | None = None
        self.calls: list[tuple[str, dict[str, str]]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, *_: object) -> None:
        """Leave a client that went away unremarked."""

    def rotate(self, name: str = "luminous") -> None:
        self.keys[name].append(os.urandom(32))


class _Refused(Exception):
    def __init__(self, status: int, *reasons: str) -> None:
        self.status, self.reasons = status, list(reasons)


class _Handler(BaseHTTPRequestHandler):
    server: Transit
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.calls.append((self.path, dict(self.headers)))
        if self.server.answer:
            self._send(*self.server.answer)
            return
        try:
            data = self._act(body)
        except _Refused as refusal:
            self._send(refusal.status, json.dumps({"errors": refusal.reasons}).encode())
            return
        answer = {
            "request_id": "7a1b7b0c-38c4-2b1e-94c7-0f6f1d1a4d0e", "lease_id": "",
            "renewable": False, "lease_duration": 0, "data": data, "wrap_info": None,
            "warnings": None, "auth": None, "mount_type": "transit",
        }  # fmt: skip
        self._send(200, json.dumps(answer).encode())

    def _act(self, body: dict[str, str]) -> dict[str, Any]:
        if self.server.sealed:
            raise _Refused(503, "Vault is sealed")
        if self.headers.get("X-Vault-Token") != TOKEN:
            raise _Refused(403, "permission denied")
        verb, _, name = self.path.removeprefix(PREFIX).partition("/")
        if not self.path.startswith(PREFIX) or verb not in ("encrypt", "decrypt"):
            raise _Refused(404, "no handler for route '" + self.path + "'")
        versions = self.server.keys.get(name)
        if versions is None:
            raise _Refused(400, "encryption key not found")
        return self._encrypt(versions, body) if verb == "encrypt" else self._decrypt(versions, body)

    def _encrypt(self, versions: list[bytes], body: dict[str, str]) -> dict[str, Any]:
        nonce = os.urandom(12)
        sealed = nonce + AESGCM(versions[-1]).encrypt(
            nonce, base64.b64decode(body["plaintext"]), None
        )
        text = base64.b64encode(sealed).decode()
        return {"ciphertext": f"vault:v{len(versions)}:{text}", "key_version": len(versions)}

    def _decrypt(self, versions: list[bytes], body: dict[str, str]) -> dict[str, Any]:
        try:
            _, version, text = body["ciphertext"].split(":")
            sealed = base64.b64decode(text)
            opened = AESGCM(versions[int(version[1:]) - 1]).decrypt(sealed[:12], sealed[12:], None)
        except (ValueError, IndexError):
            raise _Refused(400, "invalid ciphertext: no prefix") from None
        except InvalidTag:
            raise _Refused(400, "cipher: message authentication failed") from None
        return {"plaintext": base64.b64encode(opened).decode()}

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@contextmanager
def transit_server() -> Iterator[Transit]:
    with Transit() as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()

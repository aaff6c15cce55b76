"""HashiCorp Vault and OpenBao as the KMS: their Transit engine wraps our master keys."""

import base64
import http.client
import ipaddress
import json
import re
import ssl
from urllib.parse import SplitResult, urlsplit

from app.core.config import Settings
from app.core.crypto.errors import KmsUnusable

SECONDS = 5.0
MOST_BYTES = 64 * 1024
_KEY = re.compile(r"(\w[\w.-]*(?:/\w[\w.-]*)*)/(\w[\w.-]*)", re.ASCII)
_WRAPPED = re.compile(r"vault:v\d+:[A-Za-z0-9+/=]+", re.ASCII)


class Transit:
    """One key of a Transit engine, reached over HTTP(S). Redirects and proxies are not followed."""

    def __init__(self, address: SplitResult, key: str, token: str) -> None:
        parts = _KEY.fullmatch(key)
        if parts is None:
            raise KmsUnusable("LUMINOUS_KMS_KEY must be mount/name, like transit/luminous")
        self._address = address
        self._mount, self._name = parts.groups()
        self._token = token

    @property
    def key_id(self) -> str:
        return f"{self._mount}/{self._name} at {self._address.netloc}"

    def wrap(self, key: bytes) -> str:
        found = self._call("encrypt", {"plaintext": base64.b64encode(key).decode()}, "ciphertext")
        if not _WRAPPED.fullmatch(found):
            raise KmsUnusable("the KMS answered something that is no Transit ciphertext")
        return found

    def unwrap(self, wrapped: str) -> bytes:
        try:
            found = self._call("decrypt", {"ciphertext": wrapped}, "plaintext")
            return base64.b64decode(found, validate=True)
        except ValueError:
            raise KmsUnusable("the KMS answered something that is no key") from None

    def _call(self, verb: str, body: dict[str, str], wanted: str) -> str:
        """The wanted field of the answer; raises KmsUnusable with the server's own reason."""
        status, content = self._post(f"/v1/{self._mount}/{verb}/{self._name}", body)
        try:
            answer = json.loads(content)
        except ValueError:
            answer = None
        answer = answer if isinstance(answer, dict) else {}
        if status != http.HTTPStatus.OK:
            raise KmsUnusable(_refusal(status, answer.get("errors")))
        data = answer.get("data")
        found = data.get(wanted) if isinstance(data, dict) else None
        if not isinstance(found, str):
            raise KmsUnusable("the KMS answered in a form that is not Transit's")
        return found

    def _post(self, path: str, body: dict[str, str]) -> tuple[int, bytes]:
        connection = self._connect()
        try:
            connection.request(
                "POST",
                self._address.path.rstrip("/") + path,
                json.dumps(body),
                {
                    "Content-Type": "application/json",
                    "X-Vault-Token": self._token,
                    "X-Vault-Request": "true",
                },
            )
            answer = connection.getresponse()
            content = answer.read(MOST_BYTES + 1)
        except TimeoutError:
            raise KmsUnusable(f"the KMS did not answer within {SECONDS:g} seconds") from None
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "strerror", None) or type(error).__name__
            raise KmsUnusable(f"the KMS at {self._address.netloc} fails: {reason}") from None
        finally:
            connection.close()
        if len(content) > MOST_BYTES:
            raise KmsUnusable("the KMS answered more than an answer of Transit can be")
        return answer.status, content

    def _connect(self) -> http.client.HTTPConnection:
        host, port = self._address.hostname or "", self._address.port
        if self._address.scheme == "http":
            return http.client.HTTPConnection(host, port, timeout=SECONDS)
        context = ssl.create_default_context()
        return http.client.HTTPSConnection(host, port, timeout=SECONDS, context=context)


def open_transit(settings: Settings) -> Transit:
    """The Transit key of the settings; raises KmsUnusable for settings that cannot be used."""
    try:
        address = urlsplit(settings.kms_url)
        usable = bool(address.hostname) and (address.port is None or address.port > 0)
    except ValueError:
        usable = False
    if not usable or address.scheme not in ("http", "https"):
        raise KmsUnusable("LUMINOUS_KMS_URL is no address of a KMS that is known here")
    if address.username or address.password or address.query or address.fragment:
        raise KmsUnusable("LUMINOUS_KMS_URL may hold scheme, host, port and path only")
    if address.scheme == "http" and not _is_this_machine(address.hostname or ""):
        raise KmsUnusable("LUMINOUS_KMS_URL must be https unless the KMS is on this machine")
    return Transit(address, settings.kms_key, _token(settings))


def _token(settings: Settings) -> str:
    token = settings.kms_token.get_secret_value() if settings.kms_token else ""
    if not token and settings.kms_token_file:
        try:
            token = settings.kms_token_file.read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError):
            raise KmsUnusable(f"{settings.kms_token_file} cannot be read") from None
    if not token:
        raise KmsUnusable("set LUMINOUS_KMS_TOKEN or LUMINOUS_KMS_TOKEN_FILE")
    if not (token.isascii() and token.isprintable()):
        raise KmsUnusable("the token of the KMS holds what no token holds")
    return token


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _refusal(status: int, errors: object) -> str:
    reasons = [str(reason) for reason in errors] if isinstance(errors, list) else []
    said = " ".join(" ".join(reasons).split())[:200].rstrip(".")
    return f"the KMS refused with status {status}" + (f" ({said})" if said else "")

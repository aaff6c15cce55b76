"""What a kind of provider is: ours and those that plug-ins bring."""

from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from typing import Protocol

from app.core.config import Settings
from app.inference.providers.adapter import HttpProvider
from app.inference.providers.codec import Codec
from app.inference.providers.errors import ProviderUnfit
from app.inference.providers.guarded import GuardedProvider
from app.inference.providers.transport import Transport
from app.inference.providers.types import (
    ChatRequest,
    ChatResult,
    ModelListing,
    Provider,
    StreamEvent,
    Waits,
)


@dataclass(frozen=True, slots=True)
class Connection:
    """Where an integration leads, and with what.

    `transport` is the guarded way out: only integrations that `allow_private` may reach the
    operator's own network through it.
    """

    base_url: str
    api_key: str = field(repr=False)
    transport: Transport = field(repr=False)
    settings: Settings = field(repr=False)
    allow_private: bool = False


class WholeProvider(Protocol):
    """What a plug-in implements that speaks with its vendor by itself.

    Raise ProviderErrors; whatever else is raised becomes a `provider_failed` that says nothing.
    """

    async def complete(self, request: ChatRequest, waits: Waits) -> ChatResult: ...

    def stream(self, request: ChatRequest, waits: Waits) -> AsyncGenerator[StreamEvent, None]:
        """The events of an answer, `Finished` the last.

        On `aclose()` and on cancellation the connection to the vendor is to be closed at once.
        """
        ...

    async def list_models(self) -> list[ModelListing]: ...

    async def check(self) -> None:
        """Prove the credentials by the cheapest call; raise what is wrong with them."""
        ...


class ProviderKind(Protocol):
    """What an entry point of the group `luminous.providers` leads to.

    `HttpKind` is one for a vendor that is spoken to over HTTP: it needs a codec only. Any other
    object that is built like this brings a `WholeProvider`, and is never given a client's bytes.
    """

    @property
    def name(self) -> str:
        """What an integration's `kind` says: the entry point's own name."""
        ...

    @property
    def label(self) -> str:
        """The name that people know it by; it stands in front of its errors."""
        ...

    @property
    def dialect(self) -> str:
        """Signatures and encrypted reasoning go back only to the dialect that issued them."""
        ...

    @property
    def base_url(self) -> str | None:
        """The usual address; None where an integration has to name one."""
        ...

    @property
    def key_variable(self) -> str | None:
        """Where the operator's key stands in the environment."""
        ...

    @property
    def address_variable(self) -> str | None: ...

    @property
    def needs_key(self) -> bool: ...

    def takes(self, base_url: str) -> frozenset[str]:
        """Which of ChatRequest's optional fields it has words for; others are refused by name."""
        ...

    def build(self, connection: Connection) -> WholeProvider: ...


@dataclass(frozen=True, slots=True)
class HttpKind:
    """A kind that is a codec; adapter, guarded transport and retries are ours.

    `dialect` is what our adapter speaks with it, `also` what else it understands when a client's
    bytes are passed on. A server that takes the bytes of one of our dialects as they are names
    that dialect; every other one has a dialect of its own. One that does not `chat` embeds only.
    """

    name: str
    label: str
    dialect: str
    codec: Callable[[str], Codec]
    base_url: str | None = None
    key_variable: str | None = None
    address_variable: str | None = None
    needs_key: bool = True
    also: frozenset[str] = frozenset()
    package: str | None = None
    chats: bool = True

    def takes(self, base_url: str) -> frozenset[str]:
        return self.codec(base_url).takes

    def build(self, connection: Connection) -> Provider:
        return HttpProvider(
            self.label,
            self.codec(connection.base_url),
            connection.api_key,
            connection.transport,
            connection.settings,
            allow_private=connection.allow_private,
        )


@dataclass(frozen=True, slots=True)
class WholeKind:
    """A plug-in's kind without a codec, as it was when it was registered."""

    name: str
    label: str
    dialect: str
    base_url: str | None
    key_variable: str | None
    address_variable: str | None
    needs_key: bool
    takes: Callable[[str], frozenset[str]]
    builds: Callable[[Connection], WholeProvider]
    also: frozenset[str] = frozenset()
    package: str | None = None
    chats: bool = True

    @classmethod
    def of(cls, kind: ProviderKind, package: str | None = None) -> "WholeKind":
        return cls(
            kind.name,
            kind.label,
            kind.dialect,
            kind.base_url,
            kind.key_variable,
            kind.address_variable,
            kind.needs_key,
            kind.takes,
            kind.build,
            package=package,
        )

    def codec(self, base_url: str) -> Codec:  # noqa: ARG002 - it has none for any
        """Raise ProviderUnfit: what is asked for goes over HTTP in a dialect of ours."""
        raise ProviderUnfit(self.label, "takes no requests but chats.")

    def build(self, connection: Connection) -> Provider:
        """Build it behind our guard."""
        takes = self.takes(connection.base_url)
        return GuardedProvider(self.label, self.dialect, takes, self.builds(connection), connection)


Kind = HttpKind | WholeKind

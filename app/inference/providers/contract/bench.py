"""A provider and its fake vendor, opened for one test."""

import unittest
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import ClassVar

from app.core.config import Settings
from app.inference.providers.contract.script import KEY, Feature, Upstream
from app.inference.providers.kinds import Connection, HttpKind, Kind, ProviderKind
from app.inference.providers.plugins import fit
from app.inference.providers.transport import Transport
from app.inference.providers.types import Provider


@dataclass(frozen=True, slots=True)
class Bench:
    upstream: Upstream
    provider: Provider
    kind: Kind


class Contract:
    """What every part of the contract is asked with."""

    kind: ClassVar[ProviderKind | HttpKind]
    lacks: ClassVar[frozenset[Feature]] = frozenset()
    # Fields of a request that the vendor takes and that leave no trace in what is sent to it.
    traceless: ClassVar[frozenset[str]] = frozenset()
    # How long the vendor's connection may outlive its caller; wide, for a busy machine.
    close_seconds: ClassVar[float] = 0.5

    def upstream(self) -> Upstream:
        """A new fake of the vendor."""
        raise NotImplementedError

    def needs(self, feature: Feature) -> None:
        if feature in self.lacks:
            raise unittest.SkipTest(f"{self.kind.label} has no {feature}.")

    @asynccontextmanager
    async def opened(self, key: str = KEY) -> AsyncIterator[Bench]:
        settings = Settings(
            _env_file=None,
            provider_connect_seconds=5,
            provider_first_token_seconds=20,
            provider_idle_seconds=20,
            provider_retries=0,
        )
        kind = fit(self.kind, self.kind.name, registered=False)
        async with Transport(settings) as transport, self.upstream() as upstream:
            given = Connection(upstream.base_url, key, transport, settings, allow_private=True)
            yield Bench(upstream, kind.build(given), kind)

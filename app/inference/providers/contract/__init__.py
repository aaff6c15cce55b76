"""The contract of a provider as tests: what a plug-in's author runs, and what our own run too.

Nothing of the service imports this package, and it imports no test runner: pytest with
pytest-asyncio (`asyncio_mode = "auto"`) collects the class like any other.

    class TestAcme(ProviderContract):
        kind = KIND
        lacks = frozenset({"reasoning"})

        def upstream(self) -> AcmeUpstream:
            return AcmeUpstream()
"""

from app.inference.providers.contract.contract import ProviderContract
from app.inference.providers.contract.http_upstream import Asked, HttpUpstream
from app.inference.providers.contract.script import KEY, Answer, Feature, Refusal, Said, Upstream

__all__ = [
    "KEY",
    "Answer",
    "Asked",
    "Feature",
    "HttpUpstream",
    "ProviderContract",
    "Refusal",
    "Said",
    "Upstream",
]

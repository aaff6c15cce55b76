"""The whole contract in one class."""

from app.inference.providers.contract.calling import Calling
from app.inference.providers.contract.checks import ask, expect, same
from app.inference.providers.contract.failing import Failing
from app.inference.providers.contract.refusing import Refusing
from app.inference.providers.contract.speaking import Speaking


class ProviderContract(Speaking, Calling, Refusing, Failing):
    """Subclass it as `Test…` with the kind, what its vendor lacks, and a fake of the vendor."""

    async def test_models_are_listed_and_the_credentials_checked(self) -> None:
        async with self.opened() as bench:
            names = [model.name for model in await bench.provider.list_models()]
            await bench.provider.check()
        same(names, ["model-a", "model-b"], "The models")

    async def test_all_pages_of_the_models_are_read(self) -> None:
        self.needs("paging")
        async with self.opened() as bench:
            bench.upstream.models = [["model-a", "model-b"], ["model-c"], ["model-d"]]
            names = [model.name for model in await bench.provider.list_models()]
        same(names, ["model-a", "model-b", "model-c", "model-d"], "The models")

    async def test_it_is_what_its_kind_says(self) -> None:
        async with self.opened() as bench:
            same(bench.provider.dialect, bench.kind.dialect, "The dialect")
            await bench.provider.complete(ask())
            expect(len(bench.upstream.bodies) == 1, "A call is one request, never more.")

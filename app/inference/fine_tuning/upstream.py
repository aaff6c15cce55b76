"""A provider's fine-tuning jobs, in OpenAI's form."""

from dataclasses import dataclass
from typing import Any, Final

import orjson

from app.core.errors import FieldError
from app.inference.batches.server import (
    CLOCKS_APART,
    Server,
    form_of,
    label_in,
    made_before,
    with_query,
)
from app.inference.dialects.addresses import beside_chat
from app.inference.fine_tuning.errors import FineTuningNotOffered
from app.inference.fine_tuning.models import FineTuningJob
from app.inference.integrations.directory import Endpoint
from app.inference.providers.registry import KINDS

OFFER_IT: Final = frozenset({"openai", "openai_compatible"})
LABEL: Final = "luminous_job"


def expect_offered(endpoint: Endpoint) -> None:
    """Raises FineTuningNotOffered, naming the provider."""
    if endpoint.kind not in OFFER_IT:
        label = KINDS[endpoint.kind].label
        raise FineTuningNotOffered(
            f"{label} has no fine-tuning jobs in OpenAI's form.",
            errors=(FieldError("/body/model", "not_offered", "a model that cannot be trained"),),
        )


@dataclass(frozen=True, slots=True)
class UpstreamJobs:
    """Every method raises ProviderError."""

    server: Server

    async def upload(self, content: bytes) -> str:
        form, kind = form_of(content, "fine-tune")
        answer = await self.server.fetch("POST", self._at("/files"), form, kind)
        return self.server.name_in(self.server.read(answer))

    async def create(
        self, job: FineTuningJob, training_file: str, validation_file: str | None
    ) -> dict[str, Any]:
        given = dict(job.given)
        method = {"type": job.method, job.method: {"hyperparameters": given["hyperparameters"]}}
        asked = {
            "model": job.model,
            "training_file": training_file,
            "validation_file": validation_file,
            "method": method,
            "suffix": given.get("suffix"),
            "seed": given.get("seed"),
            "metadata": {LABEL: job.id.hex},
        }
        body = orjson.dumps({name: value for name, value in asked.items() if value is not None})
        return await self.server.document("POST", self._at("/fine_tuning/jobs"), body)

    async def find(self, job: FineTuningJob) -> dict[str, Any] | None:
        """The job that a process has made which died before it could write its name down."""
        async for found in self.server.listed(self._at("/fine_tuning/jobs"), "after"):
            if label_in(found, LABEL) == job.id.hex:
                return found
            if made_before(found, job.created_at - CLOCKS_APART):
                return None
        return None

    async def get(self, name: str) -> dict[str, Any]:
        return await self.server.document("GET", self._at(f"/fine_tuning/jobs/{name}"))

    async def cancel(self, name: str) -> None:
        await self.server.fetch("POST", self._at(f"/fine_tuning/jobs/{name}/cancel"), b"{}")

    async def told(self, name: str, what: str, limit: int, after: str | None) -> dict[str, Any]:
        """A page of the job's `events` or `checkpoints`."""
        query = {"limit": str(limit)} | ({"after": after} if after else {})
        url = self._at(f"/fine_tuning/jobs/{name}/{what}")
        return await self.server.document("GET", with_query(url, query))

    def _at(self, path: str) -> str:
        return beside_chat(self.server.endpoint, path)

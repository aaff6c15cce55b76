"""A workspace in front of scripted providers: prices, a budget, a route and a key."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx2

from tests.inference.chaos.clients import ROUTE
from tests.inference.chaos.providers import Scripted, Served
from tests.support.fakes.base import KEY

MODEL = "m"
# Of providers that fall silent, and of those that never do, on a machine that may be busy.
SHORT = {"connect": 2, "first_token": 0.8, "between_tokens": 0.6}
LONG = {"connect": 15, "first_token": 15, "between_tokens": 15}


@dataclass(frozen=True)
class Rates:
    """Nano-dollars a token; an odd number shows what a rounder one hides."""

    input: int
    cached: int
    output: int

    def cost(self, served: Served) -> int:
        """What a finished answer comes to, reckoned without the code under test."""
        cached, whole = served.cached_tokens, served.asked.input_tokens
        return (
            (whole - cached) * self.input
            + cached * self.cached
            + served.output_tokens * self.output
        )

    def dollars(self) -> dict[str, str]:
        named = {"input": self.input, "cached_input": self.cached, "output": self.output}
        return {name: f"{nano / 1000:.6f}" for name, nano in named.items()}


RATES = {
    "openai": Rates(1_370, 137, 4_110),
    "anthropic": Rates(3_010, 301, 15_070),
    "gemini": Rates(290, 73, 2_530),
}


@dataclass(frozen=True)
class Site:
    """`integrations` are by the vendor's name."""

    headers: Mapping[str, str]
    workspace_id: UUID
    integrations: Mapping[str, UUID]
    budget_id: UUID
    key: str
    key_id: UUID

    @property
    def deployments(self) -> dict[str, str]:
        """By the vendor's name, as breakers call them."""
        return {kind: f"{found}:{MODEL}" for kind, found in self.integrations.items()}


async def open_site(
    http: httpx2.AsyncClient,
    headers: Mapping[str, str],
    providers: Mapping[str, Scripted],
    *,
    budget: str = "1000",
    hard: bool = True,
    timeouts: Mapping[str, float] = SHORT,
) -> Site:
    """Set everything up by the API, as an operator would."""

    async def make(path: str, **body: Any) -> dict[str, Any]:
        made = await http.post(f"/v1/{path}", json=body, headers=headers)
        assert made.status_code == 201, made.text
        return made.json()

    integrations = {}
    for kind, provider in providers.items():
        base_url = provider.url + provider.base_path
        made = await make("integrations", kind=kind, slug=kind, base_url=base_url, api_key=KEY)
        integrations[kind] = UUID(made["id"])
        await make("prices/overrides", integration=kind, model="*", **RATES[kind].dollars())
    made = await make(
        "budgets", name="Chaos", subject={"type": "workspace"}, amount=budget, window="total",
        hard=hard,
    )  # fmt: skip
    candidates = [{"model": f"{kind}/{MODEL}", "timeouts": timeouts} for kind in providers]
    await make("routes", slug=ROUTE, strategy="weighted", candidates=candidates)
    key = await make("api-keys", name="Chaos", scopes=["models:invoke"], concurrency=10_000)
    me = (await http.get("/v1/me", headers=headers)).json()
    workspace = UUID(me["workspace"]["id"])
    return Site(headers, workspace, integrations, UUID(made["id"]), key["key"], UUID(key["id"]))

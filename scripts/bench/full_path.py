"""Luminous with everything on: limits, a hard budget, prices, and routes of two candidates."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
from processes import start_service
from rivals import Gateway

PATH = "/openai/v1/chat/completions"
VARIANTS = {
    "whole": "bench",
    "long": "bench?chunks=500",
    "paced": "bench?chunks=50&delay_ms=20",
    "slow": "bench?chunks=1000&delay_ms=20",
}


@contextmanager
def luminous(folder: Path, upstream: str) -> Iterator[Gateway]:
    """As `luminous up` starts it, on engines of its own; each variant is a route."""
    with start_service(folder) as (service, owner_key):
        with httpx2.Client(
            base_url=service.url, headers={"Authorization": f"Bearer {owner_key}"}, timeout=30
        ) as client:
            key = set_up(client, upstream)
        models = {variant: f"route-{variant}" for variant in (*VARIANTS, "translated")}
        yield Gateway("Luminous", service, PATH, key, models)


def set_up(client: httpx2.Client, upstream: str) -> str:
    """Everything by the API, as an operator would; returns the key that is limited."""
    for slug in ("bench", "spare"):
        make(client, "integrations", kind="openai_compatible", slug=slug, base_url=f"{upstream}/v1")
    for slug in ("claude", "claude-spare"):
        base_url = f"{upstream}/v1"
        make(client, "integrations", kind="anthropic", slug=slug, base_url=base_url, api_key="sk-x")
    make(client, "prices/overrides", model="*", input="1", output="2")
    make(
        client,
        "budgets",
        name="Bench",
        subject={"type": "workspace"},
        amount="1000000",
        window="month",
    )
    for variant, model in VARIANTS.items():
        make_route(client, variant, [f"bench/{model}", f"spare/{model}"])
    long = VARIANTS["long"]
    make_route(client, "translated", [f"claude/{long}", f"claude-spare/{long}"])
    made = make(
        client,
        "api-keys",
        name="Bench",
        scopes=["models:invoke"],
        limits=[{"requests": 1_000_000, "seconds": 60}],
        tokens=[{"tokens": 10_000_000_000, "seconds": 86_400}],
        concurrency=10_000,
        tags=["bench"],
    )
    return str(made["key"])


def make_route(client: httpx2.Client, variant: str, models: list[str]) -> None:
    candidates = [{"model": model} for model in models]
    make(client, "routes", slug=f"route-{variant}", candidates=candidates)


def make(client: httpx2.Client, path: str, **body: Any) -> dict[str, Any]:
    answer = client.post(f"/v1/{path}", json=body)
    if answer.status_code != 201:
        raise SystemExit(f"POST /v1/{path}: {answer.status_code} {answer.text[:500]}")
    return answer.json()

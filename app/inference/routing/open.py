"""Routing, opened: the router of one process and what runs beside it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.core.kernel import Kernel
from app.inference.customers.book import CustomerBook
from app.inference.integrations.directory import Directory
from app.inference.prices.book import PriceBook
from app.inference.routing.adaptive.learner import Learner
from app.inference.routing.board import Board
from app.inference.routing.book import remembered_routes
from app.inference.routing.gossip import Gossip
from app.inference.routing.keeper import Keeper
from app.inference.routing.planner import Router, Sources


@asynccontextmanager
async def open_routes(
    kernel: Kernel,
    directory: Directory,
    prices: PriceBook,
    customers: CustomerBook,
) -> AsyncIterator[Router]:
    """A router until the end."""
    board, learner = Board(), Learner()
    sources = Sources(
        directory,
        prices,
        remembered_routes(kernel.database),
        customers,
        kernel.settings.default_model,
    )
    keeper = Keeper(kernel.database, learner, Gossip(kernel.valkey, board))
    keeper.start()
    try:
        yield Router(sources, board, learner, keeper)
    finally:
        await keeper.close()

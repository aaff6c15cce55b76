"""A person with routes, and the router of the running service."""

from uuid import UUID

import pytest_asyncio
from sqlalchemy import update

from app.core.auth import EVERYTHING
from app.core.clock import now
from app.core.db import SYSTEM
from app.inference.integrations.models import Integration
from app.inference.routing.plan import Question
from app.inference.usage.payer import Payer


class Planner:
    """Plans as the gateway does, for one person's workspace."""

    def __init__(self, talker, inference, database):
        self.talker, self.router = talker, inference.routes
        self.directory, self.database = inference.directory, database
        self.workspace_id = UUID(talker.person.workspace_id)

    async def plan(self, model=None, rules=EVERYTHING, customer=None, **question):
        person = self.talker.person
        payer = Payer(self.workspace_id, UUID(person.user_id), "gateway", customer=customer)
        return await self.router.plan(payer, rules, Question(model, **question))

    async def asked(self, model=None, **more):
        """The references of a plan, in order."""
        plan = await self.plan(model, **more)
        return [candidate.target.reference for candidate in plan.candidates]

    async def route(self, slug="own", *models, **body):
        candidates = [one if isinstance(one, dict) else {"model": one} for one in models]
        answer = await self.talker.call(
            "POST", "/v1/routes", json={"slug": slug, "candidates": candidates, **body}
        )
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def change(self, route, **body):
        answer = await self.talker.call("PATCH", f"/v1/routes/{route['id']}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def explain(self, name, **body):
        answer = await self.talker.call("POST", f"/v1/routes/{name}/explain", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def connect(self, kind, slug, *models, **body):
        """An integration that lists these models; nobody answers at its address."""
        made = await self.talker.call(
            "POST",
            "/v1/integrations",
            json={"kind": kind, "slug": slug, "api_key": "sk-not-a-real-key", **body},
        )
        assert made.status_code == 201, made.text
        listed = [{"name": one} if isinstance(one, str) else one for one in models]
        async with self.database.unit(SYSTEM) as session:
            await session.execute(
                update(Integration)
                .where(Integration.id == UUID(made.json()["id"]))
                .values(models=listed, models_listed_at=now())
            )
        self.directory.forget(self.workspace_id)
        return made.json()


@pytest_asyncio.fixture(loop_scope="session")
async def planner(talker, app, kernel):
    return Planner(talker, app.state.inference, kernel.database)

"""The router: from a request to the models that may answer it, in order."""

import random
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from app.core.auth import KeyRules
from app.core.fresh import Fresh
from app.inference.customers.book import CustomerBook
from app.inference.integrations.directory import Directory, without_models
from app.inference.integrations.errors import ModelUnknown, NoModel
from app.inference.prices.book import PriceBook
from app.inference.routing.adaptive.arms import Arm, gain_of_call, gain_of_rating
from app.inference.routing.adaptive.learner import NOTHING, Learner, Task
from app.inference.routing.board import Board, Outcome
from app.inference.routing.book import RouteBook
from app.inference.routing.built_in import BUILT_IN
from app.inference.routing.category import Category, categorise
from app.inference.routing.deciding import Decision, decide
from app.inference.routing.errors import ModelMissing, RouteNotFound
from app.inference.routing.keeper import Keeper
from app.inference.routing.names import Allowed
from app.inference.routing.plan import Candidate, Plan, Question
from app.inference.routing.pool import Market, Wish
from app.inference.routing.spec import RouteSpec
from app.inference.routing.strategies import Situation
from app.inference.routing.view import View
from app.inference.usage.payer import Payer

MOST_VIEWS: Final = 10_000
NO_CATEGORY: Final = Category("chat")


@dataclass(frozen=True, slots=True)
class Sources:
    """Where routing knows a workspace from; all of it stays in memory for some seconds."""

    directory: Directory
    prices: PriceBook
    books: Fresh[RouteBook]
    customers: CustomerBook
    default_model: str = ""


class Router:
    """Plans requests by what is in memory.

    `board` is where attempts are reported to, `keeper.store()` brings what was learned into
    Postgres at once.
    """

    def __init__(
        self,
        sources: Sources,
        board: Board,
        learner: Learner,
        keeper: Keeper,
        rng: random.Random | None = None,
    ) -> None:
        self._sources = sources
        self.board = board
        self.learner = learner
        self.keeper = keeper
        self._rng = rng or random.Random()  # noqa: S311 - draws, not secrets
        self._views: OrderedDict[UUID, View] = OrderedDict()

    def plan_at_hand(self, payer: Payer, rules: KeyRules, question: Question) -> Plan | None:
        """What `plan` gives, where nobody must be waited for; None where it must be asked."""
        view = self._at_hand(payer.workspace_id)
        if view is None or payer.customer is not None or question.service_tier is not None:
            return None
        try:
            return self._planned(view, own_models(rules), rules, question)
        except (ModelUnknown, NoModel):
            return None

    async def plan(self, payer: Payer, rules: KeyRules, question: Question) -> Plan:
        """Who answers, in order.

        Raises ModelUnknown, NoModel, ModelNotAllowed (403) and NoCandidate (422, with the reasons).
        """
        view = self._at_hand(payer.workspace_id) or await self.view(payer.workspace_id)
        allowed = own_models(rules)
        if payer.customer is not None:
            allowed = await self.allowed(payer, rules)
        try:
            plan = self._planned(view, allowed, rules, question)
        except (ModelUnknown, NoModel):
            # An integration that was never listed may offer it.
            await self._sources.directory.refresh(payer.workspace_id)
            view = await self.view(payer.workspace_id)
            plan = self._planned(view, allowed, rules, question)
        tier = question.service_tier
        return plan if tier is None else view.market.at_tier(plan, tier)

    def observe(
        self, workspace_id: UUID, plan: Plan, candidate: Candidate, outcome: Outcome
    ) -> None:
        """Have an adaptive route learn from an attempt of its plan; nothing for other routes.

        Sync and cheap; once an attempt, at its end. What says nothing of the provider (`ok` None)
        teaches nothing. The board is told beside this.
        """
        if plan.strategy != "adaptive" or plan.route_id is None or outcome.ok is None:
            return
        view = self._views.get(workspace_id)
        spec = None if view is None else view.book.by_id(UUID(plan.route_id))
        if spec is not None:
            gain = gain_of_call(outcome.ok, outcome.first_token_ms, outcome.cost, spec.learning)
            category = plan.category or NO_CATEGORY.name
            self.learner.learn(workspace_id, spec, category, candidate.deployment, gain)

    def rate(
        self,
        workspace_id: UUID,
        spec: RouteSpec,
        category: str,
        deployment: str,
        score: float,
        *,
        evaluation: bool = False,
        before: float | None = None,
    ) -> None:
        """Have an adaptive route learn from a judgement of an answer: -1 is bad, 1 is good.

        It takes the place of the one `before`, where the same was judged once already.
        """
        if spec.strategy == "adaptive":
            gain = gain_of_rating(score, evaluation=evaluation, before=before)
            self.learner.learn(workspace_id, spec, category, deployment, gain)

    async def route(self, workspace_id: UUID, name: str) -> RouteSpec:
        """A route by its id or its slug, the built-in ones too; raises RouteNotFound."""
        view = await self.view(workspace_id)
        spec = view.route(name)
        if spec is None:
            try:
                spec = view.book.by_id(UUID(name))
            except ValueError:
                spec = None
        if spec is None:
            raise RouteNotFound
        return spec

    async def usable(self, workspace_id: UUID, allowed: Allowed) -> list[str]:
        """The names of the routes that have a candidate for a caller who is bound so."""
        view = await self.view(workspace_id)
        wish = Wish(frozenset(), allowed)
        routes = {**BUILT_IN, **view.book.routes}
        return [name for name, spec in routes.items() if view.pool(spec, wish).entries]

    def forget(self, workspace_id: UUID) -> None:
        """Read this workspace's routes anew at the next question."""
        self._sources.books.forget(workspace_id)

    async def view(self, workspace_id: UUID) -> View:
        """What is known of a workspace now."""
        sources = self._sources
        endpoints = await sources.directory.endpoints(workspace_id)
        pricing = await sources.prices.get(workspace_id)
        book = await sources.books.get(workspace_id)
        view = self._views.get(workspace_id)
        if view is None or not _is_of(view, endpoints, pricing, book):
            view = View(Market(endpoints, pricing), book)
            self._views[workspace_id] = view
            self._views.move_to_end(workspace_id)
            if len(self._views) > MOST_VIEWS:
                self._views.popitem(last=False)
        return view

    def _at_hand(self, workspace_id: UUID) -> View | None:
        """The same without waiting, where nothing has changed since."""
        view, sources = self._views.get(workspace_id), self._sources
        if view is None:
            return None
        endpoints = sources.directory.peek(workspace_id)
        pricing = sources.prices.peek(workspace_id)
        book = sources.books.peek(workspace_id)
        return view if _is_of(view, endpoints, pricing, book) else None

    def _planned(self, view: View, allowed: Allowed, rules: KeyRules, question: Question) -> Plan:
        name = question.route or question.model or rules.route or question.agent_route
        spec = view.route(name)
        if spec is None:
            wanted = name or self._sources.default_model
            spec = None if name else view.route(wanted or None)
            if spec is None:
                if not wanted and question.dialect is not None:
                    # A vendor's client is told what it left out; nobody guesses for it.
                    raise ModelMissing
                return view.plain(wanted, allowed)
        if spec.is_plain:
            return self._in_order(view, spec, question, allowed)
        return self._decided(view, spec, question, allowed).plan()

    def _in_order(self, view: View, spec: RouteSpec, question: Question, allowed: Allowed) -> Plan:
        """The plan of a route whose order says it all: one for all requests that it has room for.

        What is worked out of it lives as long as the view, which is made anew with any change.
        """
        tokens = question.input_tokens + (question.max_output_tokens or 0)
        plan = view.in_order(spec, question.needs, allowed, tokens)
        if plan is None:
            decision = self._decided(view, spec, question, allowed)
            plan, most = decision.plan(), decision.pool.shortest
            if tokens <= most:
                view.keep(spec, question.needs, allowed, most, plan)
        return plan

    def _decided(
        self, view: View, spec: RouteSpec, question: Question, allowed: Allowed
    ) -> Decision:
        """The same as `decide`; raises NoModel where a built-in route has nothing to weigh."""
        decision = self.decide(view, spec, question, allowed)
        if spec.id is None and not (decision.pool.entries or decision.passed):
            raise NoModel(without_models(view.market.endpoints))
        return decision

    async def allowed(self, payer: Payer, rules: KeyRules) -> Allowed:
        """The groups of patterns that bind this caller."""
        groups = own_models(rules)
        limits = await self._sources.customers.limits(payer)
        return groups if limits is None or limits.models is None else (*groups, limits.models)

    def decide(
        self,
        view: View,
        spec: RouteSpec,
        question: Question,
        allowed: Allowed,
        rng: random.Random | None = None,
    ) -> Decision:
        """The order of a route's candidates for a question; nothing is counted."""
        question.read()
        # A built-in route weighs few of many models, so those that are surely too short go first.
        bits = 0 if spec.id else question.input_tokens.bit_length()
        at_least = 1 << (bits - 1) if bits else 0
        pool = view.pool(spec, Wish(question.needs, allowed, at_least))
        situation = Situation(question, self.board, rng or self._rng, spec.sticky)
        category: str | None = None
        arms: Mapping[str, Arm] = NOTHING
        if spec.strategy == "adaptive" and spec.id is not None:
            category = categorise(question.text, question.needs).name
            book = view.book
            task = Task(spec.id, spec.generation, category)
            arms = self.learner.arms(task, book.arms, book.read_at)
        return decide(spec, pool, situation, category, arms)


def own_models(rules: KeyRules) -> Allowed:
    """The group of patterns that binds a key itself, if one does."""
    return () if rules.models is None else (rules.models,)


def _is_of(view: View, endpoints: object, pricing: object, book: object) -> bool:
    market = view.market
    return market.endpoints is endpoints and market.pricing is pricing and view.book is book

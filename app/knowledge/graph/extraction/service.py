"""Starting extractions."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from app.core.auth import Access
from app.core.db import AsyncSession
from app.inference.calls.calls import Calls
from app.inference.calls.order import Order
from app.inference.calls.remembering import remembered
from app.inference.prices.money import to_dollars
from app.inference.providers.types import Usage
from app.inference.routing.plan import Question
from app.inference.usage.payer import Payer
from app.inference.usage.service import CHARACTERS_A_TOKEN
from app.knowledge.detection.policies.service import expect_dictionaries
from app.knowledge.dictionary import store
from app.knowledge.graph.errors import TargetNotFound
from app.knowledge.graph.extraction import crud
from app.knowledge.graph.extraction.crud import Unread
from app.knowledge.graph.extraction.rules.reading import VERSION as RULES_VERSION
from app.knowledge.graph.extraction.schema import Kinds, kinds_of
from app.knowledge.graph.extraction.schemas import ExtractionCreate, ExtractionRead
from app.knowledge.graph.models import GraphSchema
from app.knowledge.graph.schemata.service import expect_to_ask
from app.knowledge.graph.schemata.service import get as get_schema
from app.knowledge.graph.sight import Viewer
from app.knowledge.graph.targets import expect_targets
from app.runs.runs import service as runs
from app.runs.runs.models import Run

KIND: Final = "graph_extraction"


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run reads, and how; its input. `version` is what a reading must begin with."""

    parent_ids: Sequence[UUID]
    model: str | None
    kinds: Kinds
    dictionary_ids: Sequence[UUID]
    stamp: str
    automatic: bool = False

    @property
    def extractor(self) -> str:
        return "rules" if self.model is None else "model"

    @property
    def version(self) -> str:
        return RULES_VERSION if self.model is None else self.kinds.fingerprint

    @property
    def fingerprint(self) -> str:
        return f"{self.version}:{self.stamp}" if self.model is None else self.version

    def unread(self, workspace_id: UUID, user_id: UUID) -> Unread:
        at_all = self.version if self.automatic else None
        return Unread(
            workspace_id, user_id, self.parent_ids, self.extractor, self.fingerprint, at_all
        )

    def stored(self) -> dict[str, Any]:
        return {
            "parent_ids": [str(each) for each in self.parent_ids],
            "model": self.model,
            "entities": dict(self.kinds.entities),
            "relations": dict(self.kinds.relations),
            "instructions": self.kinds.instructions,
            "dictionary_ids": [str(each) for each in self.dictionary_ids],
            "stamp": self.stamp,
            "automatic": self.automatic,
        }


def plan_in(stored: dict[str, Any]) -> Plan:
    """The plan that a run was made with."""
    return Plan(
        [UUID(each) for each in stored["parent_ids"]],
        stored["model"],
        Kinds(stored["entities"], stored["relations"], stored["instructions"]),
        [UUID(each) for each in stored["dictionary_ids"]],
        stored["stamp"],
        stored["automatic"],
    )


async def start(
    session: AsyncSession, calls: Calls, viewer: Viewer, executor_id: str, new: ExtractionCreate
) -> tuple[ExtractionRead, Run]:
    """Raises SchemaNotFound, TargetNotFound, DictionaryNotFound, and what planning raises."""
    access = viewer.access
    schema = await get_schema(session, access, new.schema_id) if new.schema_id else None
    plan = await plan_of(session, access.workspace_id, new, schema)
    await expect_targets(session, viewer.sight, plan.parent_ids)
    passages, characters = await crud.count(
        session, plan.unread(access.workspace_id, access.user_id)
    )
    tokens = characters // CHARACTERS_A_TOKEN if plan.model is not None else 0
    read = ExtractionRead(
        run_id=UUID(int=0),
        extractor="rules" if plan.model is None else "model",
        model=plan.model,
        passages=passages,
        estimated_input_tokens=tokens,
        estimated_cost_usd=await _cost(calls, access, plan, tokens),
    )
    run = await begin(session, access, executor_id, plan, remembered(access), schema)
    return read.model_copy(update={"run_id": run.id}), run


async def begin(
    session: AsyncSession,
    owner: runs.Owner,
    executor_id: str,
    plan: Plan,
    asked_by: dict[str, Any],
    schema: GraphSchema | None = None,
) -> Run:
    """The run that carries a plan out."""
    return await runs.create(
        session,
        owner,
        executor_id=executor_id,
        kind=KIND,
        subject_id=schema.id if schema is not None else plan.parent_ids[0],
        input={"plan": plan.stored(), **asked_by},
    )


async def plan_of(
    session: AsyncSession,
    workspace_id: UUID,
    new: ExtractionCreate,
    schema: GraphSchema | None,
    *,
    automatic: bool = False,
) -> Plan:
    """What a request comes to, with a schema or without one."""
    parent_ids = new.parent_ids or ([schema.parent_id] if schema and schema.parent_id else [])
    if not parent_ids:
        raise TargetNotFound("The schema is for nothing of its own; name what to read.")
    dictionary_ids = new.dictionary_ids
    if dictionary_ids is None:
        dictionary_ids = list(await store.default_dictionaries(session, workspace_id))
    else:
        await expect_dictionaries(session, workspace_id, dictionary_ids)
    kinds = kinds_of()
    if schema is not None:
        kinds = kinds_of(schema.entity_types, schema.relation_types, schema.instructions)
    stamp = await store.stamp(session, workspace_id, dictionary_ids) if dictionary_ids else ""
    model = new.model or (schema.model if schema is not None else None)
    unique = list(dict.fromkeys(parent_ids))
    return Plan(unique, model, kinds, sorted(set(dictionary_ids)), stamp, automatic)


async def _cost(calls: Calls, access: Access, plan: Plan, tokens: int) -> Any:
    """What the input may cost; raises what planning raises, before anything is begun."""
    if plan.model is None:
        return to_dollars(0)
    expect_to_ask(access)
    payer = Payer(access.workspace_id, access.user_id, KIND)
    planned = await calls.plan(Order(payer, Question(plan.model, tokens), access.rules))
    price = planned.candidates[0].price
    return None if price is None else to_dollars(price.cost(Usage(tokens)))

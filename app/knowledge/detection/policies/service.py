"""Which dictionaries hold, and how."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from app.core.auth import Access
from app.core.db import AsyncSession
from app.core.versions import match
from app.knowledge.detection.policies import crud
from app.knowledge.detection.policies.models import DictionaryPolicy
from app.knowledge.detection.policies.schemas import DictionaryPolicyUpdate
from app.knowledge.dictionary import store
from app.knowledge.dictionary.dictionaries import service as dictionaries
from app.knowledge.dictionary.errors import DictionaryNotFound

# Of a dictionary whose policy nobody has looked at yet; as the table's defaults.
MODE: Final = "flag"
TOKEN_BUDGET: Final = 600


@dataclass(frozen=True, slots=True)
class Held:
    """A dictionary that holds."""

    dictionary_id: UUID
    mode: str
    token_budget: int


@dataclass(frozen=True, slots=True)
class Enforcement:
    """The dictionaries that hold in one place, without those whose policy is off."""

    held: tuple[Held, ...]

    @property
    def dictionary_ids(self) -> tuple[UUID, ...]:
        """Whose terms enter prompts."""
        return tuple(each.dictionary_id for each in self.held)

    @property
    def flagged(self) -> frozenset[UUID]:
        """Whose forbidden terms in answers are told."""
        return frozenset(each.dictionary_id for each in self.held if each.mode == "flag")

    @property
    def token_budget(self) -> int:
        """Tokens of all terms in one prompt: the largest of the dictionaries' budgets."""
        return max((each.token_budget for each in self.held), default=0)


async def resolve(
    session: AsyncSession, workspace_id: UUID, named: Sequence[UUID] | None = None
) -> Enforcement:
    """What holds where these dictionaries are named, or, by None, none: the workspace's defaults.

    An empty list has nothing hold. Those that are deleted meanwhile are passed over.
    """
    if named is None:
        named = await store.default_dictionaries(session, workspace_id)
    policies = await crud.of_dictionaries(session, workspace_id, named)
    held = [
        Held(dictionary_id, MODE, TOKEN_BUDGET)
        if policy is None
        else Held(dictionary_id, policy.mode, policy.token_budget)
        for dictionary_id, policy in policies.items()
    ]
    return Enforcement(tuple(each for each in held if each.mode != "off"))


async def expect_dictionaries(
    session: AsyncSession, workspace_id: UUID, dictionary_ids: Sequence[UUID]
) -> None:
    """Raise DictionaryNotFound for one that is not there: for whoever stores such a list."""
    found = await crud.of_dictionaries(session, workspace_id, dictionary_ids)
    missing = [each for each in dictionary_ids if each not in found]
    if missing:
        raise DictionaryNotFound(f"There is no dictionary {missing[0]}.")


async def get(
    session: AsyncSession, access: Access, dictionary_id: UUID, *, for_update: bool = False
) -> DictionaryPolicy:
    """Raises DictionaryNotFound."""
    await dictionaries.get(session, access, dictionary_id)
    return await crud.get_or_make(
        session, access.workspace_id, dictionary_id, for_update=for_update
    )


async def update(
    session: AsyncSession, access: Access, dictionary_id: UUID, change: DictionaryPolicyUpdate
) -> DictionaryPolicy:
    """Raises DictionaryNotFound and PreconditionFailed."""
    policy = await get(session, access, dictionary_id, for_update=True)
    await match(session, policy)
    for name, value in change.given().items():
        setattr(policy, name, value)
    await session.flush()
    await session.refresh(policy)
    return policy

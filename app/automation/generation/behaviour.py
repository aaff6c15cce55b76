"""Automations that behaviour suggests: counted in what the caller may see, worded where asked."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from app.automation.generation import mining, proposing, seen_crud
from app.automation.generation.errors import TimeZoneUnknown
from app.automation.generation.guarding import AT
from app.automation.generation.mining import Schedule, Sequenced
from app.automation.generation.proposing import Proposed
from app.automation.generation.seen_crud import Call, Start
from app.automation.generation.suggest_schemas import AutomationsWanted
from app.automation.generation.surroundings import Workbench
from app.automation.triggers.cron import CronUnfit, check
from app.automation.triggers.cron import Schedule as Times
from app.automation.workflows.checking import look_over
from app.core.auth import Access, Permission
from app.core.clock import now
from app.core.errors import FieldError

MOST_RUNS: Final = 50
_EVERY_DAY: Final = "0 0 * * *"


@dataclass(frozen=True, slots=True)
class Seen:
    """`looked_at` is how many of what there were."""

    automations: list[dict[str, Any]]
    looked_at: dict[str, int]


@dataclass(slots=True)
class _Rows:
    starts: list[Start] = field(default_factory=list)
    agents: list[Start] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    scheduled: set[UUID] = field(default_factory=set)


def expect_zone(time_zone: str) -> None:
    """Raises TimeZoneUnknown."""
    try:
        check(Times(_EVERY_DAY, time_zone))
    except CronUnfit as error:
        where = FieldError("/body/from/time_zone", TimeZoneUnknown.code, str(error))
        raise TimeZoneUnknown(str(error), errors=(where,)) from error


async def seen(workbench: Workbench, access: Access, wanted: AutomationsWanted) -> Seen:
    """In a time zone that there is."""
    rows = await _rows(workbench, access, wanted)
    zone = ZoneInfo(wanted.time_zone)
    fresh = [each for each in rows.starts if each.subject_id not in rows.scheduled]
    found = [
        *(
            _scheduled(each, wanted.time_zone)
            for each in mining.schedules(fresh, zone, wanted.support)
        ),
        *[
            await _chained(workbench, access, each)
            for each in mining.chains([*rows.starts, *rows.agents], wanted.support)
        ],
        *await _called(workbench, access, rows.calls, wanted.support),
    ]
    found.sort(key=lambda each: (-each["evidence"]["support"], -each["confidence"], each["name"]))
    shown = [{"id": f"S{place}", **each} for place, each in enumerate(found[: wanted.limit], 1)]
    counts = {
        "workflow_runs": len(rows.starts),
        "agent_runs": len(rows.agents),
        "tool_calls": len(rows.calls),
    }
    return Seen(shown, counts)


async def _rows(workbench: Workbench, access: Access, wanted: AutomationsWanted) -> _Rows:
    """Of agents' runs only the caller's own, and none where they may not read agents."""
    since, workspace_id = now() - timedelta(days=wanted.days), access.workspace_id
    everyone = wanted.whose == "visible"
    async with workbench.database.unit(access.scope) as session:
        rows = _Rows(
            await seen_crud.workflow_starts(
                session, workspace_id, access, since, everyone=everyone
            ),
            scheduled=await seen_crud.scheduled(session, workspace_id),
        )
        if Permission.AGENTS_READ in access.permissions:
            user_id = access.user_id
            rows.agents = await seen_crud.agent_starts(session, workspace_id, user_id, since)
            rows.calls = await seen_crud.tool_calls(session, workspace_id, user_id, since)
    return rows


def _scheduled(found: Schedule, time_zone: str) -> dict[str, Any]:
    body, varying = proposing.trigger_of(found, time_zone)
    slug = found.starts[0].slug
    said = (
        f"`{slug}` was begun by hand {found.said} ({time_zone}), on {found.days} of "
        f"{found.expected} such days."
    )
    return _told(
        "schedule", f"{slug} {found.said}", said, found.days, found.expected, found.starts,
        trigger=body, varying=varying,
    )  # fmt: skip


async def _chained(workbench: Workbench, access: Access, found: Sequenced[Start]) -> dict[str, Any]:
    slugs = [each.slug for each in found.seen[0]]
    said = (
        f"{', then '.join(f'`{each}`' for each in slugs)}: begun one after the other "
        f"{len(found.seen)} of {found.occasions} times."
    )
    events = [each for seen_once in found.seen for each in seen_once]
    told = _told("chain", " → ".join(slugs), said, len(found.seen), found.occasions, events)
    return told | await _checked(workbench, access, proposing.chain_of(found))


async def _called(
    workbench: Workbench, access: Access, calls: Sequence[Call], support: int
) -> list[dict[str, Any]]:
    """Of tools that the workspace (still) has."""
    found = mining.tool_sequences(calls, support)
    if not found or Permission.TOOLS_READ not in access.permissions:
        return []
    listed = await workbench.tools.listed(access)
    references = {each.name: each.reference for each in listed if each.ready}
    return [
        await _sequence(workbench, access, each, references)
        for each in found
        if all(name in references for name in each.key)
    ]


async def _sequence(
    workbench: Workbench, access: Access, found: Sequenced[Call], references: Mapping[str, str]
) -> dict[str, Any]:
    names = [each.name for each in found.seen[0]]
    agents = sorted({each.agent for seen_once in found.seen for each in seen_once})
    said = (
        f"{', then '.join(f'`{each}`' for each in names)}: called one after the other in "
        f"{len(found.seen)} of {found.occasions} runs, by {', '.join(agents[:5])}."
    )
    events = [each for seen_once in found.seen for each in seen_once]
    told = _told("tools", " → ".join(names), said, len(found.seen), found.occasions, events)
    return told | await _checked(workbench, access, proposing.tools_of(found, references))


async def _checked(workbench: Workbench, access: Access, proposed: Proposed) -> dict[str, Any]:
    document = proposed.document()
    found = await look_over(workbench.bench, access, document, at=AT)
    return {
        "definition": document,
        "varying": proposed.varying,
        "errors": [asdict(each) for each in found.errors],
        "warnings": [asdict(each) for each in found.warnings],
    }


def _told(
    kind: str,
    name: str,
    why: str,
    support: int,
    occasions: int,
    events: Sequence[Start] | Sequence[Call],
    trigger: dict[str, Any] | None = None,
    varying: Sequence[str] = (),
) -> dict[str, Any]:
    ordered: list[Start | Call] = sorted(events, key=lambda each: each.at, reverse=True)
    return {
        "kind": kind,
        "name": name[:200],
        "why": why,
        "confidence": round(min(1.0, support / occasions), 4),
        "trigger": trigger,
        "definition": None,
        "varying": list(varying),
        "errors": [],
        "warnings": [],
        "evidence": {
            "support": support,
            "occasions": occasions,
            "first_at": ordered[-1].at,
            "last_at": ordered[0].at,
            "run_ids": list(dict.fromkeys(each.run_id for each in ordered))[:MOST_RUNS],
        },
    }

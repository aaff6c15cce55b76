"""What the adaptive routes of this process know, and what of it is not in Postgres yet."""

import math
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from app.inference.routing.adaptive.arms import Arm
from app.inference.routing.spec import RouteSpec


class Task(NamedTuple):
    """What is learned of one is not carried to another, nor to a route that starts again."""

    route_id: UUID
    generation: int
    category: str


Known = Mapping[Task, Mapping[str, Arm]]

MOST_TASKS = 50_000
# Nothing that was read is older than this.
LONG_READ_SECONDS = 60.0
NOTHING: Mapping[str, Arm] = {}


@dataclass(slots=True)
class Gains:
    """What one task has taught since it was last stored.

    `left` is what remains of what was known before; `stored_at` is set once it is in Postgres.
    """

    workspace_id: UUID
    left: float = 1.0
    arms: dict[str, Arm] = field(default_factory=dict)
    stored_at: float | None = None

    def add(self, deployment: str, gain: Arm, left: float) -> None:
        self.left *= left
        for arm in self.arms.values():
            arm.fade(left)
        self.arms.setdefault(deployment, Arm()).add(gain)

    def onto(self, arms: dict[str, Arm]) -> None:
        for arm in arms.values():
            arm.fade(self.left)
        for deployment, gain in self.arms.items():
            arms.setdefault(deployment, Arm()).add(gain)


@dataclass(slots=True)
class _Current:
    """What is known of a task: as it was read from Postgres, with what came since."""

    source: object
    arms: dict[str, Arm]


class Learner:
    """Everything here is sync. `take` and `stored` (or `put_back`) are for whoever stores."""

    def __init__(self) -> None:
        self._current: OrderedDict[Task, _Current] = OrderedDict()
        self._gains: dict[Task, Gains] = {}
        self._moving: dict[Task, list[Gains]] = {}

    def arms(self, task: Task, known: Known, read_at: float) -> Mapping[str, Arm]:
        """What is known of a task by now, by deployment; `known` was read at `read_at`."""
        current = self._current.get(task)
        if current is not None and current.source is known:
            return current.arms
        arms = {name: Arm(**arm.values()) for name, arm in known.get(task, NOTHING).items()}  # type: ignore[arg-type]
        moving = self._moving.get(task, [])
        moving[:] = [one for one in moving if one.stored_at is None or one.stored_at > read_at]
        for gains in moving:
            gains.onto(arms)
        if not moving:
            self._moving.pop(task, None)
        if (gained := self._gains.get(task)) is not None:
            gained.onto(arms)
        self._keep(task, _Current(known, arms))
        return arms

    def categories(self, route_id: UUID, generation: int) -> set[str]:
        """The categories of which something may not have been read back yet."""
        waiting = (*self._gains, *self._moving)
        return {task.category for task in waiting if task[:2] == (route_id, generation)}

    def learn(
        self, workspace_id: UUID, spec: RouteSpec, category: str, deployment: str, gain: Arm
    ) -> None:
        """Add what a call or a rating taught; a call lets everything before it fade a little."""
        if spec.id is None or spec.learning.frozen:
            return
        task = Task(spec.id, spec.generation, category)
        left = 0.5 ** (gain.pulls / spec.learning.half_life)
        if (current := self._current.get(task)) is not None:
            one = Gains(workspace_id)
            one.add(deployment, gain, left)
            one.onto(current.arms)
        gains = self._gains.get(task)
        if gains is None:
            gains = self._gains[task] = Gains(workspace_id)
        gains.add(deployment, gain, left)

    def take(self) -> dict[Task, Gains]:
        """All gains that wait to be stored; they count on until what is read holds them."""
        taken, self._gains = self._gains, {}
        self._let_go(time.monotonic() - LONG_READ_SECONDS)
        for task, gains in taken.items():
            self._moving.setdefault(task, []).append(gains)
        return taken

    @staticmethod
    def stored(gains: Gains) -> None:
        """These are in Postgres from now on, or of a route that has started again."""
        gains.stored_at = time.monotonic()

    def put_back(self, task: Task, gains: Gains) -> None:
        """These could not be stored: they wait again, before what came since."""
        moving = self._moving.get(task, [])
        if gains in moving:
            moving.remove(gains)
        since = self._gains.get(task)
        if since is not None:
            gains.left *= since.left
            since.onto(gains.arms)
        self._gains[task] = gains

    def _let_go(self, before: float) -> None:
        """Drop what was stored so long ago that whatever is read by now holds it."""
        for task, moving in list(self._moving.items()):
            moving[:] = [one for one in moving if (one.stored_at or math.inf) > before]
            if not moving:
                del self._moving[task]

    def _keep(self, task: Task, current: _Current) -> None:
        self._current[task] = current
        self._current.move_to_end(task)
        while len(self._current) > MOST_TASKS:
            self._current.popitem(last=False)

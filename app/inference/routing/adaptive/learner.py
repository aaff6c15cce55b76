"""What the adaptive routes of this process know, and what of it is not in Postgres yet."""

import math
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from app.inference.routing.adaptive.arms import Arm
from app.inference.routing.spec import RouteSpec

# A task: what is learned of one is not carried to another.
Key = tuple[UUID, str]
Known = Mapping[Key, Mapping[str, Arm]]

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
class _Task:
    """What is known of a task: as it was read from Postgres, with what came since."""

    source: object
    arms: dict[str, Arm]


class Learner:
    """Everything here is sync. `take` and `stored` (or `put_back`) are for whoever stores."""

    def __init__(self) -> None:
        self._tasks: OrderedDict[Key, _Task] = OrderedDict()
        self._gains: dict[Key, Gains] = {}
        self._moving: dict[Key, list[Gains]] = {}

    def arms(self, key: Key, known: Known, read_at: float) -> Mapping[str, Arm]:
        """What is known of a task by now, by deployment; `known` was read at `read_at`."""
        task = self._tasks.get(key)
        if task is not None and task.source is known:
            return task.arms
        arms = {name: Arm(**arm.values()) for name, arm in known.get(key, NOTHING).items()}  # type: ignore[arg-type]
        moving = self._moving.get(key, [])
        moving[:] = [one for one in moving if one.stored_at is None or one.stored_at > read_at]
        for gains in moving:
            gains.onto(arms)
        if not moving:
            self._moving.pop(key, None)
        if (gained := self._gains.get(key)) is not None:
            gained.onto(arms)
        self._keep(key, _Task(known, arms))
        return arms

    def categories(self, route_id: UUID) -> set[str]:
        """The categories of which something may not have been read back yet."""
        waiting = (*self._gains, *self._moving)
        return {category for owner, category in waiting if owner == route_id}

    def learn(
        self, workspace_id: UUID, spec: RouteSpec, category: str, deployment: str, gain: Arm
    ) -> None:
        """Add what a call or a rating taught; a call lets everything before it fade a little."""
        if spec.id is None or spec.learning.frozen:
            return
        key, left = (spec.id, category), 0.5 ** (gain.pulls / spec.learning.half_life)
        if (task := self._tasks.get(key)) is not None:
            one = Gains(workspace_id)
            one.add(deployment, gain, left)
            one.onto(task.arms)
        gains = self._gains.get(key)
        if gains is None:
            gains = self._gains[key] = Gains(workspace_id)
        gains.add(deployment, gain, left)

    def take(self) -> dict[Key, Gains]:
        """All gains that wait to be stored; they count on until what is read holds them."""
        taken, self._gains = self._gains, {}
        self._let_go(time.monotonic() - LONG_READ_SECONDS)
        for key, gains in taken.items():
            self._moving.setdefault(key, []).append(gains)
        return taken

    @staticmethod
    def stored(gains: Gains) -> None:
        """These are in Postgres from now on."""
        gains.stored_at = time.monotonic()

    def put_back(self, key: Key, gains: Gains) -> None:
        """These could not be stored: they wait again, before what came since."""
        moving = self._moving.get(key, [])
        if gains in moving:
            moving.remove(gains)
        since = self._gains.get(key)
        if since is not None:
            gains.left *= since.left
            since.onto(gains.arms)
        self._gains[key] = gains

    def forget(self, route_id: UUID) -> None:
        """A route starts again: nothing that waits of it is stored."""
        for table in (self._tasks, self._gains, self._moving):
            for key in [key for key in table if key[0] == route_id]:
                del table[key]

    def _let_go(self, before: float) -> None:
        """Drop what was stored so long ago that whatever is read by now holds it."""
        for key, moving in list(self._moving.items()):
            moving[:] = [one for one in moving if (one.stored_at or math.inf) > before]
            if not moving:
                del self._moving[key]

    def _keep(self, key: Key, task: _Task) -> None:
        self._tasks[key] = task
        self._tasks.move_to_end(key)
        while len(self._tasks) > MOST_TASKS:
            self._tasks.popitem(last=False)

"""Time as a row of small cells: what memories must come to, said as simply as possible.

A day is a cell. On each timeline a cell belongs to at most one memory. What every change left is
kept, and that is what was known from then on.
"""

from dataclasses import dataclass, field

DAYS = 8


@dataclass
class Timeline:
    """`cells[d]` is who holds day d; `states` are the cells after each change, in their order."""

    cells: list = field(default_factory=lambda: [None] * DAYS)
    states: list = field(default_factory=list)

    def tell(self, name, start, end=None):
        """Whatever is told last counts; without an end, up to where another one begins."""
        if end is None:
            end = next(
                (
                    day
                    for day in range(start + 1, len(self.cells))
                    if self.cells[day] not in (None, name) and self._begins(day)
                ),
                len(self.cells),
            )
        for day in range(start, end):
            self.cells[day] = name
        self.note()

    def edit(self, name, start, end=None):
        self.cells = [None if cell == name else cell for cell in self.cells]
        self.tell(name, start, end)

    def note(self):
        self.states.append(list(self.cells))

    def _begins(self, day):
        return self.cells[day - 1] != self.cells[day]

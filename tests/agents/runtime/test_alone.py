"""An agent without tools needs no loop, and comes to the same end wherever its process dies."""

import pytest

from tests.agents.runtime.test_kills import _killed_at
from tests.support.fakes.base import Said, say
from tests.support.runs import assert_whole, find

SCHEMA = {"type": "object", "required": ["tea"], "properties": {"tea": {"type": "string"}}}


async def _by_what_was_said(fake, exchange, body):
    """A model whose first answer will not do, going by what it is shown."""
    mends = "does not satisfy" in str(body["messages"][-1]["content"])
    await say(Said(('{"tea": "green"}' if mends else "Green tea.",)))(fake, exchange, body)


class Scripted(list):
    """A script that never ends."""

    def popleft(self):
        return _by_what_was_said

    def __bool__(self):
        return True


# In the first answer, behind it, at the second, and behind that.
@pytest.mark.parametrize("seq", [4, 7, 8, 9])
async def test_an_answer_that_was_mended_within_its_steps_stays_so(seq, app, kernel, agency):
    agency.fake.script = Scripted()
    agent = await agency.make(output_schema=SCHEMA, limits={"steps": 3})
    run, events = await _killed_at(seq, app, kernel, agency, agent)
    assert_whole(events)
    assert events[-1].type == "run.completed", events[-1].body
    assert (await find(kernel, run)).result["output"] == {"tea": "green"}

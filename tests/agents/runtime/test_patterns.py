"""Several agents work as one, by patterns that are data."""

import json

import pytest


def _asked(request):
    return request.body["messages"][-1]["content"]


def _system(request):
    return request.body["messages"][0]["content"]


@pytest.fixture
def members(agency):
    async def members(*names):
        made = [await agency.make(name, instructions=f"You are {name}.") for name in names]
        return [each["slug"] for each in made]

    return members


async def test_a_chain_hands_results_on(agency, members):
    one, two = await members("One", "Two")
    team = await agency.make(pattern={"type": "chain", "agents": [one, two]})
    agency.says("draft", "polished")
    run = await agency.run(team, "Write.")
    assert run["text"] == "polished"
    assert [_asked(each) for each in agency.fake.requests[-2:]] == ["Write.", "draft"]


async def test_a_cumulative_chain_shows_all_that_was_given(agency, members):
    names = await members("One", "Two", "Three")
    team = await agency.make(pattern={"type": "chain", "agents": names, "cumulative": True})
    agency.says("first", "second", "third")
    await agency.run(team, "Write.")
    shown = _asked(agency.fake.last)
    assert all(text in shown for text in ("Write.", "first", "second"))


async def test_parallel_work_is_joined(agency, members):
    names = await members("One", "Two")
    team = await agency.make(pattern={"type": "parallel", "agents": names})
    agency.says("same", "same")
    run = await agency.run(team, "Look.")
    assert run["text"] == "## One\nsame\n\n## Two\nsame"


async def test_parallel_work_is_summed_up(agency, members):
    names = await members("One", "Two")
    team = await agency.make(
        instructions="Be short.", pattern={"type": "parallel", "agents": names, "combine": "model"}
    )
    agency.says("same", "same", "both the same")
    run = await agency.run(team, "Look.")
    assert run["text"] == "both the same"
    assert _system(agency.fake.last).startswith("Be short.")


async def test_a_router_chooses(agency, members):
    names = await members("Sales", "Support")
    team = await agency.make(pattern={"type": "router", "agents": names})
    agency.says(json.dumps({"agent": names[1]}), "Restart it.")
    run = await agency.run(team, "It is broken.")
    assert run["text"] == "Restart it."
    assert _system(agency.fake.last).startswith("You are Support.")
    assert _asked(agency.fake.last) == "It is broken."


async def test_an_orchestrator_plans_and_sums_up(agency, members):
    one, two = await members("One", "Two")
    team = await agency.make(pattern={"type": "orchestrator", "agents": [one, two]})
    tasks = [{"agent": one, "task": "Part A"}, {"agent": two, "task": "Part B"}]
    agency.says(json.dumps({"tasks": tasks}), "done", "done", json.dumps({"answer": "A and B."}))
    run = await agency.run(team, "Do both.")
    assert run["text"] == "A and B."
    assert sorted(_asked(each) for each in agency.fake.requests[-3:-1]) == ["Part A", "Part B"]
    assert "done" in _asked(agency.fake.last)


async def test_the_last_round_of_an_orchestrator_must_answer(agency, members):
    [one] = await members("One")
    pattern = {"type": "orchestrator", "agents": [one], "rounds": 2}
    team = await agency.make(pattern=pattern)
    agency.says(json.dumps({"tasks": [{"agent": one, "task": "A"}]}), "a", '{"answer": "Enough."}')
    run = await agency.run(team)
    assert run["text"] == "Enough."
    schema = agency.fake.last.body["response_format"]["json_schema"]["schema"]
    assert list(schema["properties"]) == ["answer"]


async def test_an_evaluator_asks_for_better(agency, members):
    writer, judge = await members("Writer", "Judge")
    pattern = {"type": "evaluator_optimizer", "generator": writer, "evaluator": judge}
    team = await agency.make(pattern=pattern)
    agency.says(
        "bad", '{"score": 0.2, "feedback": "More."}', "good", '{"score": 0.9, "feedback": ""}'
    )
    run = await agency.run(team, "Write.")
    assert run["text"] == "good"
    assert "More." in _asked(agency.fake.requests[-2])


async def test_the_best_attempt_counts_when_none_is_good_enough(agency, members):
    writer, judge = await members("Writer", "Judge")
    pattern = {
        "type": "evaluator_optimizer", "generator": writer, "evaluator": judge, "rounds": 2,
    }  # fmt: skip
    team = await agency.make(pattern=pattern)
    agency.says("better", '{"score": 0.6}', "worse", '{"score": 0.1}')
    assert (await agency.run(team))["text"] == "better"


async def test_a_group_speaks_in_turn_until_someone_ends_it(agency, members):
    names = await members("One", "Two")
    pattern = {"type": "group", "agents": names, "until": "agreed"}
    team = await agency.make(pattern=pattern)
    agency.says("I say yes.", "I say no.", "Agreed: yes.")
    run = await agency.run(team, "Yes or no?")
    assert run["output"]["answer"] == "Agreed: yes."
    assert [each["agent"] for each in run["output"]["transcript"]] == [*names, names[0]]
    assert "I say no." in _asked(agency.fake.last)


async def test_a_group_follows_mentions_and_a_model(agency, members):
    one, two, three = await members("One", "Two", "Three")
    pattern = {"type": "group", "agents": [one, two, three], "speaker": "mention", "turns": 2}
    team = await agency.make(pattern=pattern)
    agency.says(f"What do you say, @{three}?", "Nothing.")
    run = await agency.run(team)
    assert [each["agent"] for each in run["output"]["transcript"]] == [one, three]
    pattern |= {"speaker": "model", "turns": 5}
    team = await agency.make(pattern=pattern)
    agency.says(json.dumps({"next": two}), "Me.", '{"next": "end"}')
    run = await agency.run(team)
    assert [each["agent"] for each in run["output"]["transcript"]] == [two]


async def test_most_votes_count(agency, members):
    names = await members("One", "Two", "Three")
    team = await agency.make(pattern={"type": "voting", "agents": names})
    agency.says("42", "41", "42.")
    assert (await agency.run(team))["text"].startswith("42")


async def test_a_tie_is_decided_by_the_model(agency, members):
    names = await members("One", "Two")
    team = await agency.make(pattern={"type": "voting", "agents": names, "ties": "model"})
    agency.says("red", "blue", '{"number": 2}')
    run = await agency.run(team)
    listed = _asked(agency.fake.last)
    assert f"2. {run['text']}" in listed


async def test_a_conversation_is_handed_over(agency, members):
    front, back = await members("Front", "Back")
    team = await agency.make(pattern={"type": "hand_off", "agents": [front, back]})
    agency.calls((f"hand_off_to_{back}".replace("-", "_"), {"note": "Wants a refund."}))
    agency.says("Here is your refund.")
    run = await agency.run(team, "I want my money.")
    assert run["text"] == "Here is your refund."
    shown = agency.fake.last.body["messages"]
    assert shown[1]["content"] == "I want my money."
    assert "Wants a refund." in shown[-1]["content"]


async def test_teams_within_teams_are_no_deeper_than_allowed(agency, members):
    [one] = await members("One")
    inner = await agency.make("Inner", pattern={"type": "chain", "agents": [one]})
    outer = await agency.make(
        "Outer", pattern={"type": "chain", "agents": [inner["slug"]]}, limits={"depth": 1}
    )
    run = await agency.run(outer)
    assert run["error"]["code"] == "agent_limit_reached"
    deeper = await agency.make(
        "Deeper", pattern={"type": "chain", "agents": [inner["slug"]]}, limits={"depth": 2}
    )
    agency.says("From below.")
    assert (await agency.run(deeper))["text"] == "From below."


async def test_steps_of_all_are_capped_together(agency, members):
    names = await members("One", "Two", "Three")
    team = await agency.make(pattern={"type": "chain", "agents": names}, limits={"steps": 2})
    agency.says("1", "2")
    run = await agency.run(team)
    assert run["error"]["code"] == "agent_limit_reached"
    assert run["steps"] == 2

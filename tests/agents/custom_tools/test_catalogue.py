"""The catalogue: every tool of every source, with what it lacks."""

from sqlalchemy import event

from tests.agents.custom_tools.test_custom_tools import keep, made

PATH = "/v1/tools"


async def listed(talker, **query):
    answer = await talker.call("GET", PATH, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_all_sources_are_shown_with_what_they_lack(talker):
    request = {"credential": {"name": "crm"}}
    await made(talker, url="https://a.example.com/{id}", request=request)
    tools = {each["reference"]: each for each in (await listed(talker))["data"]}
    assert {"web_search", "fetch_page", "http_request", "custom:person"} <= set(tools)
    assert tools["fetch_page"]["traits"]["approval"] == "unseen_url"
    own = tools["custom:person"]
    assert (own["source"], own["ready"]) == ("custom", False)
    assert own["missing"] == "There is no credential 'crm' with its secret."
    await keep(talker, "a.example.com")
    (own,) = (await listed(talker, source="custom"))["data"]
    assert (own["ready"], own["missing"]) == (True, None)


async def test_pages_filters_and_order(talker):
    whole = await listed(talker, limit=200, include="total")
    names = [each["reference"] for each in whole["data"]]
    assert (names, whole["total"]) == (sorted(names), len(names))
    walked, cursor = [], None
    while True:
        query = {"limit": 2, **({"cursor": cursor} if cursor else {})}
        part = await listed(talker, **query)
        walked += [each["reference"] for each in part["data"]]
        cursor = part["next_cursor"]
        if not part["has_more"]:
            break
    assert walked == names
    back = await listed(talker, limit=200, order="desc")
    assert [each["reference"] for each in back["data"]] == names[::-1]
    found = await listed(talker, q="SEARCH THE WEB")
    assert [each["reference"] for each in found["data"]] == ["web_search"]
    refused = await talker.call("GET", PATH, params={"cursor": "x"})
    assert refused.json()["code"] == "cursor_invalid"


async def test_credentials_are_looked_up_once_for_all_tools(talker, kernel):
    engine = kernel.database.engine.sync_engine
    asked = []

    def before_statement(connection, cursor, statement, *rest):
        asked.append(statement)

    async def queries():
        asked.clear()
        event.listen(engine, "before_cursor_execute", before_statement)
        try:
            await listed(talker, source="custom")
        finally:
            event.remove(engine, "before_cursor_execute", before_statement)
        return len([each for each in asked if "FROM tool_credentials" in each])

    request = {"credential": {"name": "crm"}}
    await made(talker, url="https://a.example.com/{id}", request=request)
    few = await queries()
    for n in range(5):
        await made(talker, slug=f"t{n}", url="https://a.example.com/{id}", request=request)
    assert await queries() == few > 0

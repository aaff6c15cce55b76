"""The functions in Postgres that search: what they may read, and what nobody can make them read."""

import json
from collections.abc import Iterator
from uuid import uuid4

import pytest
from sqlalchemy import make_url, text

from app.core.db import APP_ROLE, SYSTEM, Database, Scope, sync_engine
from app.core.ids import new_id
from app.core.migrations import upgrade
from app.identity.workspaces.models import Workspace
from app.knowledge.passages import service
from app.knowledge.passages.draft import Draft, Subject
from app.knowledge.passages.lexical import Lexical, Narrow
from app.knowledge.passages.words import read_words
from app.knowledge.vectors.index import Reach
from tests.conftest import create_database
from tests.knowledge.search.conftest import new_library

FUNCTIONS = text("""
    select proname, proconfig, rolname, rolsuper, rolcanlogin, rolbypassrls,
        has_function_privilege('public', p.oid, 'execute') as everyones,
        has_table_privilege(rolname, 'passages', 'select') as reads,
        has_table_privilege(rolname, 'passages', 'insert, update, delete') as writes,
        has_table_privilege(rolname, 'messages', 'select') as reads_more,
        has_schema_privilege(rolname, 'public', 'create') as makes
    from pg_proc p join pg_roles r on r.oid = proowner
    where proname in ('luminous_search', 'luminous_suggest') order by proname
""")
SEARCH = text("""
    select passage_id from luminous_search(
        cast(:asked as jsonb), cast(:reach as jsonb), cast(:narrow as jsonb), 100)
""")
SUGGEST = text("select suggestion from luminous_suggest('se', cast(:reach as jsonb), 100)")


async def test_they_run_as_a_role_that_reads_passages_and_nothing_else(kernel):
    async with kernel.database.unit(SYSTEM) as session:
        rows = (await session.execute(FUNCTIONS)).all()
    assert [row.proname for row in rows] == ["luminous_search", "luminous_suggest"]
    for row in rows:
        assert row.proconfig == ["search_path=pg_catalog, pg_temp"]
        assert row.rolname == "luminous_searcher"
        assert (row.rolsuper, row.rolcanlogin, row.rolbypassrls) == (False, False, True)
        assert (row.reads, row.writes, row.reads_more, row.makes) == (True, False, False, False)
        assert not row.everyones


async def test_no_argument_leads_into_another_workspace(app, client, library):
    theirs = await new_library(app, client)
    subject, parent = new_id(), new_id()
    await theirs.put(
        Draft("A secret frog.", "Secret", language="en"), parent_id=parent, subject_id=subject
    )
    await library.put(Draft("My own frog.", "Sea", language="en"))
    workspace = str(theirs.access.workspace_id)
    reaches = [
        [{"kind": "document"}],
        [{"kind": "document", "parents": [str(parent)]}],
        [
            {"kind": "document", "owner": workspace},
            {"kind": "document", "subjects": [str(subject)]},
        ],
        [{"kind": "document", "workspace_id": workspace, "tenant": workspace}],
    ]
    asked = {
        "terms": [
            {"text": word, "prefix": True} for word in ("frog", workspace, f"x' | '{workspace}")
        ],
        "phrases": [],
        "configs": [{"name": "english", "passages": 2}, {"name": "simple", "passages": 2}],
        "mean": 3,
        "common": {},
        "workspace_id": workspace,
    }
    mine = Scope(library.access.workspace_id)
    for scope, seen in ((mine, 1), (Scope(), 0), (SYSTEM, 0)):
        found, suggested = set(), set()
        for reach in reaches:
            given = {"asked": json.dumps(asked), "reach": json.dumps(reach), "narrow": "{}"}
            async with app.state.kernel.database.unit(scope) as session:
                found |= set((await session.scalars(SEARCH, given)).all())
                suggested |= set((await session.scalars(SUGGEST, {"reach": given["reach"]})).all())
        assert len(found) == seen
        assert suggested == ({"Sea"} if seen else set())


@pytest.fixture
def plain_url(stores, settings, worker_number) -> Iterator[str]:
    """A database whose owner, who migrates it, is bound by policies and may not say otherwise.

    The roles of the service are there before: `settings` has migrated another database.
    """
    name, password = f"plain_{worker_number}", uuid4().hex
    url = make_url(create_database(stores[0], name))
    admin = sync_engine(stores[0]).execution_options(isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.exec_driver_sql(f"drop role if exists {name}")
        connection.exec_driver_sql(
            f"create role {name} login nosuperuser nobypassrls createrole password '{password}'"
        )
        connection.exec_driver_sql(f"grant {APP_ROLE} to {name}")
        connection.exec_driver_sql(f"alter database {name} owner to {name}")
        yield url.set(username=name, password=password).render_as_string(hide_password=False)
        connection.exec_driver_sql(f"drop database {name} with (force)")
        connection.exec_driver_sql(f"drop role {name}")
    admin.dispose()


async def test_without_the_right_to_pass_policies_they_are_slower_and_as_right(plain_url):
    upgrade(plain_url)
    database = Database(plain_url, pool_size=2)
    mine, theirs = new_id(), new_id()
    try:
        async with database.unit(SYSTEM) as session:
            (row, _) = (await session.execute(FUNCTIONS)).all()
            session.add_all([Workspace(id=each, name="W") for each in (mine, theirs)])
        assert not row.rolbypassrls
        for workspace_id in (mine, theirs):
            subject = Subject(workspace_id, "document", new_id(), new_id(), parent_id=new_id())
            async with database.unit(Scope(workspace_id)) as session:
                await service.put(session, subject, [Draft("Frogs eat flies.", language="en")])
        async with database.unit(Scope(mine)) as session:
            found = await Lexical().search(
                session, mine, read_words("frog"), [Reach("document")], Narrow(), 10
            )
        assert len(found) == 1
    finally:
        await database.close()

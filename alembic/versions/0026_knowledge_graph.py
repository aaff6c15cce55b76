"""The knowledge graph: entities, relations, and what each is told by."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from app.core.migration_ops import count_versions, grant, protect

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

# Takes out what nothing tells of any more, and marks the rest as changed. It waits for nobody: who
# holds a row may be about to add to it, so that row is left to be looked at again (graph_orphans).
# Each statement here sees what was committed before it, so a row that was locked first is judged by
# all there is. What people have made or changed stays, and what merges hold together.
SETTLE = """
create function luminous_settle_graph(entities uuid[], relations uuid[]) returns void
language plpgsql as $$
declare
    held uuid[];
    ends uuid[];
    roots uuid[];
begin
    while cardinality(relations) > 0 loop
        select coalesce(array_agg(id), '{}') into held from (
            select id from graph_relations where id in (
                select unnest(relations) union
                select root_id from graph_relations where id = any(relations))
            order by id for update skip locked
        ) as found;
        insert into graph_orphans (workspace_id, relation_id)
            select workspace_id, id from graph_relations
            where id in (select unnest(relations) except select unnest(held));
        with gone as (
            delete from graph_relations r
            where r.id = any(held) and r.origin = 'extracted' and r.deleted_at is null
                and r.description is null and r.properties = '{}'
                and not exists (select from graph_contributions c where c.relation_id = r.id)
                and not exists (
                    select from graph_relations m where m.root_id = r.id and m.id <> r.id)
            returning r.id, r.root_id, r.source_id, r.target_id
        )
        select coalesce(array_agg(source_id) || array_agg(target_id), '{}'),
            coalesce(array_agg(root_id) filter (where root_id <> id), '{}')
            into ends, roots from gone;
        entities := entities || ends;
        update graph_relations set told_at = clock_timestamp() where id = any(held);
        relations := roots;
    end loop;
    if cardinality(entities) = 0 then
        return;
    end if;
    select coalesce(array_agg(id), '{}') into held from (
        select id from graph_entities where id in (
            select unnest(entities) union
            select root_id from graph_entities where id = any(entities))
        order by id for update skip locked
    ) as found;
    insert into graph_orphans (workspace_id, entity_id)
        select workspace_id, id from graph_entities
        where id in (select unnest(entities) except select unnest(held));
    delete from graph_entities e
        where e.id = any(held) and e.origin = 'extracted' and e.deleted_at is null
            and e.name is null and e.type is null and e.description is null
            and e.aliases = '[]' and e.properties = '{}' and e.merged_into_id is null
            and not exists (select from graph_contributions c where c.entity_id = e.id)
            and not exists (
                select from graph_relations r where r.source_id = e.id or r.target_id = e.id)
            and not exists (select from graph_entities m where m.merged_into_id = e.id)
            and not exists (
                select from graph_merges u where u.workspace_id = e.workspace_id
                    and u.kind = 'split' and u.undone_at is null
                    and jsonb_exists(u.entity_ids, cast(e.id as text)));
    update graph_entities set told_at = clock_timestamp() where id = any(held);
end $$
"""
# Whatever deletes a contribution (a passage that goes with its document, say), the graph follows.
UNTOLD = """
create function luminous_untold() returns trigger language plpgsql as $$
declare
    entities uuid[];
    relations uuid[];
begin
    select coalesce(array_agg(distinct entity_id) filter (where entity_id is not null), '{}'),
        coalesce(array_agg(distinct relation_id) filter (where relation_id is not null), '{}')
        into entities, relations from untold;
    if cardinality(entities) + cardinality(relations) > 0 then
        perform luminous_settle_graph(entities, relations);
    end if;
    return null;
end $$
"""
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _make_entities()
    _make_relations()
    _make_contributions()
    _make_readings()
    _make_merges()
    _make_schemas()
    op.create_table(
        "graph_orphans",
        sa.Column("id", sa.UUID(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("workspace_id", sa.UUID(), nullable=False),
        sa.Column("entity_id", sa.UUID(), nullable=True),
        sa.Column("relation_id", sa.UUID(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_graph_orphans")),
    )
    for table in (
        "graph_entities", "graph_relations", "graph_contributions", "graph_readings",
        "graph_merges", "graph_schemas", "graph_orphans",
    ):  # fmt: skip
        grant(table)
        protect(table)
    for table in ("graph_entities", "graph_relations", "graph_schemas"):
        count_versions(table)
    op.execute(SETTLE)
    op.execute(UNTOLD)
    op.execute(
        "create trigger graph_contributions_untold after delete on graph_contributions "
        "referencing old table as untold for each statement execute function luminous_untold()"
    )


def _restorable() -> list[sa.Column]:
    return [
        sa.Column("deleted_at", MOMENT, nullable=True),
        *_times(),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
    ]


def _times() -> list[sa.Column]:
    return [
        sa.Column("created_at", MOMENT, server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", MOMENT, server_default=sa.text("now()"), nullable=False),
    ]


def _foreign(table: str, column: str, target: str, ondelete: str = "CASCADE") -> sa.Constraint:
    return sa.ForeignKeyConstraint(
        [column], [f"{target}.id"], name=op.f(f"fk_{table}_{column}"), ondelete=ondelete
    )


def _make_entities() -> None:
    table = "graph_entities"
    op.create_table(
        table,
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("workspace_id", sa.UUID(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("fold", sa.Text(), nullable=False),
        sa.Column("initials", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("type", sa.Text(), nullable=True),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("aliases", postgresql.JSONB(), nullable=False),
        sa.Column("properties", postgresql.JSONB(), nullable=False),
        sa.Column("merged_into_id", sa.UUID(), nullable=True),
        sa.Column("root_id", sa.UUID(), nullable=False),
        sa.Column("told_at", MOMENT, nullable=False),
        *_restorable(),
        _foreign(table, "workspace_id", "workspaces"),
        _foreign(table, "merged_into_id", table, "SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    )
    op.create_index("uq_graph_entities_key", table, ["workspace_id", "key"], unique=True)
    op.create_index("ix_graph_entities_list", table, ["workspace_id", "created_at", "id"])
    op.create_index("ix_graph_entities_fold", table, ["workspace_id", "fold", "id"])
    op.create_index("ix_graph_entities_initials", table, ["workspace_id", "initials"])
    op.create_index("ix_graph_entities_root_id", table, ["root_id"])
    op.create_index("ix_graph_entities_merged_into_id", table, ["merged_into_id"])


def _make_relations() -> None:
    table = "graph_relations"
    op.create_table(
        table,
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("workspace_id", sa.UUID(), nullable=False),
        sa.Column("source_id", sa.UUID(), nullable=False),
        sa.Column("target_id", sa.UUID(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("properties", postgresql.JSONB(), nullable=False),
        sa.Column("root_id", sa.UUID(), nullable=False),
        sa.Column("told_at", MOMENT, nullable=False),
        *_restorable(),
        _foreign(table, "workspace_id", "workspaces"),
        _foreign(table, "source_id", "graph_entities"),
        _foreign(table, "target_id", "graph_entities"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    )
    ends = ["source_id", "target_id", "type"]
    op.create_index("uq_graph_relations_ends", table, ends, unique=True)
    op.create_index("ix_graph_relations_list", table, ["workspace_id", "created_at", "id"])
    op.create_index("ix_graph_relations_target_id", table, ["target_id"])
    op.create_index("ix_graph_relations_root_id", table, ["root_id"])


def _make_contributions() -> None:
    table = "graph_contributions"
    op.create_table(
        table,
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("workspace_id", sa.UUID(), nullable=False),
        sa.Column("passage_id", sa.UUID(), nullable=False),
        sa.Column("entity_id", sa.UUID(), nullable=True),
        sa.Column("relation_id", sa.UUID(), nullable=True),
        sa.Column("extractor", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("spans", postgresql.JSONB(), nullable=False),
        *_times(),
        _foreign(table, "workspace_id", "workspaces"),
        _foreign(table, "passage_id", "passages"),
        _foreign(table, "entity_id", "graph_entities"),
        _foreign(table, "relation_id", "graph_relations"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    )
    op.create_index("ix_graph_contributions_passage_id", table, ["passage_id", "extractor"])
    for end in ("entity_id", "relation_id"):
        op.create_index(f"ix_graph_contributions_{end}", table, [end, "passage_id"])
    op.create_index("ix_graph_contributions_list", table, ["workspace_id", "created_at", "id"])


def _make_readings() -> None:
    table = "graph_readings"
    op.create_table(
        table,
        sa.Column("passage_id", sa.UUID(), nullable=False),
        sa.Column("extractor", sa.Text(), nullable=False),
        sa.Column("workspace_id", sa.UUID(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("read_at", MOMENT, nullable=False),
        _foreign(table, "passage_id", "passages"),
        _foreign(table, "workspace_id", "workspaces"),
        sa.PrimaryKeyConstraint("passage_id", "extractor", name=op.f(f"pk_{table}")),
    )
    op.create_index("ix_graph_readings_workspace_id", table, ["workspace_id"])


def _make_merges() -> None:
    table = "graph_merges"
    op.create_table(
        table,
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("workspace_id", sa.UUID(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("entity_id", sa.UUID(), nullable=False),
        sa.Column("from_id", sa.UUID(), nullable=True),
        sa.Column("entity_ids", postgresql.JSONB(), nullable=False),
        sa.Column("moved", postgresql.JSONB(), nullable=False),
        sa.Column("user_id", sa.UUID(), nullable=False),
        sa.Column("undone_at", MOMENT, nullable=True),
        sa.Column("undone_by_id", sa.UUID(), nullable=True),
        *_times(),
        _foreign(table, "workspace_id", "workspaces"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    )
    op.create_index("ix_graph_merges_list", table, ["workspace_id", "created_at", "id"])


def _make_schemas() -> None:
    table = "graph_schemas"
    op.create_table(
        table,
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("workspace_id", sa.UUID(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("parent_id", sa.UUID(), nullable=True),
        sa.Column("model", sa.Text(), nullable=True),
        sa.Column("instructions", sa.Text(), nullable=False),
        sa.Column("entity_types", postgresql.JSONB(), nullable=False),
        sa.Column("relation_types", postgresql.JSONB(), nullable=False),
        sa.Column("automatic", sa.Boolean(), nullable=False),
        sa.Column("owner_id", sa.UUID(), nullable=False),
        sa.Column("asked_by", postgresql.JSONB(), nullable=False),
        *_restorable(),
        _foreign(table, "workspace_id", "workspaces"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    )
    op.create_index("ix_graph_schemas_list", table, ["workspace_id", "created_at", "id"])
    op.create_index(
        "ix_graph_schemas_automatic",
        table,
        ["parent_id"],
        postgresql_where=sa.text("automatic AND deleted_at IS NULL"),
    )


def downgrade() -> None:
    for table in (
        "graph_orphans", "graph_schemas", "graph_merges", "graph_readings",
        "graph_contributions", "graph_relations", "graph_entities",
    ):  # fmt: skip
        op.drop_table(table)
    op.execute("drop function luminous_untold()")
    op.execute("drop function luminous_settle_graph(uuid[], uuid[])")

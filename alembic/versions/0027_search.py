"""Full-text search over passages, and evaluations of search."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from app.core.db import APP_ROLE
from app.core.migration_ops import count_versions, grant, protect

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

# What the index holds: a passage's lexemes and, as one more, its workspace. One look into the index
# then finds a workspace's own passages, however many others have the word.
INDEXED = "(lexemes || array_to_tsvector(array[workspace_id::text]))"
RULES = """from jsonb_to_recordset(reach)
        as r(kind text, parents uuid[], owner uuid, subjects uuid[])
    where r.kind = p.kind
        and (
            (r.parents is null and r.owner is null)
            or p.parent_id = any(r.parents)
            or p.user_id = r.owner
        )
        and (r.subjects is null or p.subject_id = any(r.subjects))"""
REACHED = f"exists (select {RULES})"
# The same, where the rows must stay in their order.
REACHED_ONE = f"(select true {RULES} limit 1) is true"
TITLED = 'left(lower(title), 200) collate "C"'
OWN = "nullif(current_setting('luminous.workspace_id', true), '')::uuid"
# `@@` is not leakproof: under row-level security no index is used for it. These functions run as a
# role that is not bound by policies and may read passages and nothing else; they take the workspace
# from the transaction's own setting, never from their caller.
SEARCHER = "luminous_searcher"
DEFINER = "security definer set search_path = pg_catalog, pg_temp"
FUNCTIONS = {
    "luminous_search(jsonb, jsonb, jsonb, integer)": f"""
        create function luminous_search(asked jsonb, reach jsonb, narrow jsonb, most integer)
        returns table (passage_id uuid, score double precision, share double precision)
        language plpgsql stable {DEFINER} as $$
        #variable_conflict use_column
        declare
            bound constant integer := 2000;
            tenant uuid := {OWN};
            own tsquery := quote_literal(tenant::text)::tsquery;
            total double precision;
            mean double precision := greatest((asked->>'mean')::double precision, 1);
            must tsquery := own;
            queries tsquery[] := '{{}}';
            weights double precision[] := '{{}}';
            frequencies double precision[] := '{{}}';
            tiers tsquery[] := '{{}}';
            tier tsquery;
            found uuid[] := '{{}}';
            term record;
            frequency double precision;
            weight double precision;
            asked_for double precision := 0;
            rare integer := 0;
            summed double precision := 0;
        begin
            if tenant is null or most < 1 then
                return;
            end if;
            select coalesce(sum((c->>'passages')::double precision), 0) into total
            from jsonb_array_elements(asked->'configs') c;
            -- Phrases and exclusions, in the words of every configuration that there is.
            for term in
                select e.value->>'text' as said, (e.value->>'excluded')::boolean as excluded
                from jsonb_array_elements(asked->'phrases') e
            loop
                select string_agg('(' || q::text || ')', ' | ')::tsquery into tier from (
                    select distinct phraseto_tsquery((c->>'name')::regconfig, term.said) as q
                    from jsonb_array_elements(asked->'configs') c
                ) variants where numnode(q) > 0;
                if tier is not null then
                    must := must && case when term.excluded then !!tier else tier end;
                end if;
            end loop;
            -- Each word with its forms by configuration, and how many passages have one of them.
            for term in
                with words as (
                    select no, item->>'text' as word, (item->>'prefix')::boolean as prefix
                    from jsonb_array_elements(asked->'terms') with ordinality as t(item, no)
                ), configs as (
                    select (c->>'name')::regconfig as config,
                        (c->>'passages')::double precision as passages
                    from jsonb_array_elements(asked->'configs') c
                ), forms as (
                    select no, prefix, config, passages, lexeme, positions[1] as place
                    from words, configs, unnest(to_tsvector(config, word))
                    union
                    select no, prefix, config, passages, lexeme, positions[1]
                    from words, configs, unnest(to_tsvector('simple', word)) where prefix
                ), covered as (
                    select no, place, sum(passages) as passages
                    from (select distinct no, place, config, passages from forms) each_config
                    group by no, place
                ), spelled as (
                    select no, place, array_agg(distinct lexeme) as lexemes,
                        string_agg(
                            distinct '''' || replace(replace(lexeme, '\\', '\\\\'), '''', '''''')
                            || '''' || case when prefix then ':*' else '' end, ' | '
                        )::tsquery as query
                    from forms group by no, place
                )
                select query, min(no) as no, max((
                    select max((asked->'common'->>lexeme)::double precision)
                    from unnest(lexemes) lexeme
                )) as share, max(total - c.passages) as stopped
                from spelled join covered c using (no, place) group by query order by 2 limit 40
            loop
                if term.share is null then
                    select count(*) into frequency from (
                        select from public.passages p
                        where {INDEXED} @@ (own && term.query) and p.workspace_id = tenant
                        limit bound * 3
                    ) having_it;
                else
                    frequency := term.share * total;
                end if;
                weight := least(total, frequency + greatest(term.stopped, 0));
                weight := ln(1 + (total - weight + 0.5) / (weight + 0.5));
                asked_for := asked_for + weight;
                if frequency > 0 then
                    queries := queries || term.query;
                    frequencies := frequencies || frequency;
                    weights := weights || weight;
                end if;
            end loop;
            if cardinality(queries) = 0 then
                return;
            end if;
            -- Rarest first. What has one of the rare words is looked at whole; common words have
            -- to come together, at first all of them, then without the most common ones.
            select array_agg(q order by f), array_agg(w order by f), array_agg(f order by f)
            into queries, weights, frequencies
            from unnest(queries, weights, frequencies) as t(q, w, f);
            for i in 1..cardinality(queries) loop
                summed := summed + frequencies[i];
                exit when summed > bound;
                rare := i;
                tier := case when i = 1 then queries[1] else tier || queries[i] end;
            end loop;
            if rare > 0 then
                tiers := tiers || tier;
            end if;
            for i in reverse cardinality(queries)..rare + 1 loop
                tier := queries[rare + 1];
                for j in rare + 2..i loop
                    tier := tier && queries[j];
                end loop;
                tiers := tiers || tier;
            end loop;
            foreach tier in array tiers loop
                found := found || array(
                    select p.id from public.passages p
                    where {INDEXED} @@ (must && tier) and p.workspace_id = tenant
                        and {REACHED}
                        and (narrow->'configs' is null or narrow->'configs' ? p.config::text)
                        and (narrow->>'since' is null
                            or p.created_at >= (narrow->>'since')::timestamptz)
                        and (narrow->>'until' is null
                            or p.created_at < (narrow->>'until')::timestamptz)
                    limit bound
                );
                exit when cardinality(found) >= most * 5;
            end loop;
            -- ts_rank of one word counted n times is the sum of 1/i^2 up to n over its limit, which
            -- is n/(n + 0.645) within a hundredth: so n comes back, and BM25 is reckoned from it.
            return query
            with looked as materialized (
                select p.id, p.lexemes || ''::tsvector as held, length(p.lexemes) as size
                from public.passages p where p.id = any(found) and p.workspace_id = tenant
            ), counted as (
                select id, size, weight, 0.645 * least(rank, 0.99) / (1 - least(rank, 0.99)) as n
                from looked, unnest(queries, weights) as t(query, weight),
                    lateral (
                        select ts_rank('{{1, 1, 1, 1}}', held, query)::double precision as rank
                        offset 0
                    ) ranked
            )
            select id, sum(weight * n * 2.2 / (n + 1.2 * (0.25 + 0.75 * size / mean))) as reached,
                least(1, sum(weight) / greatest(asked_for, 0.001))
            from counted where n > 0 group by id order by reached desc, id limit most;
        end $$""",
    "luminous_suggest(text, jsonb, integer)": f"""
        create function luminous_suggest(beginning text, reach jsonb, most integer)
        returns table (suggestion text, kind text)
        language plpgsql stable {DEFINER} as $$
        #variable_conflict use_column
        declare
            tenant uuid := {OWN};
            last text collate "C" := left(lower(beginning), 200);
            beyond text collate "C" := last || chr(1114111);
            this record;
            left_over integer := 40;
        begin
            if tenant is null or last = '' then
                return;
            end if;
            -- From one title to the next one: what has a thousand passages is looked at once.
            while most > 0 and left_over > 0 loop
                left_over := left_over - 1;
                select looked.key, looked.title, looked.kind, looked.reached into this from (
                    select {TITLED} as key, p.title, p.kind, {REACHED_ONE} as reached
                    from public.passages p
                    where p.workspace_id = tenant and {TITLED} >= last and {TITLED} < beyond
                    order by {TITLED} limit 200
                ) looked
                order by not looked.reached, case when looked.reached then looked.key end,
                    looked.key desc
                limit 1;
                exit when this is null;
                if this.reached then
                    suggestion := this.title;
                    kind := this.kind;
                    most := most - 1;
                    return next;
                end if;
                last := this.key || chr(1);
            end loop;
        end $$""",
}


def upgrade() -> None:
    op.execute(f"create index ix_passages_lexemes on passages using gin ({INDEXED})")
    op.execute("create index ix_passages_config on passages (workspace_id, config, id)")
    op.execute(
        f"create index ix_passages_title on passages (workspace_id, ({TITLED})) "
        "include (kind, parent_id, subject_id, user_id)"
    )
    for name, made in FUNCTIONS.items():
        op.execute(made)
        op.execute(f"revoke all on function {name} from public")
        op.execute(f"grant execute on function {name} to {APP_ROLE}")
    _hand_to_searcher()
    _make_evaluations()


def _hand_to_searcher() -> None:
    """Have the functions run as SEARCHER; without the right to, as their owner, bound by policies.

    Only a role that may bypass policies makes one that may; another one's administrator makes it
    before (docs/decisions/0036). A role belongs to the server: it may exist, and stays.
    """
    given = "; ".join(f"alter function {name} owner to {SEARCHER}" for name in FUNCTIONS)
    op.execute(f"""
        do $$ begin
            create role {SEARCHER} nologin nosuperuser bypassrls nocreatedb nocreaterole;
        exception when duplicate_object or unique_violation or insufficient_privilege then null;
        end $$
    """)
    op.execute(f"""
        do $$ begin
            if not (select rolsuper from pg_roles where rolname = current_user) then
                execute format('grant {SEARCHER} to %I', current_user);
            end if;
        exception when insufficient_privilege or undefined_object then null;
        end $$
    """)
    op.execute(f"""
        do $$ begin
            if (select rolbypassrls from pg_roles where rolname = '{SEARCHER}') then
                grant usage, create on schema public to {SEARCHER};
                {given};
                revoke create on schema public from {SEARCHER};
                grant select on passages to {SEARCHER};
            end if;
        exception when insufficient_privilege then
            raise notice 'full-text search runs without its index: see decision 0036';
        end $$
    """)


def _make_evaluations() -> None:
    json, moment = postgresql.JSONB(), sa.DateTime(timezone=True)
    _make_restorable(
        "search_question_sets",
        sa.Column("user_id", sa.UUID(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("questions", json, nullable=False),
    )
    _make_restorable(
        "search_evaluations",
        sa.Column("user_id", sa.UUID(), nullable=False),
        sa.Column("run_id", sa.UUID(), nullable=False),
        sa.Column("question_set_id", sa.UUID(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("question_count", sa.Integer(), nullable=False),
        sa.Column("filters", json, nullable=False),
        sa.Column("configurations", json, nullable=False),
        sa.Column("results", json, nullable=True),
        sa.Column("ended_at", moment, nullable=True),
    )
    op.create_index(
        "ix_search_question_sets_list", "search_question_sets", ["workspace_id", "created_at", "id"]
    )
    op.create_index(
        "ix_search_evaluations_list",
        "search_evaluations",
        ["workspace_id", "user_id", "created_at", "id"],
    )
    table, begin = "search_evaluation_questions", sa.text("now()")
    op.create_table(
        table,
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("workspace_id", sa.UUID(), nullable=False),
        sa.Column("evaluation_id", sa.UUID(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("relevant", json, nullable=False),
        sa.Column("outcomes", json, nullable=True),
        sa.Column("created_at", moment, server_default=begin, nullable=False),
        sa.Column("updated_at", moment, server_default=begin, nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name=op.f(f"fk_{table}_workspace_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["evaluation_id"],
            ["search_evaluations.id"],
            name=op.f(f"fk_{table}_evaluation_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    )
    op.create_index("ix_search_evaluation_questions_list", table, ["evaluation_id", "position"])
    op.create_index("ix_search_evaluation_questions_workspace_id", table, ["workspace_id"])
    grant(table)
    protect(table)


def _make_restorable(table: str, *columns: sa.Column[object]) -> None:
    moment, begin = sa.DateTime(timezone=True), sa.text("now()")
    op.create_table(
        table,
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("workspace_id", sa.UUID(), nullable=False),
        *columns,
        sa.Column("deleted_at", moment, nullable=True),
        sa.Column("created_at", moment, server_default=begin, nullable=False),
        sa.Column("updated_at", moment, server_default=begin, nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name=op.f(f"fk_{table}_workspace_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    )
    grant(table)
    protect(table)
    count_versions(table)


def downgrade() -> None:
    op.drop_table("search_evaluation_questions")
    op.drop_table("search_evaluations")
    op.drop_table("search_question_sets")
    for name in FUNCTIONS:
        op.execute(f"drop function {name}")
    for name in ("ix_passages_title", "ix_passages_config", "ix_passages_lexemes"):
        op.drop_index(name, table_name="passages")

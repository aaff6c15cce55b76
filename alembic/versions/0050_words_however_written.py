"""Words are found without their accents, and beside marks that are not ASCII."""

from alembic import op

revision = "0050"
down_revision = "0049"
branch_labels = None
depends_on = None

# Quotation marks, dashes, bullets, wide spaces: where a locale takes whatever is not ASCII for a
# letter (`C`, which is common), they would be parts of the words that they stand beside.
MARKS = (
    r"\u00a0-\u00a9\u00ab-\u00b1\u00b4\u00b6\u00b8\u00bb\u00bf\u00d7\u00f7\u037e\u0589\u060c\u061b"
    r"\u061f\u06d4\u0964\u0965\u2000-\u200b\u200e-\u206f\u20a0-\u20cf\u2190-\u2bff\u2e00-\u2e7f"
    r"\u3000-\u3004\u3008-\u3020\u3030\ufe10-\ufe1f\ufe30-\ufe6f\uff01-\uff0f\uff1a-\uff20"
    r"\uff3b-\uff40\uff5b-\uff65\U0001f000-\U0001faff"
)
ACCENTED = r"\u00c0-\u024f\u1e00-\u1eff"
INDEXED = "(lexemes || array_to_tsvector(array[workspace_id::text]))"
TITLED = 'left(lower({title}), 200) collate "C"'
PURE = "immutable parallel safe"
FUNCTIONS = {
    # Neither changes where a letter stands: so what is found in what they give is shown in a text.
    # Without a path of their own they are written into the queries that call them.
    "luminous_unmarked(text)": rf"""
        create function luminous_unmarked(said text) returns text language sql {PURE} as $$
            select pg_catalog.regexp_replace(said, '[{MARKS}]', ' ', 'g')
        $$""",
    "luminous_unaccented(text)": rf"""
        create function luminous_unaccented(said text) returns text language sql {PURE} as $$
            select case when said !~ '[{ACCENTED}]' then said else pg_catalog.translate(
                normalize(
                    pg_catalog.regexp_replace(
                        normalize(said, nfd), '(?<=[A-Za-z])[\u0300-\u036f]+', '', 'g'
                    ), nfc
                ), 'ĐđĦħıŁłØø', 'DdHhiLlOo'
            ) end
        $$""",
    # Beside the stem of an accented word, in its place, that of the word without accents: stems
    # are made of accents, so neither stands for the other. What is passed over in the one way is
    # in the other: `für` is not to be found by `fur`.
    "luminous_lexemes(regconfig, text)": f"""
        create function luminous_lexemes(config regconfig, said text) returns tsvector
        language plpgsql {PURE} strict set search_path = pg_catalog, pg_temp as $$
        declare
            words constant text := public.luminous_words(public.luminous_unmarked(said));
            unaccented constant text := public.luminous_unaccented(words);
            held constant tsvector := to_tsvector(config, words);
            more tsvector;
            places smallint[];
        begin
            if unaccented = words then
                return held;
            end if;
            more := to_tsvector(config, unaccented);
            places := array(select unnest(positions) from unnest(held));
            more := ts_delete(more, array(
                select lexeme from unnest(ts_delete(more, tsvector_to_array(held)))
                where not positions && places
            ));
            return (held::text || ' ' || more::text)::tsvector;
        end $$""",
}
# What searching says otherwise than revision 0027: before, and after.
REWORDED = {
    "luminous_search(jsonb, jsonb, jsonb, integer)": (
        ("unnest(to_tsvector(config, word))", "unnest(public.luminous_lexemes(config, word))"),
        ("unnest(to_tsvector('simple', word))", "unnest(public.luminous_lexemes('simple', word))"),
        (
            (
                "select distinct phraseto_tsquery((c->>'name')::regconfig, term.said) as q\n"
                "                    from jsonb_array_elements(asked->'configs') c\n"
            ),
            (
                "select distinct phraseto_tsquery((c->>'name')::regconfig, written) as q\n"
                "                    from jsonb_array_elements(asked->'configs') c,\n"
                "                        public.luminous_unmarked(term.said) unmarked,\n"
                "                        public.luminous_unaccented(unmarked) unaccented,\n"
                "                        unnest(array[unmarked, unaccented]) written\n"
            ),
        ),
        # Of the ways to write a word the one that a passage has most: `|` gives their mean.
        (
            "from looked, unnest(queries, weights) as t(query, weight),",
            (
                "from looked, (\n"
                "                    select string_to_array(query::text, ' | ')::tsquery[] as ways,"
                " weight\n"
                "                    from unnest(queries, weights) as t(query, weight) offset 0\n"
                "                ) terms,"
            ),
        ),
        (
            (
                "select ts_rank('{1, 1, 1, 1}', held, query)::double precision as rank\n"
                "                        offset 0"
            ),
            (
                "select case cardinality(ways)\n"
                "                            when 1 then ts_rank('{1, 1, 1, 1}', held, ways[1])\n"
                "                            else (select max(ts_rank('{1, 1, 1, 1}', held, way))\n"
                "                                from unnest(ways) way)\n"
                "                        end::double precision as rank\n"
                "                        offset 0"
            ),
        ),
    ),
    "luminous_suggest(text, jsonb, integer)": (
        ("left(lower(beginning), 200)", "left(lower(public.luminous_unaccented(beginning)), 200)"),
        ("left(lower(title), 200)", "left(lower(public.luminous_unaccented(title)), 200)"),
    ),
}


def upgrade() -> None:
    for made in FUNCTIONS.values():
        op.execute(made)
    _index("luminous_lexemes(config, title || ' ' || heading)", "luminous_lexemes(config, text)")
    _index_titles("public.luminous_unaccented(title)")
    for function, changes in REWORDED.items():
        _reword(function, changes)


def downgrade() -> None:
    for function, changes in REWORDED.items():
        _reword(function, tuple((after, before) for before, after in changes))
    _index(
        "to_tsvector(config, luminous_words(title || ' ' || heading))",
        "to_tsvector(config, luminous_words(text))",
    )
    _index_titles("title")
    for function in reversed(FUNCTIONS):
        op.execute(f"drop function {function}")


def _index(title: str, text: str) -> None:
    """Have the lexemes of passages made of these."""
    op.execute("alter table passages drop column lexemes")
    op.execute(f"""
        alter table passages add column lexemes tsvector generated always as (
            setweight({title}, 'A') || {text}
        ) stored
    """)
    op.execute(f"create index ix_passages_lexemes on passages using gin ({INDEXED})")


def _index_titles(title: str) -> None:
    op.execute("drop index ix_passages_title")
    op.execute(
        f"create index ix_passages_title on passages (workspace_id, ({TITLED.format(title=title)}))"
        " include (kind, parent_id, subject_id, user_id)"
    )


def _reword(function: str, changes: tuple[tuple[str, str], ...]) -> None:
    """Change a function where it stands: its owner and who may call it stay."""
    written = f"select pg_get_functiondef('{function}'::regprocedure)"
    said: str = op.get_bind().exec_driver_sql(written).scalar_one()
    for before, after in changes:
        if before not in said:
            raise LookupError(f"{function} does not say: {before}")
        said = said.replace(before, after)
    op.execute(said)

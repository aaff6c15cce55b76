"""Texts without spaces between words are found by pairs of their letters."""

from alembic import op

revision = "0048"
down_revision = "0047"
branch_labels = None
depends_on = None

# Kana, bopomofo, ideographs, Hangul, Thai, Lao, Burmese, Khmer; as app/knowledge/passages/pairs.py.
UNSPACED = (
    r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3100-\u312f\u31f0-\u31ff"
    r"\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff\uff66-\uff9f\U00020000-\U000323af"
)
INDEXED = "(lexemes || array_to_tsvector(array[workspace_id::text]))"


def upgrade() -> None:
    op.execute(f"""
        create function luminous_words(said text) returns text
        language sql immutable strict parallel safe set search_path = pg_catalog, pg_temp as $$
            select case when said !~ '[{UNSPACED}]' then said else (
                select string_agg(
                    case
                        when not unspaced then letter
                        when next_unspaced then ' ' || letter || next || ' '
                        else ' ' || letter || ' '
                    end, '' order by place
                ) from (
                    select place, letter, unspaced,
                        lead(letter) over in_order as next,
                        lead(unspaced) over in_order as next_unspaced
                    from (
                        select place, letter, letter ~ '[{UNSPACED}]' as unspaced
                        from unnest(string_to_array(said, null)) with ordinality t(letter, place)
                    ) letters
                    window in_order as (order by place)
                ) pairs
            ) end
        $$
    """)
    _index("luminous_words(title || ' ' || heading)", "luminous_words(text)")


def downgrade() -> None:
    _index("title || ' ' || heading", "text")
    op.execute("drop function luminous_words(text)")


def _index(title: str, text: str) -> None:
    """Have the words of passages made of these."""
    op.execute("alter table passages drop column lexemes")
    op.execute(f"""
        alter table passages add column lexemes tsvector generated always as (
            setweight(to_tsvector(config, {title}), 'A') || to_tsvector(config, {text})
        ) stored
    """)
    op.execute(f"create index ix_passages_lexemes on passages using gin ({INDEXED})")

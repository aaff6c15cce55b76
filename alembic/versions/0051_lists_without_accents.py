"""Lists of chats and of a dictionary's entries find words without their accents, too."""

from alembic import op

revision = "0051"
down_revision = "0050"
branch_labels = None
depends_on = None

BARE = "public.luminous_unaccented(folded)"
WORDS = "public.luminous_unaccented(public.luminous_unmarked({}))"


def upgrade() -> None:
    """The index of entries' lexemes goes with them: under row-level security none was used."""
    _index("messages", "search", WORDS.format("text"), " not null")
    _index("terminology_entries", "lexemes", WORDS.format("words"))
    op.execute(
        f"alter table terminology_terms add column bare text not null generated always as ({BARE})"
        " stored"
    )
    op.execute(
        "create index ix_terminology_terms_bare"
        " on terminology_terms (workspace_id, bare text_pattern_ops)"
    )


def downgrade() -> None:
    op.execute("alter table terminology_terms drop column bare")
    _index("terminology_entries", "lexemes", "words")
    op.execute(
        "create index ix_terminology_entries_lexemes on terminology_entries using gin (lexemes)"
    )
    _index("messages", "search", "text", " not null")


def _index(table: str, column: str, words: str, null: str = "") -> None:
    """Have the words of a list made of these."""
    op.execute(f"alter table {table} drop column {column}")
    op.execute(
        f"alter table {table} add column {column} tsvector{null}"
        f" generated always as (to_tsvector('simple', {words})) stored"
    )

"""What each migration that makes tables says of them: who may see which rows, and versions."""

from alembic import op

from app.core.db import APP_ROLE

# What a transaction may see, by the settings that `app.core.db.apply_scope` makes.
SYSTEM = "(select current_setting('luminous.system', true) = 'on')"
WORKSPACE = "(select nullif(current_setting('luminous.workspace_id', true), '')::uuid)"
USER = "(select nullif(current_setting('luminous.user_id', true), '')::uuid)"


def grant(table: str, rights: str = "select, insert, update, delete") -> None:
    """Let the service's own role use a table."""
    op.execute(f"grant {rights} on {table} to {APP_ROLE}")


def protect(table: str, rule: str = f"workspace_id = {WORKSPACE}") -> None:
    """Show a transaction only the rows that `rule` lets it see; the system sees all."""
    op.execute(f"alter table {table} enable row level security")
    op.execute(f"alter table {table} force row level security")
    op.execute(
        f"create policy {table}_tenant on {table} using ({SYSTEM} or {rule}) "
        f"with check ({SYSTEM} or {rule})"
    )


def count_versions(table: str, *, unless_changed: str | None = None) -> None:
    """Count a row's `version` up at every update, but for those of one column."""
    when = (
        f"when (old.{unless_changed} is not distinct from new.{unless_changed}) "
        if unless_changed
        else ""
    )
    op.execute(
        f"create trigger {table}_version before update on {table} for each row "
        f"{when}execute function luminous_count_version()"
    )

"""What budgets count outlives the calls it was counted from; keys fix their customer and tags."""

import sqlalchemy as sa
from alembic import op

from app.core.migration_ops import grant, protect

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

# Adds calls that are about to be forgotten to the budgets that they fall under (all, or those of
# some kinds of subject), in windows that are not over. It says what `budgets.crud.counted` and
# `budgets.windows` say. A workspace that is being deleted takes its budgets with it.
CARRY = """
create function luminous_carry(calls model_calls[], kinds text[]) returns void
language sql as $$
    insert into budget_carries
        (id, workspace_id, budget_id, window_name, customer, amount, created_at, updated_at)
    select gen_random_uuid(), b.workspace_id, b.id,
        case b."window"
            when 'total' then 'total'
            when 'day' then to_char(c.created_at at time zone b.timezone, 'YYYY-MM-DD')
            else to_char(c.created_at at time zone b.timezone, 'YYYY-MM')
        end || case when b."window" = 'total' or b.timezone = 'UTC' then '' else '@' || b.timezone
        end as window_name,
        case b.subject_type when 'all_customers' then c.customer else '' end as whose,
        sum(c.cost_usd), now(), now()
    from unnest(calls) c
    join budgets b on b.workspace_id = c.workspace_id
    join workspaces w on w.id = b.workspace_id
    where c.cost_usd <> 0
        and (kinds is null or b.subject_type = any (kinds))
        and (b."window" = 'total' or date_trunc(b."window", c.created_at at time zone b.timezone)
            >= date_trunc(b."window", now() at time zone b.timezone))
        and case b.subject_type
            when 'workspace' then true
            when 'all_customers' then c.customer is not null
            when 'customer' then c.customer = b.subject_id
            when 'route' then c.route = b.subject_id
            when 'tag' then c.tags @> jsonb_build_array(b.subject_id)
            when 'user' then c.user_id::text = b.subject_id
            when 'api_key' then c.api_key_id::text = b.subject_id
            when 'agent' then c.agent_id::text = b.subject_id
            when 'run' then c.run_id::text = b.subject_id
            else false
        end
        and (b.models = '[]' or exists (
            select from jsonb_array_elements_text(b.models) as model(pattern),
                replace(replace(replace(replace(replace(pattern,
                    '\\', '\\\\'), '%', '\\%'), '_', '\\_'), '*', '%'), '?', '_') as alike
            where c.reference like alike or c.model like alike))
    group by b.id, b.workspace_id, window_name, whose
    on conflict (budget_id, window_name, customer) do update
        set amount = budget_carries.amount + excluded.amount, updated_at = now()
$$
"""
DELETED = """
create function luminous_carry_deleted() returns trigger language plpgsql as $$
begin
    perform luminous_carry(array(select removed::model_calls from removed), null);
    return null;
end $$
"""
CLEARED = """
create function luminous_carry_cleared() returns trigger language plpgsql as $$
begin
    perform luminous_carry(array[old], array['customer', 'all_customers']);
    return null;
end $$
"""


def upgrade() -> None:
    _make_carries()
    for function in (CARRY, DELETED, CLEARED):
        op.execute(function)
    op.execute(
        "create trigger model_calls_carry_deleted after delete on model_calls "
        "referencing old table as removed for each statement "
        "execute function luminous_carry_deleted()"
    )
    op.execute(
        "create trigger model_calls_carry_cleared after update of customer on model_calls "
        "for each row when (old.customer is distinct from new.customer) "
        "execute function luminous_carry_cleared()"
    )
    # A customer whom nobody has heard of is looked up for a budget of each.
    op.create_index(
        "ix_model_calls_customer",
        "model_calls",
        ["workspace_id", "customer", "created_at"],
        postgresql_where=sa.text("customer IS NOT NULL"),
    )
    op.add_column("api_keys", sa.Column("customer", sa.Text(), nullable=True))
    fixed = sa.Column("tags_fixed", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    op.add_column("api_keys", fixed)


def _make_carries() -> None:
    table = "budget_carries"
    moment = sa.DateTime(timezone=True)
    op.create_table(
        table,
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("workspace_id", sa.UUID(), nullable=False),
        sa.Column("budget_id", sa.UUID(), nullable=False),
        sa.Column("window_name", sa.Text(), nullable=False),
        sa.Column("customer", sa.Text(), nullable=False),
        sa.Column("amount", sa.Numeric(18, 9), nullable=False),
        sa.Column("created_at", moment, server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", moment, server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name=op.f("fk_budget_carries_workspace_id_workspaces"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["budget_id"],
            ["budgets.id"],
            name=op.f("fk_budget_carries_budget_id_budgets"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_budget_carries")),
    )
    once = ["budget_id", "window_name", "customer"]
    op.create_index("uq_budget_carries_once", table, once, unique=True)
    op.create_index("ix_budget_carries_customer", table, ["workspace_id", "customer"])
    grant(table)
    protect(table)


def downgrade() -> None:
    op.drop_column("api_keys", "tags_fixed")
    op.drop_column("api_keys", "customer")
    op.drop_index("ix_model_calls_customer", table_name="model_calls")
    op.execute("drop trigger model_calls_carry_cleared on model_calls")
    op.execute("drop trigger model_calls_carry_deleted on model_calls")
    op.execute("drop function luminous_carry_cleared()")
    op.execute("drop function luminous_carry_deleted()")
    op.execute("drop function luminous_carry(model_calls[], text[])")
    op.drop_table("budget_carries")

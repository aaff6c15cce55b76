"""What budgets count outlives the calls it was counted from; keys fix their customer and tags."""

import sqlalchemy as sa
from alembic import op

from app.core.migration_ops import grant, protect

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

# Adds calls that are about to be forgotten to the budgets that they fall under, in windows that are
# not over. It says what `budgets.crud.counted` and `budgets.windows` say. The calls are summed up
# before they meet the budgets, which may be many; every time zone's days begin on a quarter of an
# hour. A workspace that is being deleted takes its budgets with it.
CARRY = """
create function {name}() returns trigger language plpgsql as $$
begin
    with spent as (
        select c.workspace_id, c.reference, c.model, about.kind, about.id,
            case about.kind when 'all_customers' then c.customer else '' end as customer,
            date_bin('15 minutes', c.created_at, 'epoch') as began, sum(c.cost_usd) as cost
        from {calls} c
        join workspaces w on w.id = c.workspace_id
        cross join lateral (
            values ('workspace', ''),
                ('all_customers', case when c.customer is not null then '' end),
                ('customer', c.customer),
                ('route', c.route),
                ('user', c.user_id::text),
                ('api_key', c.api_key_id::text),
                ('agent', c.agent_id::text),
                ('run', c.run_id::text)
            union select 'tag', jsonb_array_elements_text(c.tags)
        ) as about (kind, id)
        where c.cost_usd <> 0 and {which}
        group by 1, 2, 3, 4, 5, 6, 7
    )
    insert into budget_carries
        (id, workspace_id, budget_id, window_name, customer, amount, created_at, updated_at)
    select gen_random_uuid(), b.workspace_id, b.id,
        case b."window"
            when 'total' then 'total'
            when 'day' then to_char(s.began at time zone b.timezone, 'YYYY-MM-DD')
            else to_char(s.began at time zone b.timezone, 'YYYY-MM')
        end || case when b."window" = 'total' or b.timezone = 'UTC' then '' else '@' || b.timezone
        end as window_name,
        s.customer, sum(s.cost), now(), now()
    from spent s
    join budgets b on b.workspace_id = s.workspace_id and b.subject_type = s.kind
        and coalesce(b.subject_id, '') = s.id
    where (b.deleted_at is null or b.deleted_at > now() - interval '31 days')
        and (b."window" = 'total' or date_trunc(b."window", s.began at time zone b.timezone)
            >= date_trunc(b."window", now() at time zone b.timezone))
        and (b.models = '[]' or exists (
            select from jsonb_array_elements_text(b.models) as model(pattern),
                replace(replace(replace(replace(replace(pattern,
                    '\\', '\\\\'), '%', '\\%'), '_', '\\_'), '*', '%'), '?', '_') as alike
            where s.reference like alike or s.model like alike))
    group by b.id, b.workspace_id, window_name, s.customer
    -- Whoever carries at the same time takes the rows in the same order.
    order by b.id, window_name, s.customer
    on conflict (budget_id, window_name, customer) do update
        set amount = budget_carries.amount + excluded.amount, updated_at = now();
    return null;
end $$
"""
DELETED = CARRY.format(name="luminous_carry_deleted", calls="removed", which="true")
# One call that loses its customer.
CLEARED = CARRY.format(
    name="luminous_carry_cleared",
    calls="(select old.*)",
    which="about.kind in ('customer', 'all_customers')",
)


def upgrade() -> None:
    _make_carries()
    for function in (DELETED, CLEARED):
        op.execute(function)
    op.execute(
        "create trigger model_calls_carry_deleted after delete on model_calls "
        "referencing old table as removed for each statement "
        "execute function luminous_carry_deleted()"
    )
    # Where a customer is erased, what was counted for them is not to be kept either.
    op.execute(
        "create trigger model_calls_carry_cleared after update of customer on model_calls "
        "for each row when (old.customer is distinct from new.customer "
        "and current_setting('luminous.carry', true) is distinct from 'off') "
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
        sa.Column("amount", sa.Numeric(38, 9), nullable=False),
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
    op.drop_table("budget_carries")

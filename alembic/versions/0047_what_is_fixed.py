"""What is settled when a thing is made: whom a task means, which key asked, what led to it.

Of what is there already: an address means the member who has it, as it does for new tasks. Versions
that were written before say nothing of a key.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0047"
down_revision = "0046"
branch_labels = None
depends_on = None

_MEANT = """
update workflow_waits set meant = coalesce((
    select jsonb_agg(distinct case
        when position('@' in each) = 0 or lower(each) like 'role:%' then lower(each)
        when users.email_verified_at is not null then users.id::text
        else users.id::text || ' ' || lower(each)
    end)
    from jsonb_array_elements_text(workflow_waits.assignees) as each
    left join (users join memberships on memberships.user_id = users.id)
        on lower(users.email) = lower(each)
        and memberships.workspace_id = workflow_waits.workspace_id
    where position('@' in each) = 0 or lower(each) like 'role:%' or users.id is not null
), '[]'::jsonb)
where kind = 'approval' and jsonb_array_length(assignees) > 0
"""


def upgrade() -> None:
    op.add_column(
        "workflow_waits",
        sa.Column(
            "meant", postgresql.JSONB(), server_default=sa.text("'[]'::jsonb"), nullable=False
        ),
    )
    # The owner of the tables sees what their policies let it see, unless it is a superuser.
    op.execute("select set_config('luminous.system', 'on', true)")
    op.execute(_MEANT)
    op.execute("select set_config('luminous.system', '', true)")
    op.create_index(
        "ix_workflow_runs_trigger",
        "workflow_runs",
        ["trigger_id", "created_at"],
        postgresql_where=sa.text("trigger_id is not null"),
    )
    op.add_column(
        "mailbox_messages",
        sa.Column("runs_behind", sa.Integer(), server_default=sa.text("0"), nullable=False),
    )
    op.add_column("workflow_versions", sa.Column("api_key_id", sa.Uuid(), nullable=True))
    op.add_column("workflow_deliveries", sa.Column("caller", postgresql.JSONB(), nullable=True))


def downgrade() -> None:
    op.drop_index("ix_workflow_runs_trigger", "workflow_runs")
    op.drop_column("workflow_deliveries", "caller")
    op.drop_column("workflow_versions", "api_key_id")
    op.drop_column("mailbox_messages", "runs_behind")
    op.drop_column("workflow_waits", "meant")

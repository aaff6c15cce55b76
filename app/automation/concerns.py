"""Which events of the outbox these rooms have to be told of, asked where they are closed too."""

from typing import Final

# A step waits for what happens, or for the end of a run, which is what the event is about.
TO_WAITS: Final = """exists (
    select 1 from workflow_waits
    where workflow_waits.workspace_id = outbox_events.workspace_id
    and kind = 'event' and subject = outbox_events.type and status = 'open'
    union all select 1 from workflow_waits
    where workflow_waits.workspace_id = outbox_events.workspace_id
    and kind = 'run' and subject = outbox_events.subject_id::text and status = 'open'
)"""
TO_TRIGGERS: Final = """exists (
    select 1 from workflow_triggers
    where workflow_triggers.workspace_id = outbox_events.workspace_id
    and event_type = outbox_events.type and enabled and deleted_at is null and kind = 'event'
)"""

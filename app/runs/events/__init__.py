"""The event log of a run: live in Valkey, kept in Postgres, read as a stream."""

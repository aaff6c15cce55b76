"""Collections of documents, their versions and snapshots."""

"""The HTTP edge: request context, guards, units of work, problem documents, event streams."""

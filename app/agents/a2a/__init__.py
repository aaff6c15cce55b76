"""A2A 1.0: agents of this service for other systems, and theirs as tools here."""

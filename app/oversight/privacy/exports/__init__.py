"""Archives of a person's data."""

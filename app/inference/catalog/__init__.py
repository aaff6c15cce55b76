"""The model catalogue: what each integration offers, what it can do and what it costs."""

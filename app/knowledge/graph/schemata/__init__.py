"""Schemas: what is looked for in a collection, and how."""

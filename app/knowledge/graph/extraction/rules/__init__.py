"""Entities and relations by rules: names by how they are written, terms by the dictionaries."""

"""Dictionaries: what concepts are kept in."""

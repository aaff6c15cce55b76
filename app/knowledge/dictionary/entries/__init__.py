"""Entries of a dictionary: a concept each, with its review and its history."""

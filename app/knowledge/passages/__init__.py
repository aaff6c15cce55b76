"""Passages: the pieces of documents, entries and messages that a search can find."""

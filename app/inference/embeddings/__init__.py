"""Embeddings: texts as vectors, by a small model of our own or by one of an integration."""

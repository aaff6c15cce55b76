"""Importing evaluations from elsewhere."""

"""Removing a person from every store, and the certificate of it."""

"""Connectors: where rows come from and go to, by named operations."""

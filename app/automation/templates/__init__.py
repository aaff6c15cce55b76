"""Workflows out of templates, which the agents' room keeps and fills in."""

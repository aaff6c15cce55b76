"""Workflows for tests: random graphs, and an engine whose process can be killed anywhere."""

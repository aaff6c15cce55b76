"""Fixtures and factories of the tests, a file a room."""

"""Runs Python code of strangers: in a process of its own that can reach nothing."""

"""Runs: their rows, their executor, their recovery."""

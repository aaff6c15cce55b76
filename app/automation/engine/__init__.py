"""Carries workflow runs out: walks the graph, keeps each step, and goes on where a process died."""

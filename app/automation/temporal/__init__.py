"""Temporal as the driver of workflow runs, for who runs a cluster. What they did stays with us."""

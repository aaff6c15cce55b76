"""Keeping a dictionary in step with one of another instance, by signed bundles of changes."""

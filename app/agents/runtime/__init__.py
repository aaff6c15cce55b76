"""Runs of agents: the loop, its journal, approvals, and what came of it."""

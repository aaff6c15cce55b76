"""Budgets: what may be spent by whom, in which time."""

"""Graders: what is looked at in an answer, and how it becomes a grade."""

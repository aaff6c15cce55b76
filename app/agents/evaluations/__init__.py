"""Evaluations: how well agents, models and prompts do on cases, and whether one does better."""

"""Evaluations: how well a workspace's searches find what they should, on its own questions."""

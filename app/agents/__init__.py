"""Agents: what they are, what they may use, how they work, remember, and talk to each other."""

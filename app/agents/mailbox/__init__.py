"""Durable messages between agents, people and programs: sent, routed, leased and answered."""

"""Guardrails: what is checked before, during and after a call, by policy."""

"""Routing: which of several models answers a request, and what comes after one that fails."""

"""Tickets for event streams, where a client can send no header."""

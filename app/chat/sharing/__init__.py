"""Sharing of conversations, and what a public link shows of one."""

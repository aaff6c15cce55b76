"""Roles: the built-in ones, and those a workspace makes of permissions."""

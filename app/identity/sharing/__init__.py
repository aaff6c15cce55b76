"""Sharing of single resources with a member, a role, or whoever holds a link."""

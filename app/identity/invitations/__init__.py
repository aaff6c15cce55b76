"""Invitations into a workspace, by e-mail and by link."""

"""The members of a workspace, and who owns it."""

"""Workflows as a workspace keeps them: definitions, their versions and labels."""

"""Conversations: metadata, search, deletion and restoration."""

"""Conversations with any model.

A turn stores what was said, runs detached, and its run's log is what clients read.
"""

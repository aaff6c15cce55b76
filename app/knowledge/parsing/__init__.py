"""Parsing: from a file of any office to text with its structure, and to pieces of it."""

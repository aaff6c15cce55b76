"""Readers, one a format: each takes the bytes of a file and writes its blocks."""

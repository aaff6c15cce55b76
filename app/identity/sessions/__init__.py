"""Signing in: access tokens, refresh families, signing keys."""

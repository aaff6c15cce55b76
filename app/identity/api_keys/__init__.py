"""API keys: scopes, expiry, checksum, hash."""

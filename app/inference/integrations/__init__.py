"""A workspace's connections to model providers, with write-only credentials."""

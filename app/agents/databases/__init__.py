"""Databases of others that a workspace connects, so that its agents may ask them and no more."""

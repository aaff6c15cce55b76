"""Databases of others that a workspace connects: its agents ask them, its workflows fill them."""

"""Signing in by others: OAuth and OpenID Connect providers, SAML, and accounts linked to them."""

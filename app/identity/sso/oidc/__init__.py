"""OpenID Connect, and the OAuth 2.0 of providers that stop short of it."""

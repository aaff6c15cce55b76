"""Which identity providers a workspace trusts, for which domains, and whose accounts it manages."""

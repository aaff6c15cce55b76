"""The ledger: every model call, its tokens and its cost."""

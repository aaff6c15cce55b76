"""Setting up second factors: what a person adds to the account, and takes away."""

"""Second factors: authenticator apps, recovery codes and passkeys, and how each is proved."""

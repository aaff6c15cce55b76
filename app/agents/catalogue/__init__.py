"""What agents can use here, from all sources."""

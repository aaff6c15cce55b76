"""What a workspace keeps in numbered versions: owned, shared, and named by slugs and labels."""

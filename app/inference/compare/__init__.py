"""Several models answer one prompt side by side, and a person says which did best."""

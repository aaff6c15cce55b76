"""How long a workspace keeps each class of data."""

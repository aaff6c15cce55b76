"""The node types: each one class, with a schema of its settings and a written example."""

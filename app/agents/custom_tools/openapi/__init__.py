"""OpenAPI 3.0 and 3.1 documents as tools: what each operation becomes, and what of it does not."""

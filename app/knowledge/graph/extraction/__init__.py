"""How entities and relations come out of passages: by rules, or by a model."""

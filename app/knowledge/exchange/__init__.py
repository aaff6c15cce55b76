"""Dictionaries out of and into files, packs for other systems' prompts, and bundles for peers."""

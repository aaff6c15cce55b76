"""What models do beside writing: embeddings, sound, pictures and moderation, passed on as bytes."""

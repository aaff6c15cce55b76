"""Model calls: asked, watched, handed to the next candidate, paid."""

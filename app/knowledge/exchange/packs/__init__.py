"""A dictionary as a part of another system's prompt, in the form that its vendor recommends."""

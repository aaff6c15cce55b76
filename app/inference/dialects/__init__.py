"""The wire dialects that clients speak: read, translated, rendered, or passed on as bytes."""

"""The termbase: concepts with their terms, what they were before, and who approved them."""

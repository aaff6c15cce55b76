"""Relations between entities, as they are listed, shown, and made by hand."""

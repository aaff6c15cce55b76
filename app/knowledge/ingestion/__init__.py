"""Taking documents in: uploads, and the runs that make them found."""

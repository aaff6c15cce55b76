"""Which of several concepts a term means here, told by what stands around it."""

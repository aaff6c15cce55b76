"""Files from outside are read in a child process that can be killed; this is both ends of it."""

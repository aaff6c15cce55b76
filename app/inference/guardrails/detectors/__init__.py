"""What is looked for in texts on this machine: spans with their labels, in linear time."""

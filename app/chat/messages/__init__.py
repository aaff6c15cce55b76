"""Messages: a tree in which every edit and every new answer is a branch."""

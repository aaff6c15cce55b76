"""What is remembered of people, by agents and for workspaces: facts with two times, and blocks."""

"""Tools that need nobody outside: numbers, dates, code, and what the workspace itself knows."""
